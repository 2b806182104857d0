"""Equivalence: two one-sided tests that a difference is smaller than a margin (Schuirmann, 1987).

"No difference shown" is not "equal". To show that two models are as good as one another, say first how large a
difference would not matter: that margin is the question, so it has no default.
"""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from mlcore.statistics.mean_tests import t_interval, t_p_value, welch_error
from mlcore.statistics.values import (
    Interval,
    StatisticsError,
    as_pairs,
    as_values,
    check_share,
    differences_of,
    interval_text,
    is_constant,
    p_text,
    unfit,
)

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

Margin = float | tuple[float, float]


@dataclass(frozen=True)
class Equivalence:
    """Whether first - second lies within the margin.

    Attributes:
        n: pairs, or the values of each sample.
        margin: the bounds (low, high) that were asked about.
        difference: mean of the first minus mean of the second.
        interval: of the difference at 1 - 2 alpha: equivalence is shown exactly when it lies within the margin.
        p_low, p_high: of the tests against the lower and the upper bound.
        p_value: the larger of the two.
        is_equivalent: p_value < alpha; None when it cannot be answered.
        reason: why not.
    """

    n: int | tuple[int, int]
    margin: Interval
    alpha: float
    difference: float | None = None
    interval: Interval | None = None
    p_low: float | None = None
    p_high: float | None = None
    p_value: float | None = None
    is_equivalent: bool | None = None
    reason: str | None = None

    def as_dict(self) -> dict[str, Any]:
        """The fields by name, ready for JSON."""
        return asdict(self)

    def __str__(self) -> str:
        margin = f"margin [{self.margin[0]:.4g}, {self.margin[1]:.4g}]"
        if self.p_value is None:
            return f"equivalence not tested, {margin}: {self.reason}"
        word = "equivalent" if self.is_equivalent else "equivalence not shown"
        found = f"difference {self.difference:.4g}{interval_text(self.interval, 1 - 2 * self.alpha)}"
        return f"{word}: {found}, {margin}, {p_text(self.p_value)}"


def equivalence_test(
    first: ArrayLike, second: ArrayLike, *, margin: Margin, alpha: float = 0.05
) -> Equivalence:
    """Two separate samples (n,) and (m,), unequal variances (Welch).

    Args:
        margin: the difference that would not matter, in the values' unit; or its two bounds.

    Raises:
        StatisticsError: a margin that holds no 0, an alpha outside (0, 0.5), not lists of numbers.
    """
    bounds = _bounds(margin, alpha)
    a, b = as_values(first, "first"), as_values(second, "second")
    size = (len(a), len(b))
    reason = unfit(a, what="values of the first") or unfit(b, what="values of the second")
    both = np.concatenate([a, b])
    if reason is None and is_constant(a, both) and is_constant(b, both):
        reason = "neither sample varies"
    if reason is not None:
        return Equivalence(size, bounds, alpha, reason=reason)
    error, df = welch_error(a, b)
    return _tested(size, bounds, alpha, float(np.mean(a) - np.mean(b)), error, df)


def paired_equivalence_test(
    first: ArrayLike, second: ArrayLike, *, margin: Margin, alpha: float = 0.05
) -> Equivalence:
    """Pairs first[i], second[i] (n,), for instance of the same seed.

    Raises:
        StatisticsError: as for `equivalence_test`, and for lists of different lengths.
    """
    bounds = _bounds(margin, alpha)
    a, b = as_pairs(first, second)
    differences = differences_of(a, b)
    reason = unfit(differences, what="pairs")
    if reason is None and is_constant(differences, np.concatenate([a, b])):
        reason = "all differences are equal: their spread is unknown"
    if reason is not None:
        return Equivalence(len(differences), bounds, alpha, reason=reason)
    n = len(differences)
    error = float(np.std(differences, ddof=1)) / math.sqrt(n)
    return _tested(n, bounds, alpha, float(np.mean(differences)), error, n - 1)


def _tested(
    size: int | tuple[int, int], bounds: Interval, alpha: float, difference: float, error: float, df: float
) -> Equivalence:
    p_low = t_p_value((difference - bounds[0]) / error, df, "greater")
    p_high = t_p_value((difference - bounds[1]) / error, df, "less")
    p_value = max(p_low, p_high)
    interval = t_interval(difference, error, df, 1 - 2 * alpha)
    return Equivalence(size, bounds, alpha, difference, interval, p_low, p_high, p_value, p_value < alpha)


def _bounds(margin: Margin, alpha: float) -> Interval:
    check_share(alpha, "alpha")
    if alpha >= 0.5:
        raise StatisticsError(f"alpha is {alpha:g}: it lies below 0.5")
    low, high = margin if isinstance(margin, tuple) else (-margin, margin)
    if not (low < 0 < high and math.isfinite(high - low)):
        raise StatisticsError(f"margin {margin}: a finite distance above 0, or two bounds around 0")
    return float(low), float(high)
