"""Values out of files of which nothing is certain: what is not of the wanted kind counts as absent."""

from __future__ import annotations

import sys
from typing import Any, TypeGuard


def is_number(value: Any) -> TypeGuard[int | float]:
    """A finite number that a float can hold; True and False are none."""
    is_numeric = isinstance(value, int | float) and not isinstance(value, bool)
    return (
        is_numeric and abs(value) <= sys.float_info.max
    )  # false for NaN; an int may be larger than any float


def as_object(value: Any) -> dict[str, Any]:
    """`value` if it is an object of JSON, else an empty one."""
    return value if isinstance(value, dict) else {}


def as_objects(value: Any) -> list[dict[str, Any]]:
    """The objects of a list, each other entry as an empty one, so that positions stay."""
    return [as_object(item) for item in value] if isinstance(value, list) else []


def as_interval(value: Any) -> tuple[float, float] | None:
    """Two numbers [low, high], or None."""
    if isinstance(value, list) and len(value) == 2 and all(is_number(end) for end in value):
        return value[0], value[1]
    return None
