"""What a type annotation of a section allows: its kinds of value, its sections, its range, in words."""

import types
import typing
from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum
from functools import cached_property
from pathlib import PurePath
from typing import Annotated, Any, Literal, Union

from pydantic import BaseModel, BeforeValidator, PlainValidator, WrapValidator
from pydantic.fields import FieldInfo

from mlcore.config.problems import listed

_LISTS = (list, tuple, set, frozenset)
_NAMES = {bool: "", int: "a whole number", float: "a number", str: "text", dict: "a section"}
_PLURALS = {int: "whole numbers", float: "numbers", str: "texts", bool: "true or false"}


@dataclass(frozen=True)
class Shape:
    """An annotation taken apart: the members of its union, null aside.

    Attributes:
        members: the bare types (``int``, ``list[int]``, a section, ``Literal[...]``…).
        metadata: pydantic's constraints (``Ge(1)``…) of the annotation as a whole.
        is_nullable: whether null is allowed.
        num_choices: how many choices pydantic sees; from two on, the place of an error names the choice.
    """

    members: tuple[Any, ...]
    metadata: tuple[Any, ...] = ()
    is_nullable: bool = False
    num_choices: int = 1

    @cached_property
    def sections(self) -> tuple[type[BaseModel], ...]:
        """The sections among the members."""
        return tuple(member for member in self.members if _is_section(member))

    @cached_property
    def choices(self) -> tuple[object, ...]:
        """The values listed by ``Literal`` and ``Enum`` members."""
        values: list[object] = []
        for member in self.members:
            if typing.get_origin(member) is Literal:
                values += typing.get_args(member)
            elif isinstance(member, type) and issubclass(member, Enum):
                values += [choice.value for choice in member]
        return tuple(values)

    @cached_property
    def discriminator(self) -> str | None:
        """The key by which several sections are told apart: the one that is a ``Literal`` in all of them."""
        if len(self.sections) < 2:
            return None
        common = [
            name for name in self.sections[0].model_fields if all(tags_of(s, name) for s in self.sections)
        ]
        return common[0] if common else None

    def takes(self, *kinds: type) -> bool:
        """Whether one of the members is one of these types."""
        return any(member in kinds for member in self.members)

    @property
    def is_converted(self) -> bool:
        """Whether a validator of the schema sees the value before its type is checked, and may convert it."""
        return any(
            isinstance(item, BeforeValidator | PlainValidator | WrapValidator) for item in self.metadata
        )

    @property
    def takes_any_text(self) -> bool:
        """Whether text of any content may stand here, as far as the annotation says."""
        return any(not (_is_closed(member) or member in (int, float, bool)) for member in self.members)

    def in_words(self) -> str:
        """``a whole number or null``."""
        choices = [*self.choices, *([True, False] if self.takes(bool) else [])]
        if self.discriminator is not None:
            choices += [tag for section in self.sections for tag in tags_of(section, self.discriminator)]
        words = [listed(choices) if len(choices) < 3 else f"one of {listed(choices)}"] if choices else []
        is_plain = self.discriminator is None
        for member in self.members:
            is_narrower = member is int and self.takes(float)
            name = "" if is_narrower or (_is_section(member) and not is_plain) else _in_words(member)
            if name and name not in words:
                words.append(name)
        if self.is_nullable:
            words.append("null")
        return " or ".join(words)

    def range_in_words(self) -> str | None:
        """``at least 1 and less than 10``, or None where there are no bounds."""
        bounds = []
        for attribute, words in (
            ("ge", "at least"),
            ("gt", "greater than"),
            ("le", "at most"),
            ("lt", "less than"),
        ):
            values = [
                getattr(item, attribute)
                for item in self.metadata
                if getattr(item, attribute, None) is not None
            ]
            bounds += [f"{words} {value}" for value in values]
        return " and ".join(dict.fromkeys(bounds)) or None

    def item_shape(self, index: int) -> "Shape":
        """The shape of one item of a list."""
        for member in self.members:
            origin, arguments = typing.get_origin(member), typing.get_args(member)
            if origin is tuple and ... not in arguments:
                return shape_of(arguments[index]) if index < len(arguments) else ANYTHING
            if origin in _LISTS and arguments:
                return shape_of(arguments[0])
        return ANYTHING

    def value_shape(self) -> "Shape":
        """The shape of the values of a mapping with free keys."""
        for member in self.members:
            if typing.get_origin(member) is dict:
                return shape_of(typing.get_args(member)[1])
        return ANYTHING


ANYTHING = Shape((Any,))


def shape_of(annotation: Any, metadata: tuple[Any, ...] = ()) -> Shape:
    """Take an annotation apart."""
    members = list(_members(annotation))
    bare = tuple(member for member, _ in members if member is not type(None))
    constraints = [item for _, items in members for item in items]
    is_nullable = len(bare) < len(members)
    return Shape(bare or (Any,), (*metadata, *constraints), is_nullable, num_choices=len(bare))


def field_shape(field: FieldInfo) -> Shape:
    """The shape of a section's field."""
    return shape_of(field.annotation, tuple(field.metadata))


def tags_of(section: type[BaseModel], name: str) -> tuple[str, ...]:
    """The texts that a ``Literal`` field of a section allows; empty for any other field."""
    field = section.model_fields.get(name)
    if field is None or typing.get_origin(field.annotation) is not Literal:
        return ()
    return tuple(tag for tag in typing.get_args(field.annotation) if isinstance(tag, str))


def _members(annotation: Any) -> Iterator[tuple[Any, tuple[Any, ...]]]:
    """The members of a union with their constraints, through ``Annotated`` and type aliases."""
    annotation = getattr(annotation, "__value__", annotation)  # type X = … of Python 3.12
    origin = typing.get_origin(annotation)
    if origin is Annotated:
        inner, *metadata = typing.get_args(annotation)
        for member, constraints in _members(inner):
            yield member, (*_constraints(metadata), *constraints)
    elif origin is Union or origin is types.UnionType:
        for argument in typing.get_args(annotation):
            yield from _members(argument)
    else:
        yield annotation, ()


def _constraints(metadata: list[Any]) -> list[Any]:
    """``Field(ge=1)`` inside ``Annotated`` holds its constraints one level deeper."""
    flat: list[Any] = []
    for item in metadata:
        flat += item.metadata if isinstance(item, FieldInfo) else [item]
    return flat


def _is_section(member: Any) -> bool:
    return isinstance(member, type) and issubclass(member, BaseModel)


def _is_closed(member: Any) -> bool:
    """Whether no text but listed ones may stand for this member."""
    return (
        typing.get_origin(member) in (Literal, dict, *_LISTS)
        or member in (dict, *_LISTS)
        or _is_section(member)
        or (isinstance(member, type) and issubclass(member, Enum))
    )


def _in_words(member: Any) -> str:
    origin = typing.get_origin(member) or member
    if origin in _LISTS:
        arguments = typing.get_args(member)
        kinds = {shape_of(argument).members for argument in arguments if argument is not ...}
        items = _PLURALS.get(next(iter(kinds))[0], "values") if len(kinds) == 1 else "values"
        count = f"{len(arguments)} " if origin is tuple and arguments and ... not in arguments else ""
        return f"a list of {count}{items}"
    if origin is Literal:
        return ""
    if _is_section(member):
        return f"a section (keys: {', '.join(list(member.model_fields)[:6]) or 'none'})"
    if isinstance(member, type) and issubclass(member, PurePath):
        return "a path"
    if isinstance(member, type) and issubclass(member, Enum):
        return ""
    return _NAMES.get(origin, "another kind of value")
