"""The permutation test of paired differences: under no effect, each difference could as well have the other sign.

It assumes nothing about the distribution, which makes it the honest test for a handful of seeds. What it cannot do
is find significance in too few: with n pairs no two-sided p-value is below 2 / 2^n (3 seeds: 0.25; 5: 0.0625;
6: 0.03125).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from mlcore.statistics.significance import SignificanceTest
from mlcore.statistics.values import (
    ALTERNATIVES,
    Alternative,
    StatisticsError,
    as_pairs,
    check_choice,
    differences_of,
    unfit,
)

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

MOST_EXACT_PAIRS = 20  # 2^20 sums are 8 MB and milliseconds
_FLIPS_AT_ONCE = 2**22
_EXACT = "all 2^n assignments of signs to the mean difference (Fisher, 1935)"
_SAMPLED = "{} random assignments of signs, seed {}, p = (hits + 1) / (draws + 1) (Phipson and Smyth, 2010)"


def smallest_p_value(num_pairs: int, alternative: Alternative = "two-sided") -> float:
    """The smallest p-value that a sign-flip or signed-rank test of `num_pairs` differing pairs can give."""
    check_choice(alternative, ALTERNATIVES, "alternative")
    return min(1.0, (2.0 if alternative == "two-sided" else 1.0) * 0.5**num_pairs)


def sign_flip_test(
    first: ArrayLike,
    second: ArrayLike,
    *,
    alternative: Alternative = "two-sided",
    num_draws: int = 99_999,
    seed: int = 0,
) -> SignificanceTest:
    """Whether the mean of the differences of pairs first[i] - second[i] (n,) is that of random signs.

    Exact up to 20 pairs; beyond that `num_draws` random assignments from a generator of `seed`.

    Raises:
        StatisticsError: lists of different lengths, an unknown alternative, fewer than one draw.
    """
    check_choice(alternative, ALTERNATIVES, "alternative")
    if num_draws < 1:
        raise StatisticsError(f"num_draws is {num_draws}; 1 is the least")
    a, b = as_pairs(first, second)
    differences = differences_of(a, b)
    n = len(differences)
    reason = unfit(differences, least=1, what="pairs")
    if reason is not None:
        return SignificanceTest(test="sign flip", n=n, alternative=alternative, method=_EXACT, reason=reason)
    nonzero = differences[differences != 0]
    is_exact = len(nonzero) <= MOST_EXACT_PAIRS
    if is_exact:
        p_value = float(np.mean(_as_extreme(_all_sums(nonzero), nonzero, alternative)))
        smallest = smallest_p_value(len(nonzero), alternative)
    else:
        p_value = _sampled_p_value(nonzero, alternative, num_draws, seed)
        smallest = 1 / (num_draws + 1)
    return SignificanceTest(
        test="sign flip",
        n=n,
        difference=float(np.mean(differences)),
        statistic=float(np.mean(differences)),
        p_value=p_value,
        smallest_p_value=smallest,
        alternative=alternative,
        method=_EXACT if is_exact else _SAMPLED.format(num_draws, seed),
    )


def _all_sums(differences: NDArray[np.float64]) -> NDArray[np.float64]:
    """(2^n,) the sums under every assignment of signs."""
    sums = np.zeros(1)
    for difference in differences:
        sums = np.concatenate([sums + difference, sums - difference])
    return sums


def _as_extreme(
    sums: NDArray[np.float64], differences: NDArray[np.float64], alternative: Alternative
) -> NDArray[np.bool_]:
    """Which sums are at least as far out as the observed one, ties included whatever their rounding."""
    observed = float(np.sum(differences))
    slack = 1e-12 * float(np.sum(np.abs(differences)))
    if alternative == "greater":
        return sums >= observed - slack
    if alternative == "less":
        return sums <= observed + slack
    return np.abs(sums) >= abs(observed) - slack


def _sampled_p_value(
    differences: NDArray[np.float64], alternative: Alternative, num_draws: int, seed: int
) -> float:
    generator = np.random.Generator(np.random.PCG64(seed))
    rows = max(1, _FLIPS_AT_ONCE // len(differences))
    num_hits = 0
    for start in range(0, num_draws, rows):
        shape = (min(rows, num_draws - start), len(differences))
        signs = 2.0 * generator.integers(2, size=shape, dtype=np.int8) - 1.0
        num_hits += int(np.sum(_as_extreme(signs @ differences, differences, alternative)))
    return (num_hits + 1) / (num_draws + 1)
