"""pydantic's errors in the words of the person who wrote the file."""

import re
from typing import Any

from pydantic import BaseModel, ValidationError

from mlcore.config.annotations import Shape, field_shape, tags_of
from mlcore.config.matching import Matcher, Path, Place, wrong_kind
from mlcore.config.problems import Origin, Problem, dotted, shown

_OUT_OF_RANGE = {"greater_than", "greater_than_equal", "less_than", "less_than_equal"}
_OWN_WORDS = {"value_error", "assertion_error"}


def problems_of(error: ValidationError, matcher: Matcher) -> list[Problem]:
    """One problem for each place that pydantic complains about and that is not known to be faulty already."""
    by_path: dict[Path, list[Any]] = {}
    for details in error.errors(include_url=False):
        path = _path_of(details["loc"], matcher)
        if path is not None:
            by_path.setdefault(path, []).append(details)
    problems = []
    for path, all_details in by_path.items():
        is_echo = any(_begins(path, known) or _begins(known, path) for known in matcher.faulty)
        has_deeper = len(by_path) > 1 and any(other != path and _begins(other, path) for other in by_path)
        if not is_echo and not (has_deeper and _is_union(path, matcher.places)):
            problems.append(_problem(path, all_details, matcher.places))
    return problems


def _path_of(loc: tuple[int | str, ...], matcher: Matcher) -> Path | None:
    """The path in the tree: pydantic's place without the names of union members that it puts in between.

    None for a complaint of a member that the value was not meant for: pydantic tries them all.
    """
    places = matcher.places
    path: Path = ()
    must_skip = _is_union(path, places)
    for index, part in enumerate(loc):
        is_missing_field = index == len(loc) - 1 and _is_field(part, places.get(path))
        if not must_skip and ((*path, part) in places or is_missing_field):
            path = (*path, part)
            must_skip = _is_union(path, places)
            continue
        if must_skip and path in matcher.chosen and not _is_label_of(part, matcher.chosen[path]):
            return None
        must_skip = False
    return path


def _is_label_of(label: int | str, section: type[BaseModel]) -> bool:
    """Whether pydantic means this section: by its tag, or by its class's name, with its validators around it."""
    is_tag = any(label in tags_of(section, name) for name in section.model_fields)
    return is_tag or re.search(rf"\b{section.__name__}\b", str(label)) is not None


def _is_field(part: object, place: Place | None) -> bool:
    return place is not None and any(part in section.model_fields for section in place.shape.sections)


def _is_union(path: Path, places: dict[Path, Place]) -> bool:
    return path in places and places[path].shape.num_choices > 1


def _begins(path: Path, start: Path) -> bool:
    return path[: len(start)] == start


def _problem(path: Path, all_details: list[Any], places: dict[Path, Place]) -> Problem:
    details = all_details[0]
    place = places.get(path)
    if place is None:  # a missing key, or the default of a key that is not in the file
        parent = next(
            (places[path[:end]] for end in range(len(path) - 1, -1, -1) if path[:end] in places), None
        )
        origin = parent.origin if parent is not None else Origin("configuration")
        written = f"{parent.written}." if parent is not None and parent.written else ""
        is_missing = details["type"] == "missing"
        message = f"missing{_expected(parent, path)}" if is_missing else _words(None, details)
        return Problem(origin, written + dotted(path[-1:]), message)
    return Problem(place.origin, place.written, _message(place.shape, all_details))


def _expected(parent: Place | None, path: Path) -> str:
    sections = parent.shape.sections if parent is not None else ()
    fields = [section.model_fields[str(path[-1])] for section in sections if path[-1] in section.model_fields]
    return f"; expected {field_shape(fields[0]).in_words()}" if fields else ""


def _message(shape: Shape, all_details: list[Any]) -> str:
    for details in all_details:
        if details["type"] in _OWN_WORDS:
            return _words(shape, details)
    details = all_details[0]
    if details["type"].split("_")[-1] in ("type", "parsing") or details["type"] in (
        "literal_error",
        "enum",
        "int_from_float",
    ):
        return wrong_kind(shape, details["input"])
    return _words(shape, details)


def _words(shape: Shape | None, details: Any) -> str:
    kind, value, context = details["type"], details["input"], details.get("ctx", {})
    if kind in _OUT_OF_RANGE:
        bounds = shape.range_in_words() if shape is not None else None
        return f"must be {bounds or details['msg'].removeprefix('Input should be ')}, got {shown(value)}"
    if kind in _OWN_WORDS:
        return " ".join(str(context["error"]).split()) or "not allowed"
    if kind == "missing" and shape is not None and isinstance(value, list):
        return f"expected {shape.in_words()}, got a list of {len(value)}"
    if kind == "finite_number":
        return f"expected a finite number, got {shown(value)}"
    if kind in ("too_short", "too_long"):
        count = context.get("min_length", context.get("max_length"))
        bound = "at least" if kind == "too_short" else "at most"
        return f"must have {bound} {count} values, has {context.get('actual_length')}"
    message = details["msg"].removeprefix("Input should ")
    return (
        f"should {message}, got {shown(value)}"
        if message != details["msg"]
        else f"{message}, got {shown(value)}"
    )
