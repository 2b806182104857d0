"""McNemar's exact test: two classifiers on the same test examples."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from mlcore.statistics.significance import SignificanceTest
from mlcore.statistics.values import SMALLEST_P, Interval, StatisticsError, as_pairs, check_share

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

_METHOD = (
    "exact binomial test of the examples that one alone got right (McNemar, 1947); "
    "adjusted Wald interval of the difference (Bonett and Price, 2012)"
)


@dataclass(frozen=True, kw_only=True)
class McNemarTest(SignificanceTest):
    """McNemar's test. `difference` is first's accuracy minus second's.

    Attributes:
        both, only_first, only_second, neither: examples that were classified rightly by whom.
    """

    both: int
    only_first: int
    only_second: int
    neither: int

    def __str__(self) -> str:
        return (
            f"{super().__str__()} ({self.only_first} : {self.only_second} examples that one alone got right)"
        )


def mcnemar_test(
    first_correct: ArrayLike, second_correct: ArrayLike, *, confidence: float = 0.95
) -> McNemarTest:
    """Whether two classifiers have the same accuracy, from which of the same examples (n,) each got right.

    It speaks of these two trained models, not of how they would do when trained again.

    Raises:
        StatisticsError: lists of different lengths, or values other than true and false.
    """
    a, b = as_pairs(first_correct, second_correct)
    if not np.all(np.isin(np.concatenate([a, b]), (0.0, 1.0))):
        raise StatisticsError("McNemar's test takes true or false for each example: whether it was right")
    is_a, is_b = a == 1, b == 1
    return mcnemar_counts_test(
        both=int(np.sum(is_a & is_b)),
        only_first=int(np.sum(is_a & ~is_b)),
        only_second=int(np.sum(~is_a & is_b)),
        neither=int(np.sum(~is_a & ~is_b)),
        confidence=confidence,
    )


def mcnemar_counts_test(
    *, both: int, only_first: int, only_second: int, neither: int, confidence: float = 0.95
) -> McNemarTest:
    """`mcnemar_test` from the four counts. Without a disagreement p is 1: nothing speaks for a difference.

    Raises:
        StatisticsError: a count below 0, or a confidence outside (0, 1).
    """
    from scipy import stats

    check_share(confidence, "confidence")
    counts: dict[str, Any] = {
        "both": both,
        "only_first": only_first,
        "only_second": only_second,
        "neither": neither,
    }
    for name, count in counts.items():
        if count < 0:
            raise StatisticsError(f"{name} is {count}: a count is at least 0")
    n, num_discordant = sum(counts.values()), only_first + only_second
    if n == 0:
        return McNemarTest(test="McNemar", n=0, method=_METHOD, reason="no examples", **counts)
    tail = float(stats.binom.cdf(min(only_first, only_second), num_discordant, 0.5))
    return McNemarTest(
        test="McNemar",
        n=n,
        difference=(only_first - only_second) / n,
        interval=_interval(only_first, only_second, n, confidence),
        confidence=confidence,
        statistic=float(min(only_first, only_second)),
        p_value=min(1.0, max(2 * tail, SMALLEST_P)),
        smallest_p_value=min(1.0, max(2 * 0.5**num_discordant, SMALLEST_P)),
        method=_METHOD,
        **counts,
    )


def _interval(only_first: int, only_second: int, n: int, confidence: float) -> Interval:
    """Bonett and Price's interval: one example is added to each of the two cells and the error is Wald's."""
    from scipy import stats

    p, q = (only_first + 1) / (n + 2), (only_second + 1) / (n + 2)
    half = float(stats.norm.ppf((1 + confidence) / 2)) * math.sqrt((p + q - (p - q) ** 2) / (n + 2))
    return max(-1.0, p - q - half), min(1.0, p - q + half)
