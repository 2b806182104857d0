"""Effect sizes: a difference in units of the scatter, with intervals from the noncentral t distribution."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from mlcore.statistics.values import (
    as_pairs,
    as_values,
    check_share,
    differences_of,
    interval_text,
    is_constant,
    unfit,
)

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

_WORDS = ((0.2, "negligible"), (0.5, "small"), (0.8, "medium"))
_WIDEST = 1e4  # no noncentrality beyond this is searched for: an effect of thousands of deviations


@dataclass(frozen=True)
class EffectSize:
    """One effect size of first - second.

    Attributes:
        name: Cohen's d, Hedges' g or d_z.
        value: in standard deviations; None with a `reason`.
        low, high: bounds of the interval at `confidence`; None when it cannot be computed.
    """

    name: str
    value: float | None
    low: float | None = None
    high: float | None = None
    confidence: float = 0.95
    reason: str | None = None

    @property
    def magnitude(self) -> str | None:
        """Cohen's (1988) words for |value|: negligible, small (0.2), medium (0.5), large (0.8).

        They were meant for people; a large effect between two training recipes may be a tenth of a per cent.
        """
        if self.value is None:
            return None
        return next((word for limit, word in _WORDS if abs(self.value) < limit), "large")

    def as_dict(self) -> dict[str, Any]:
        """The fields by name and the magnitude, ready for JSON."""
        return {**asdict(self), "magnitude": self.magnitude}

    def __str__(self) -> str:
        if self.value is None:
            return f"{self.name}: {self.reason}"
        bounds = None if self.low is None or self.high is None else (self.low, self.high)
        return f"{self.name} = {self.value:.3g} ({self.magnitude}){interval_text(bounds, self.confidence)}"


def cohens_d(first: ArrayLike, second: ArrayLike, *, confidence: float = 0.95) -> EffectSize:
    """Difference of the means of two separate samples over their pooled deviation (Cohen, 1988).

    The interval inverts the noncentral t distribution: exact for normal samples of equal variance.

    Raises:
        StatisticsError: not lists of numbers, or a confidence outside (0, 1).
    """
    return _pooled("Cohen's d", first, second, confidence, is_corrected=False)


def hedges_g(first: ArrayLike, second: ArrayLike, *, confidence: float = 0.95) -> EffectSize:
    """Cohen's d without its upward bias in small samples, by the exact factor (Hedges, 1981).

    Raises:
        StatisticsError: as for `cohens_d`.
    """
    return _pooled("Hedges' g", first, second, confidence, is_corrected=True)


def paired_dz(first: ArrayLike, second: ArrayLike, *, confidence: float = 0.95) -> EffectSize:
    """Mean of the differences of pairs over the deviation of the differences (Cohen, 1988).

    It is t / sqrt(n) of the paired t test: the effect as that test sees it. Not comparable with d.

    Raises:
        StatisticsError: lists of different lengths, or a confidence outside (0, 1).
    """
    check_share(confidence, "confidence")
    a, b = as_pairs(first, second)
    differences = differences_of(a, b)
    reason = unfit(differences, what="pairs")
    if reason is None and is_constant(differences, np.concatenate([a, b])):
        reason = "all differences are equal: their spread is unknown"
    if reason is not None:
        return EffectSize("d_z", None, confidence=confidence, reason=reason)
    n = len(differences)
    value = float(np.mean(differences) / np.std(differences, ddof=1))
    return _with_interval("d_z", value, 1.0, math.sqrt(n), n - 1, confidence)


def _pooled(
    name: str, first: ArrayLike, second: ArrayLike, confidence: float, *, is_corrected: bool
) -> EffectSize:
    check_share(confidence, "confidence")
    a, b = as_values(first, "first"), as_values(second, "second")
    reason = unfit(a, what="values of the first") or unfit(b, what="values of the second")
    both = np.concatenate([a, b])
    if reason is None and is_constant(a, both) and is_constant(b, both):
        reason = "neither sample varies"
    if reason is not None:
        return EffectSize(name, None, confidence=confidence, reason=reason)
    n, m = len(a), len(b)
    df = n + m - 2
    variance = (float(np.var(a)) * n + float(np.var(b)) * m) / df
    d = float(np.mean(a) - np.mean(b)) / math.sqrt(variance)
    factor = _hedges_factor(df) if is_corrected else 1.0
    return _with_interval(name, d, factor, math.sqrt(n * m / (n + m)), df, confidence)


def _hedges_factor(df: int) -> float:
    """Gamma(df / 2) / (sqrt(df / 2) Gamma((df - 1) / 2)): Hedges' exact J; df >= 2."""
    return math.exp(math.lgamma(df / 2) - math.lgamma((df - 1) / 2)) / math.sqrt(df / 2)


def _with_interval(
    name: str, d: float, factor: float, per_unit: float, df: int, confidence: float
) -> EffectSize:
    """The effect with its bounds. `per_unit` is t / d."""
    tail = (1 - confidence) / 2
    low = _noncentrality(d * per_unit, df, 1 - tail)
    high = _noncentrality(d * per_unit, df, tail)
    if low is None or high is None:
        return EffectSize(name, factor * d, confidence=confidence, reason="the interval did not converge")
    return EffectSize(name, factor * d, factor * low / per_unit, factor * high / per_unit, confidence)


def _noncentrality(t: float, df: int, share: float) -> float | None:
    """The noncentrality at which `share` of the noncentral t distribution lies below `t`."""
    from scipy import optimize, stats

    def excess(noncentrality: float) -> float:
        return float(stats.nct.cdf(t, df, noncentrality)) - share

    # Bracket outwards from t: the bound is a few units away, further for large t and few values.
    width = 4.0
    while width < _WIDEST:
        low, high = t - width - abs(t), t + width + abs(t)
        above, below = excess(low), excess(high)
        if not (math.isfinite(above) and math.isfinite(below)):
            return None
        if above > 0 > below:
            return float(optimize.brentq(excess, low, high, xtol=1e-10))
        width *= 2
    return None
