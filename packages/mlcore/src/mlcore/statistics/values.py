"""What every function here takes: one list of numbers a sample, checked once, and why it may be unfit."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from mlcore.config.problems import listed, suggestion
from mlcore.errors import UserError

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

Interval = tuple[float, float]
Alternative = Literal["two-sided", "greater", "less"]
ALTERNATIVES: tuple[Alternative, ...] = ("two-sided", "greater", "less")
# Below this a p-value is rounding: no test of finite data gives exactly nothing.
SMALLEST_P = 1e-300
# Values that differ by less than this share of their size differ by rounding only (8 units in the last place).
ROUNDING = 8 * float(np.finfo(np.float64).eps)
# Squares of numbers beyond these leave the range of floats.
_LARGEST, _SMALLEST = 1e150, 1e-150


class StatisticsError(UserError):
    """A question that makes no sense: shapes that do not fit, a confidence of 95, a margin below 0."""

    exit_code = 2


def as_values(values: ArrayLike, name: str = "values") -> NDArray[np.float64]:
    """`values` as a float64 array of shape (n,); booleans count as 0 and 1.

    Raises:
        StatisticsError: not numbers, or not one list.
    """
    try:
        array = np.asarray(values, dtype=np.float64)
    except (TypeError, ValueError):
        raise StatisticsError(f"{name}: not a list of numbers") from None
    if array.ndim != 1:
        raise StatisticsError(f"{name}: expected one list of numbers, got the shape {array.shape}")
    return array


def as_pairs(first: ArrayLike, second: ArrayLike) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Two samples whose values belong together one by one.

    Raises:
        StatisticsError: they are of different lengths.
    """
    a, b = as_values(first, "first"), as_values(second, "second")
    if len(a) != len(b):
        raise StatisticsError(f"pairs need two lists of the same length, got {len(a)} and {len(b)} values")
    return a, b


def differences_of(first: NDArray[np.float64], second: NDArray[np.float64]) -> NDArray[np.float64]:
    """first - second (n,); what is rounding alone becomes 0."""
    with np.errstate(invalid="ignore"):
        differences = first - second
        scale = np.maximum(np.abs(first), np.abs(second))
        is_rounding = (np.abs(differences) <= ROUNDING * scale) & np.isfinite(scale)
        return np.where(is_rounding, 0.0, differences)


def unfit(array: NDArray[np.float64], least: int = 2, what: str = "values") -> str | None:
    """Why nothing can be computed from a sample, in words; None if something can."""
    if len(array) == 0:
        return f"no {what}"
    num_bad = int(np.sum(~np.isfinite(array)))
    if num_bad:
        return f"{num_bad} of {len(array)} {what} {'is' if num_bad == 1 else 'are'} not finite"
    if float(np.max(np.abs(array))) > _LARGEST:
        return f"{what} beyond {_LARGEST:.0e} are too large to compute with"
    if len(array) < least:
        return f"{len(array)} of the {least} {what} that this needs at least"
    return None


def is_constant(array: NDArray[np.float64], scale: NDArray[np.float64] | None = None) -> bool:
    """Whether finite values differ by no more than rounding.

    Differences 0.3 - 0.2 and 0.2 - 0.1 differ in the last place; a t test of them would find p = 1e-15.

    Args:
        array: the values, or differences of two samples.
        scale: what the differences were taken from: their rounding is that of the larger numbers.
    """
    size = float(np.max(np.abs(array if scale is None else scale)))
    return float(np.ptp(array)) <= max(ROUNDING * size, _SMALLEST)


def check_share(value: float, name: str) -> None:
    """Refuse a confidence or alpha that does not lie between 0 and 1: 95 means 0.95."""
    if not 0 < value < 1:
        hint = f"; did you mean {value / 100:g}?" if 1 < value < 100 else ""
        raise StatisticsError(f"{name} is {value:g}: it lies between 0 and 1{hint}")


def check_choice(value: Any, choices: Sequence[str], name: str) -> None:
    """Refuse what is none of `choices`, with the nearest of them."""
    if value not in choices:
        raise StatisticsError(
            f"{name}: expected {listed(choices)}, got {value!r}{suggestion(str(value), choices)}"
        )


def p_text(p_value: float) -> str:
    """`p = 0.0123`, `p < 1e-300`."""
    if p_value <= SMALLEST_P:
        return f"p < {SMALLEST_P:.0e}"
    return f"p = {p_value:.3g}" if p_value < 0.9995 else "p = 1"


def interval_text(interval: Interval | None, confidence: float) -> str:
    """`, 95 % interval [1.2, 3.4]`, or nothing."""
    if interval is None:
        return ""
    return f", {100 * confidence:.4g} % interval [{interval[0]:.5g}, {interval[1]:.5g}]"
