"""Bootstrap intervals: what a statistic would be on other samples of the same size (Efron, 1979)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

import numpy as np

from mlcore.statistics.values import (
    Interval,
    StatisticsError,
    as_values,
    check_choice,
    check_share,
    interval_text,
    is_constant,
    unfit,
)

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

Statistic = Callable[..., Any]
Method = Literal["bca", "percentile"]
_AT_ONCE = 2**22  # values drawn at a time: 32 MiB


@dataclass(frozen=True)
class BootstrapInterval:
    """A bootstrap interval; low and high are None when there is a `reason`.

    Attributes:
        estimate: the statistic of the sample itself.
        n: values in the sample.
        method: bca or percentile.
        num_resamples, seed: what reproduces it.
    """

    estimate: float | None
    low: float | None
    high: float | None
    n: int
    confidence: float
    method: str
    num_resamples: int
    seed: int
    reason: str | None = None

    def as_dict(self) -> dict[str, Any]:
        """The fields by name, ready for JSON."""
        return asdict(self)

    def __str__(self) -> str:
        if self.estimate is None:
            return f"n = {self.n}: {self.reason}"
        bounds = None if self.low is None or self.high is None else (self.low, self.high)
        why = "" if self.reason is None else f"; no interval: {self.reason}"
        found = interval_text(bounds, self.confidence)
        return f"{self.estimate:.5g}{found}, {self.method} bootstrap, n = {self.n}{why}"


def bootstrap_interval(
    values: ArrayLike,
    statistic: Statistic = np.mean,
    *,
    method: Method = "bca",
    confidence: float = 0.95,
    num_resamples: int = 9_999,
    seed: int = 0,
    strata: ArrayLike | None = None,
) -> BootstrapInterval:
    """Interval of a statistic of `values` (n,) without assuming a distribution.

    `bca` corrects for bias and skew (Efron, 1987), `percentile` takes the resamples' quantiles as they are. Below
    about ten values both are too narrow: use the t interval of `summarize` for a handful of seeds.

    Args:
        statistic: takes an array and `axis`, as NumPy's mean, median and std do.
        strata: (n,) labels, a class for instance; each is resampled to its own size. The acceleration of bca
            is that of several samples (Davison and Hinkley, 1997, section 5.4).

    Raises:
        StatisticsError: not a list of numbers, labels of another length, a number out of range.
    """
    check_share(confidence, "confidence")
    check_choice(method, ("bca", "percentile"), "method")
    if num_resamples < 1:
        raise StatisticsError(f"num_resamples is {num_resamples}; 1 is the least")
    array = as_values(values)
    sampling = _Sampling(array, statistic, _groups(strata, len(array)), num_resamples, seed)
    estimate, reason = _estimate(sampling)
    bounds = None
    if reason is None:
        bounds, reason = _bounds(sampling, estimate, method, confidence)
    low, high = bounds or (None, None)
    return BootstrapInterval(
        None if np.isnan(estimate) else estimate,
        low,
        high,
        len(array),
        confidence,
        method,
        num_resamples,
        seed,
        reason,
    )


class _Sampling(NamedTuple):
    """What is resampled: the values, and the positions of each stratum's."""

    array: NDArray[np.float64]
    statistic: Statistic
    groups: list[NDArray[np.int64]]
    num_resamples: int
    seed: int


def _estimate(sampling: _Sampling) -> tuple[float, str | None]:
    """The statistic of the sample (NaN if there is none), and why there will be no interval."""
    array = sampling.array
    reason = unfit(array, least=1)
    if reason is not None:
        return np.nan, reason
    estimate = float(sampling.statistic(array, axis=-1))
    if not np.isfinite(estimate):
        return np.nan, "the statistic of the sample is not finite"
    if len(array) == 1:
        reason = "one value says nothing about the spread"
    elif is_constant(array):
        reason = "all values are equal"
    return estimate, reason


def _bounds(
    sampling: _Sampling, estimate: float, method: Method, confidence: float
) -> tuple[Interval | None, str | None]:
    """The interval, or why there is none."""
    draws = _resampled(sampling)
    if not np.all(np.isfinite(draws)):
        return None, "the statistic of some resamples is not finite"
    if is_constant(draws):
        return None, "all resamples give the same statistic"
    shares = np.array([(1 - confidence) / 2, (1 + confidence) / 2])
    if method == "bca":
        corrected = _bca_shares(shares, draws, estimate, sampling)
        if corrected is None:
            return None, "the estimate lies at the edge of its resamples: bca is undefined"
        shares = corrected
    low, high = np.quantile(draws, shares)
    return (float(low), float(high)), None


def _groups(strata: ArrayLike | None, n: int) -> list[NDArray[np.int64]]:
    """The positions of each stratum's values; one group of all without strata."""
    if strata is None:
        return [np.arange(n)]
    labels = np.asarray(strata)
    if labels.shape != (n,):
        raise StatisticsError(
            f"strata: expected {n} labels, one for each value, got the shape {labels.shape}"
        )
    return [np.flatnonzero(labels == label) for label in np.unique(labels)]


def _resampled(sampling: _Sampling) -> NDArray[np.float64]:
    """(num_resamples,) the statistic of samples drawn with replacement, each stratum from itself."""
    array, statistic, groups, num_resamples, seed = sampling
    generator = np.random.Generator(np.random.PCG64(seed))
    rows = max(1, _AT_ONCE // len(array))
    parts = []
    for start in range(0, num_resamples, rows):
        count = min(rows, num_resamples - start)
        drawn = [group[generator.integers(len(group), size=(count, len(group)))] for group in groups]
        parts.append(np.asarray(statistic(array[np.concatenate(drawn, axis=1)], axis=-1), dtype=np.float64))
    return np.concatenate(parts)


def _bca_shares(
    shares: NDArray[np.float64], draws: NDArray[np.float64], estimate: float, sampling: _Sampling
) -> NDArray[np.float64] | None:
    """The quantiles to take instead of `shares`; None when the corrections are infinite."""
    from scipy import stats

    # A tie counts half, or a statistic of few distinct values (a median) would look biased.
    below = (np.sum(draws < estimate) + np.sum(draws <= estimate)) / (2 * len(draws))
    if not 0 < below < 1:
        return None
    bias = stats.norm.ppf(below)
    shifted = bias + stats.norm.ppf(shares)
    stretch = 1 - _acceleration(sampling) * shifted
    return stats.norm.cdf(bias + shifted / stretch) if np.all(stretch > 0) else None


def _acceleration(sampling: _Sampling) -> float:
    """How fast the statistic's error grows with its value, from leaving each value out (the jackknife)."""
    cubes, squares = 0.0, 0.0
    for group in sampling.groups:
        n = len(group)
        if n < 2:
            continue  # a stratum of one value never varies
        without = np.array(
            [float(sampling.statistic(np.delete(sampling.array, index), axis=-1)) for index in group]
        )
        influence = (n - 1) * (np.mean(without) - without)
        cubes += float(np.sum(influence**3)) / n**3
        squares += float(np.sum(influence**2)) / n**2
    return cubes / (6 * squares**1.5) if squares > 0 else 0.0
