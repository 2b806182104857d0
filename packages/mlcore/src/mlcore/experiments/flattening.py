"""Nested values under dotted keys, and how two sets of them differ."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Literal

from mlcore.config.problems import shown

Flat = Mapping[str, Any]


def flatten(nested: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """`{"a": {"b": 1}, "c": [2]}` as `{"a.b": 1, "c": [2]}`; lists stay whole, an empty mapping is {}."""
    flat: dict[str, Any] = {}
    for key, value in nested.items():
        name = f"{prefix}{key}"
        if isinstance(value, Mapping) and value:
            flat |= flatten(value, f"{name}.")
        else:
            flat[name] = value
    return flat


@dataclass(frozen=True)
class Difference:
    """One key that is not the same on both sides.

    Attributes:
        first, second: the values; None on a side that does not have the key.
        only_in: the side that alone has the key; None when both do.
    """

    key: str
    first: Any
    second: Any
    only_in: Literal["first", "second"] | None = None

    def as_dict(self) -> dict[str, Any]:
        """The fields by name, ready for JSON."""
        return asdict(self)

    def texts(self) -> tuple[str, str]:
        """Both values as they stand in YAML; – where there is none."""
        return (
            "–" if self.only_in == "second" else value_text(self.first),
            "–" if self.only_in == "first" else value_text(self.second),
        )

    def __str__(self) -> str:
        return f"{self.key}: {' -> '.join(self.texts())}"


def differences(first: Flat, second: Flat) -> tuple[Difference, ...]:
    """The keys whose values differ, in the order of the first, then those that the second alone has.

    1 and 1.0 are the same, true and 1 are not.
    """
    found = []
    for key, value in first.items():
        if key not in second:
            found.append(Difference(key, value, None, "first"))
        elif not is_same(value, second[key]):
            found.append(Difference(key, value, second[key]))
    found += [Difference(key, None, value, "second") for key, value in second.items() if key not in first]
    return tuple(found)


def is_same(first: Any, second: Any) -> bool:
    """Equality that tells true from 1, and that a NaN has with a NaN."""
    if isinstance(first, bool) or isinstance(second, bool):
        return first is second
    if isinstance(first, list | tuple) and isinstance(second, list | tuple):
        return len(first) == len(second) and all(map(is_same, first, second))
    both_nan = isinstance(first, float) and isinstance(second, float) and first != first and second != second
    return both_nan or bool(first == second)


def value_text(value: Any) -> str:
    """A value on one short line; lists of values in full."""
    if isinstance(value, list | tuple) and len(value) <= 8:
        return f"[{', '.join(value_text(item) for item in value)}]"
    return value if isinstance(value, str) and value.isprintable() and len(value) <= 60 else shown(value)
