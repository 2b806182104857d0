"""The base class of everything a configuration file may hold."""

from collections.abc import Mapping
from typing import Any, ClassVar

from pydantic import BaseModel, ConfigDict, model_validator


class Section(BaseModel):
    """One section of a configuration: frozen, finite numbers only, unknown keys refused.

    Other names of a key are given in ``aliases``, old name to name, both relative to the section. They may
    be dotted, so that a section can also take in keys which another document keeps elsewhere::

        class TrainingConfig(Section):
            aliases: ClassVar[Mapping[str, str]] = {"num_epochs": "epochs", "lr": "learning_rate"}

            epochs: int = Field(default=1, ge=1)
            learning_rate: float = Field(default=1e-3, gt=0)

    A subclass has the aliases of its bases too. Giving a key under two names is an error.
    """

    model_config = ConfigDict(
        frozen=True, extra="forbid", validate_default=True, allow_inf_nan=False, protected_namespaces=()
    )

    aliases: ClassVar[Mapping[str, str]] = {}

    @classmethod
    def all_aliases(cls) -> dict[str, str]:
        """The aliases of this class and of its bases, old name to name."""
        merged: dict[str, str] = {}
        for base in reversed(cls.__mro__):
            merged.update(base.__dict__.get("aliases", {}))
        return merged

    @model_validator(mode="before")
    @classmethod
    def _rename_aliases(cls, values: Any) -> Any:
        """Sections built in Python take the old names too; ``load_config`` has renamed them before."""
        if not isinstance(values, dict):
            return values
        values = dict(values)
        for old, new in cls.all_aliases().items():
            value = _take(values, old.split("."))
            if value is not _ABSENT:
                _put(
                    values, new.split("."), value, f"{old!r} is another name of {new!r}: give one of the two"
                )
        return values


_ABSENT = object()


def _take(values: dict[str, Any], path: list[str]) -> Any:
    """Remove and return the value at ``path``, copying mappings on the way: the caller's stay as they are."""
    first, *rest = path
    if first not in values:
        return _ABSENT
    if not rest:
        return values.pop(first)
    if not isinstance(values[first], dict):
        return _ABSENT
    inner = dict(values[first])
    taken = _take(inner, rest)
    if taken is not _ABSENT:
        values[first] = inner
        if not inner:
            del values[first]
    return taken


def _put(values: dict[str, Any], path: list[str], value: Any, message_if_there: str) -> None:
    first, *rest = path
    if not rest:
        if first in values:
            raise ValueError(message_if_there)
        values[first] = value
        return
    inner = values.get(first)
    values[first] = dict(inner) if isinstance(inner, dict) else {}
    _put(values[first], rest, value, message_if_there)
