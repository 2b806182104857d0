"""The Wilcoxon signed-rank test, exact with ties."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from mlcore.statistics.sign_flip import smallest_p_value
from mlcore.statistics.significance import SignificanceTest
from mlcore.statistics.values import (
    ALTERNATIVES,
    ROUNDING,
    SMALLEST_P,
    Alternative,
    as_pairs,
    check_choice,
    differences_of,
    unfit,
)

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

_MOST_EXACT = 200  # the exact distribution takes n^3 additions; beyond this the normal one is as good
_EXACT = "Wilcoxon signed-rank test, exact distribution of the observed (mid-)ranks (Wilcoxon, 1945)"
_NORMAL = "Wilcoxon signed-rank test, normal approximation with tie and continuity correction"


def wilcoxon_test(
    first: ArrayLike, second: ArrayLike, *, alternative: Alternative = "two-sided"
) -> SignificanceTest:
    """Whether the differences of pairs first[i] - second[i] (n,) scatter symmetrically around 0.

    Pairs without a difference are left out, as Wilcoxon did; ties share their mean rank. The statistic is the
    rank sum of the positive differences. Exact up to 200 pairs, ties or not.

    Raises:
        StatisticsError: lists of different lengths, or an unknown alternative.
    """
    check_choice(alternative, ALTERNATIVES, "alternative")
    a, b = as_pairs(first, second)
    differences = differences_of(a, b)
    reason = unfit(differences, least=1, what="pairs")
    mean = None if reason else float(np.mean(differences))
    nonzero = differences[differences != 0]
    if reason is None and len(nonzero) == 0:
        reason = f"all {len(differences)} differences are 0"
    if reason is not None:
        return SignificanceTest(
            test="Wilcoxon signed-rank",
            n=len(differences),
            difference=mean,
            alternative=alternative,
            method=_EXACT,
            reason=reason,
        )
    is_exact = len(nonzero) <= _MOST_EXACT
    ranks = _ranks(nonzero, float(np.max(np.abs([a, b]))))
    statistic, p_value = (_exact if is_exact else _normal)(ranks, nonzero > 0, alternative)
    return SignificanceTest(
        test="Wilcoxon signed-rank",
        n=len(nonzero),
        difference=mean,
        statistic=statistic,
        p_value=max(p_value, SMALLEST_P),
        smallest_p_value=smallest_p_value(len(nonzero), alternative) if is_exact else None,
        alternative=alternative,
        method=_EXACT if is_exact else _NORMAL,
    )


def _ranks(differences: NDArray[np.float64], scale: float) -> NDArray[np.float64]:
    """Mid-ranks of the magnitudes; magnitudes that differ by rounding only are ties.

    0.9703 - 0.9692 and 0.9692 - 0.9681 are the same eleven examples and not the same float.
    """
    from scipy import stats

    magnitudes = np.abs(differences)
    order = np.argsort(magnitudes)
    is_new = np.diff(magnitudes[order], prepend=-np.inf) > ROUNDING * scale
    distinct = np.empty(len(order), dtype=np.int64)
    distinct[order] = np.cumsum(is_new)
    return stats.rankdata(distinct)


def _exact(
    ranks: NDArray[np.float64], is_positive: NDArray[np.bool_], alternative: Alternative
) -> tuple[float, float]:
    """Rank sum of the positive differences, and its p-value when every sign is a coin's."""
    # Mid-ranks are multiples of one half: doubled they are whole, and sums can be counted.
    doubled = np.rint(2 * ranks).astype(np.int64)
    observed = int(np.sum(doubled[is_positive]))
    share = np.zeros(int(np.sum(doubled)) + 1)
    share[0] = 1.0
    for rank in doubled:
        share[rank:] = (share[rank:] + share[: len(share) - rank]) / 2
        share[:rank] /= 2
    at_least, at_most = float(np.sum(share[observed:])), float(np.sum(share[: observed + 1]))
    return observed / 2, _p_value(at_least, at_most, alternative)


def _normal(
    ranks: NDArray[np.float64], is_positive: NDArray[np.bool_], alternative: Alternative
) -> tuple[float, float]:
    """The same with the normal distribution of equal mean and variance; half a step is the correction."""
    from scipy import stats

    positive = float(np.sum(ranks[is_positive]))
    distance = positive - float(np.sum(ranks)) / 2
    deviation = float(np.sqrt(np.sum(ranks**2))) / 2
    at_least = float(stats.norm.sf((distance - 0.5) / deviation))
    at_most = float(stats.norm.cdf((distance + 0.5) / deviation))
    return positive, _p_value(at_least, at_most, alternative)


def _p_value(at_least: float, at_most: float, alternative: Alternative) -> float:
    p_value = {"greater": at_least, "less": at_most, "two-sided": 2 * min(at_least, at_most)}[alternative]
    return min(1.0, p_value)
