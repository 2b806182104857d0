"""Tests of a difference of means: Welch's for separate samples, Student's for pairs."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from mlcore.statistics.significance import SignificanceTest
from mlcore.statistics.values import (
    ALTERNATIVES,
    SMALLEST_P,
    Alternative,
    Interval,
    as_pairs,
    as_values,
    check_choice,
    check_share,
    differences_of,
    is_constant,
    unfit,
)

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

_WELCH = "Welch's t test, unequal variances (Welch, 1947)"
_PAIRED = "Student's t test of the differences of pairs (Student, 1908)"


def welch_test(
    first: ArrayLike,
    second: ArrayLike,
    *,
    alternative: Alternative = "two-sided",
    confidence: float = 0.95,
) -> SignificanceTest:
    """Whether two separate samples (n,) and (m,) have the same mean; their variances may differ.

    The interval is two-sided whatever the alternative.

    Raises:
        StatisticsError: not lists of numbers, an unknown alternative, a confidence outside (0, 1).
    """
    check_share(confidence, "confidence")
    check_choice(alternative, ALTERNATIVES, "alternative")
    a, b = as_values(first, "first"), as_values(second, "second")
    reason = unfit(a, what="values of the first") or unfit(b, what="values of the second")
    difference = _mean_difference(a, b)
    both = np.concatenate([a, b])
    if reason is None and is_constant(a, both) and is_constant(b, both):
        reason = "neither sample varies"
    size = (len(a), len(b))
    if reason is not None or difference is None:
        return SignificanceTest(
            test="Welch t",
            n=size,
            difference=difference,
            alternative=alternative,
            method=_WELCH,
            reason=reason,
        )
    error, df = welch_error(a, b)
    t = difference / error
    return SignificanceTest(
        test="Welch t",
        n=size,
        difference=difference,
        interval=t_interval(difference, error, df, confidence),
        confidence=confidence,
        statistic=t,
        degrees_of_freedom=df,
        p_value=t_p_value(t, df, alternative),
        alternative=alternative,
        method=_WELCH,
    )


def paired_t_test(
    first: ArrayLike,
    second: ArrayLike,
    *,
    alternative: Alternative = "two-sided",
    confidence: float = 0.95,
) -> SignificanceTest:
    """Whether the differences of pairs, first[i] - second[i] (n,), have the mean 0.

    The same seed in both makes a pair: what the seed does to both cancels out.

    Raises:
        StatisticsError: lists of different lengths, an unknown alternative, a confidence outside (0, 1).
    """
    check_share(confidence, "confidence")
    check_choice(alternative, ALTERNATIVES, "alternative")
    a, b = as_pairs(first, second)
    differences = differences_of(a, b)
    n = len(differences)
    reason = unfit(differences, what="pairs")
    difference = _mean_difference(a, b)
    if reason is None and is_constant(differences, np.concatenate([a, b])):
        reason = f"all {n} differences are {difference:.4g}: their spread is unknown"
    if reason is not None or difference is None:
        return SignificanceTest(
            test="paired t",
            n=n,
            difference=difference,
            alternative=alternative,
            method=_PAIRED,
            reason=reason,
        )
    error = float(np.std(differences, ddof=1)) / math.sqrt(n)
    t = difference / error
    return SignificanceTest(
        test="paired t",
        n=n,
        difference=difference,
        interval=t_interval(difference, error, n - 1, confidence),
        confidence=confidence,
        statistic=t,
        degrees_of_freedom=float(n - 1),
        p_value=t_p_value(t, n - 1, alternative),
        alternative=alternative,
        method=_PAIRED,
    )


def welch_error(a: NDArray[np.float64], b: NDArray[np.float64]) -> tuple[float, float]:
    """Standard error of mean(a) - mean(b), and its degrees of freedom (Satterthwaite, 1946)."""
    share_a, share_b = float(np.var(a, ddof=1)) / len(a), float(np.var(b, ddof=1)) / len(b)
    total = share_a + share_b
    # As shares of the total: the squares of tiny variances would be 0.
    weight_a, weight_b = share_a / total, share_b / total
    df = 1 / (weight_a**2 / (len(a) - 1) + weight_b**2 / (len(b) - 1))
    return math.sqrt(total), df


def t_p_value(t: float, df: float, alternative: Alternative) -> float:
    """The p-value of a t statistic; at least 1e-300, as no finite data prove anything."""
    from scipy import stats

    tail = {"two-sided": abs(t), "greater": t, "less": -t}[alternative]
    p_value = float(stats.t.sf(tail, df)) * (2 if alternative == "two-sided" else 1)
    return min(max(p_value, SMALLEST_P), 1.0)


def t_interval(centre: float, error: float, df: float, confidence: float) -> Interval:
    """Student's two-sided interval around `centre`."""
    from scipy import stats

    half = float(stats.t.ppf((1 + confidence) / 2, df)) * error
    return centre - half, centre + half


def _mean_difference(a: NDArray[np.float64], b: NDArray[np.float64]) -> float | None:
    if unfit(a, least=1) or unfit(b, least=1):
        return None
    return float(np.mean(a) - np.mean(b))
