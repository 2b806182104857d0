"""Lay a tree of values beside a schema: rename aliases, find unknown keys, choose sections, remember the
places.

pydantic checks the values afterwards. What is done here is what it cannot do: know lines, suggest keys, tell
``yes`` from true, and keep the defaults of a section that a file mentions only in part.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel

from mlcore.config.annotations import Shape, field_shape, shape_of, tags_of
from mlcore.config.nodes import Node, find_node, put_node, take_node
from mlcore.config.problems import (
    MAX_PROBLEMS_SHOWN,
    Origin,
    Problem,
    dotted,
    listed,
    nearest,
    shown,
    suggestion,
)

Path = tuple[str | int, ...]
DROPPED = object()
_MAX_KEYS_LISTED = 12
_MAX_SCHEMA_DEPTH = 8
_YES_AND_NO = {"yes": "true", "on": "true", "y": "true", "no": "false", "off": "false", "n": "false"}


@dataclass(frozen=True)
class Place:
    """Where a value stands, and what may stand there."""

    origin: Origin
    written: str
    shape: Shape


def aliases_of(section: type[BaseModel]) -> dict[str, str]:
    """The section's other names of keys; empty for a model that is not a ``Section``."""
    all_aliases = getattr(section, "all_aliases", None)
    return all_aliases() if all_aliases is not None else {}


def rename_aliases(shape: Shape, node: Node) -> list[Problem]:
    """Give every key below ``node`` its own name, in place. A key given under two names is a problem."""
    problems: list[Problem] = []
    if isinstance(node.value, list):
        for index, item in enumerate(node.value):
            problems += rename_aliases(shape.item_shape(index), item)
    if not isinstance(node.value, dict):
        return problems
    sections = _possible_sections(shape, node)
    for old, new in {old: new for s in sections for old, new in aliases_of(s).items()}.items():
        problems += _rename(node, old, new)
    for key, child in node.value.items():
        shapes = [field_shape(s.model_fields[key]) for s in sections if key in s.model_fields]
        if shapes:
            problems += rename_aliases(shapes[0], child)
        elif not sections:
            problems += rename_aliases(shape.value_shape(), child)
    return problems


def _rename(node: Node, old: str, new: str) -> list[Problem]:
    taken = take_node(node, old.split("."))
    if taken is None:
        return []
    there = find_node(node, new.split("."))
    if there is None:
        put_node(node, new.split("."), taken)
        return []
    line = f" on line {there.origin.line}" if there.origin.line else ""
    return [
        Problem(taken.origin, taken.written, f"the same key as {there.written!r}{line}; give one of the two")
    ]


def _possible_sections(shape: Shape, node: Node) -> tuple[type[BaseModel], ...]:
    tag = find_node(node, [shape.discriminator]) if shape.discriminator else None
    if tag is None or shape.discriminator is None:
        return shape.sections
    return tuple(s for s in shape.sections if tag.value in tags_of(s, shape.discriminator)) or shape.sections


def key_paths(section: type[BaseModel], prefix: str = "", depth: int = 0) -> Iterator[str]:
    """All dotted keys of a schema, the aliases too."""
    for alias in aliases_of(section):
        yield prefix + alias
    for name, field in section.model_fields.items():
        yield prefix + name
        if depth < _MAX_SCHEMA_DEPTH:
            for inner in field_shape(field).sections:
                yield from key_paths(inner, f"{prefix}{name}.", depth + 1)


class Matcher:
    """One tree laid beside one schema.

    Attributes:
        problems: what was found wrong. The values concerned are left out of the result.
        places: the origin and the shape of each value, by its path.
        faulty: the paths of the problems, so that pydantic's echo of the same mistake can be left out.
        chosen: the section that each mapping is meant for.
    """

    def __init__(self, schema: type[BaseModel]) -> None:
        self.problems: list[Problem] = []
        self.places: dict[Path, Place] = {}
        self.faulty: set[Path] = set()
        self.chosen: dict[Path, type[BaseModel]] = {}
        self._schema = schema

    def match(self, root: Node) -> Any:
        """Plain data for ``schema.model_validate``."""
        return self._value(shape_of(self._schema), root, (), default=None)

    def _value(self, shape: Shape, node: Node, path: Path, default: object) -> Any:
        self.places[path] = Place(node.origin, node.written, shape)
        if isinstance(node.value, dict):
            if shape.sections:
                return self._section(shape, node, path, default)
            inner = shape.value_shape()
            pairs = {key: self._value(inner, child, (*path, key), None) for key, child in node.value.items()}
            return {key: value for key, value in pairs.items() if value is not DROPPED}
        if isinstance(node.value, list):
            items = [self._value(shape.item_shape(i), n, (*path, i), None) for i, n in enumerate(node.value)]
            return DROPPED if any(item is DROPPED for item in items) else items
        return self._scalar(shape, node, path)

    def _scalar(self, shape: Shape, node: Node, path: Path) -> Any:
        value = node.value
        if shape.is_converted:
            return value
        if (
            isinstance(value, str)
            and shape.discriminator
            and not shape.takes_any_text
            and value not in shape.choices
        ):
            if any(value in tags_of(s, shape.discriminator) for s in shape.sections):
                return {
                    shape.discriminator: value
                }  # `schedule: cosine` is short for `schedule: {type: cosine}`
            return self._drop(node, path, *self._wrong_tag(shape, value))
        if isinstance(value, bool):
            is_wrong = (
                shape.takes(int, float, str) and not shape.takes(bool) and not _has(shape.choices, value)
            )
        elif isinstance(value, str):
            is_wrong = not shape.takes_any_text and value not in shape.choices
        elif isinstance(value, int | float):
            is_wrong = shape.takes(bool) and not shape.takes(int, float) and not _has(shape.choices, value)
        else:
            is_wrong = value is None and not shape.is_nullable and Any not in shape.members
        if is_wrong:
            return self._drop(node, path, node.written, wrong_kind(shape, value))
        return value

    def _section(self, shape: Shape, node: Node, path: Path, default: object) -> Any:
        chosen = self._choose(shape, node, path, default)
        if chosen is None:
            return DROPPED
        assert isinstance(node.value, dict)
        self.chosen[path] = chosen
        base = default if type(default) is chosen else None
        plain: dict[str, Any] = {}
        if shape.discriminator and shape.discriminator not in node.value:
            plain[shape.discriminator] = tags_of(chosen, shape.discriminator)[0]
        if base is not None:
            plain |= {name: getattr(base, name) for name in base.model_fields_set}
        for key, child in node.value.items():
            field = chosen.model_fields.get(key)
            if field is None:
                self._unknown_key(shape, chosen, key, child, path)
                continue
            value = self._value(field_shape(field), child, (*path, key), _default_of(chosen, base, key))
            if value is DROPPED:
                plain.pop(key, None)
            else:
                plain[key] = value
        return plain

    def _choose(self, shape: Shape, node: Node, path: Path, default: object) -> type[BaseModel] | None:
        """The section that a mapping is meant for: by its tag, or else by the default's."""
        if len(shape.sections) == 1 or shape.discriminator is None:
            return shape.sections[0]
        tag = find_node(node, [shape.discriminator])
        if tag is None:
            if isinstance(default, shape.sections):
                return type(default)
            where, message = (
                dotted((*path, shape.discriminator)),
                f"missing; choose {self._tags_in_words(shape)}",
            )
            self._drop(node, path, where, message)
            return None
        for section in shape.sections:
            if isinstance(tag.value, str) and tag.value in tags_of(section, shape.discriminator):
                return section
        self.places[(*path, shape.discriminator)] = Place(tag.origin, tag.written, shape)
        self._drop(tag, path, *self._wrong_tag(shape, tag.plain(), tag.written))
        return None

    def _wrong_tag(self, shape: Shape, value: object, written: str = "") -> tuple[str, str]:
        tags = _all_tags(shape)
        near = suggestion(value, tags) if isinstance(value, str) else ""
        return written, f"expected {self._tags_in_words(shape)}, got {shown(value)}{near}"

    def _tags_in_words(self, shape: Shape) -> str:
        return "one of " + listed(_all_tags(shape)) + (" or null" if shape.is_nullable else "")

    def _unknown_key(self, shape: Shape, chosen: type[BaseModel], key: str, node: Node, path: Path) -> None:
        place = (*path, key)
        others = [s for s in shape.sections if s is not chosen and key in s.model_fields]
        if others and shape.discriminator:
            owners = listed([tag for other in others for tag in tags_of(other, shape.discriminator)])
            mine = shown(tags_of(chosen, shape.discriminator)[0])
            self._drop(
                node, place, node.written, f"a key of {shape.discriminator} {owners}, but this is {mine}"
            )
            return
        # Looking for a near key takes a millisecond; a hostile file has thousands of keys, and few are shown.
        near = self._suggest_key(chosen, key, path) if len(self.problems) < 2 * MAX_PROBLEMS_SHOWN else ""
        self._drop(node, place, node.written, f"no such key{near}")

    def _suggest_key(self, chosen: type[BaseModel], key: str, path: Path) -> str:
        names = [*chosen.model_fields, *aliases_of(chosen)]
        here = nearest(key, names)
        if here is not None:
            return f"; did you mean {dotted((*path, here))!r}?"
        elsewhere = {full.rpartition(".")[2]: full for full in reversed(list(key_paths(self._schema)))}
        match = nearest(key, elsewhere)
        if match is not None:
            return f"; did you mean {elsewhere[match]!r}?"
        listing = listed(names[:_MAX_KEYS_LISTED]) if names else "nothing"
        return f"; {dotted(path) or 'the top'} has {listing}" + (
            " …" if len(names) > _MAX_KEYS_LISTED else ""
        )

    def _drop(self, node: Node, path: Path, where: str, message: str) -> Any:
        self.problems.append(Problem(node.origin, where or node.written, message))
        self.faulty.add(path)
        return DROPPED


def wrong_kind(shape: Shape, value: object) -> str:
    """``expected a whole number, got 'many'``, with what was probably meant."""
    return f"expected {shape.in_words()}, got {shown(value)}{_meant(shape, value)}"


def _meant(shape: Shape, value: object) -> str:
    if isinstance(value, int | float) and shape.takes(str):
        return "; put it in quotes to make it text"
    if not isinstance(value, str):
        return ""
    if shape.takes(bool) and value.casefold() in _YES_AND_NO:
        return f"; did you mean {_YES_AND_NO[value.casefold()]}?"
    number = value.replace("_", "").replace(",", "")
    if shape.takes(int, float) and number != value and number.isascii() and number.isdigit():
        return f"; did you mean {number[:30]}?"
    if shape.takes(int, float) and value.strip().isascii() and value.strip().isdigit():
        return "; without the quotes it is a number"
    return suggestion(value, [choice for choice in shape.choices if isinstance(choice, str)])


def _has(choices: tuple[object, ...], value: object) -> bool:
    """Membership that tells true from 1."""
    return any(type(choice) is type(value) and choice == value for choice in choices)


def _all_tags(shape: Shape) -> list[str]:
    assert shape.discriminator is not None
    return [tag for section in shape.sections for tag in tags_of(section, shape.discriminator)]


def _default_of(section: type[BaseModel], base: BaseModel | None, key: str) -> object:
    """The default that a key has in this place: that of the enclosing default section, or of the field."""
    if base is not None:
        return getattr(base, key)
    field = section.model_fields[key]
    if field.is_required() or field.default_factory_takes_validated_data:
        return None
    return field.get_default(call_default_factory=True)
