"""How many seeds does it take: power of the paired t test (Cohen, 1988)."""

from __future__ import annotations

import math

from mlcore.statistics.values import ALTERNATIVES, Alternative, StatisticsError, check_choice, check_share

_MOST_PAIRS = 10_000_000


def paired_t_power(
    effect_size: float, n: int, *, alpha: float = 0.05, alternative: Alternative = "two-sided"
) -> float:
    """Chance that a paired t test of `n` pairs finds a true effect d_z, by the noncentral t distribution.

    Args:
        effect_size: d_z: true mean difference over the deviation of the differences.

    Raises:
        StatisticsError: fewer than two pairs, an alpha outside (0, 1), an effect that is not finite.
    """
    from scipy import stats

    check_share(alpha, "alpha")
    check_choice(alternative, ALTERNATIVES, "alternative")
    if n < 2:
        raise StatisticsError(f"n is {n}: a paired t test takes at least 2 pairs")
    if not math.isfinite(effect_size):
        raise StatisticsError(f"effect_size is {effect_size}: expected a finite number")
    centre, df = effect_size * math.sqrt(n), n - 1
    if alternative == "two-sided":
        limit = stats.t.isf(alpha / 2, df)
        power = stats.nct.sf(limit, df, centre) + stats.nct.cdf(-limit, df, centre)
    elif alternative == "greater":
        power = stats.nct.sf(stats.t.isf(alpha, df), df, centre)
    else:
        power = stats.nct.cdf(-stats.t.isf(alpha, df), df, centre)
    return min(1.0, max(0.0, float(power)))


def needed_pairs(
    effect_size: float, *, power: float = 0.8, alpha: float = 0.05, alternative: Alternative = "two-sided"
) -> int:
    """The fewest pairs with which a paired t test finds a true effect d_z with at least this chance.

    Raises:
        StatisticsError: no number suffices (an effect of 0, or in the other direction), or a share outside (0, 1).
    """
    check_share(power, "power")

    def suffices(n: int) -> bool:
        return paired_t_power(effect_size, n, alpha=alpha, alternative=alternative) >= power

    high = 2
    while not suffices(high):
        high *= 2
        if high > _MOST_PAIRS:
            raise StatisticsError(
                f"no {_MOST_PAIRS:,} pairs find an effect of {effect_size:g} ({alternative}) with power {power:g}"
            )
    low = max(2, high // 2)
    while low < high:
        middle = (low + high) // 2
        low, high = (low, middle) if suffices(middle) else (middle + 1, high)
    return high


def detectable_effect(
    n: int, *, power: float = 0.8, alpha: float = 0.05, alternative: Alternative = "two-sided"
) -> float:
    """The smallest true effect |d_z| that `n` pairs find with at least this chance.

    Raises:
        StatisticsError: fewer than two pairs, or a share outside (0, 1).
    """
    from scipy import optimize

    check_share(power, "power")
    sign = -1.0 if alternative == "less" else 1.0

    def missing(effect: float) -> float:
        return paired_t_power(sign * effect, n, alpha=alpha, alternative=alternative) - power

    if missing(0.0) >= 0:
        return 0.0
    high = 1.0
    while missing(high) < 0:
        high *= 2
    return float(optimize.brentq(missing, 0.0, high, xtol=1e-10))
