"""Median and spread of times, and ratios of two variants' rates, round by round."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np


@dataclass(frozen=True)
class Spread:
    """Five numbers of a sample (Tukey, 1977); quartiles by linear interpolation."""

    n: int
    median: float
    minimum: float
    lower_quartile: float
    upper_quartile: float
    maximum: float

    def as_dict(self) -> dict[str, Any]:
        """The fields by name, ready for JSON."""
        return asdict(self)

    @property
    def relative_width(self) -> float:
        """Distance of the quartiles as a share of the median."""
        return (self.upper_quartile - self.lower_quartile) / self.median if self.median else 0.0


def spread_of(values: Sequence[float]) -> Spread | None:
    """Median and spread; None of nothing."""
    if not values:
        return None
    minimum, lower, median, upper, maximum = np.quantile(
        np.asarray(values, dtype=float), [0, 0.25, 0.5, 0.75, 1]
    )
    return Spread(len(values), float(median), float(minimum), float(lower), float(upper), float(maximum))


@dataclass(frozen=True)
class PairedRatio:
    """How many times one rate is another, from the rounds in which both were measured.

    Attributes:
        estimate: median of the rounds' ratios.
        low, high: 95 % percentile bootstrap interval of it; None where there is none (one round, no spread).
        values: the ratio of every round.
    """

    estimate: float
    low: float | None
    high: float | None
    values: tuple[float, ...]

    def as_dict(self) -> dict[str, Any]:
        """The fields by name, ready for JSON."""
        return {**asdict(self), "n": len(self.values)}

    def __str__(self) -> str:
        interval = "" if self.low is None or self.high is None else f" [{self.low:.2f}, {self.high:.2f}]"
        return f"{self.estimate:.2f}{interval}"


def paired_ratio(rates: Mapping[int, float], baseline_rates: Mapping[int, float]) -> PairedRatio | None:
    """Rates by round over the baseline's rates of the same rounds; None where no round has both.

    What slows a whole round down cancels out. Below ten rounds the interval is too narrow, as every bootstrap's is.
    """
    from mlcore.statistics import bootstrap_interval

    values = [rate / baseline_rates[number] for number, rate in rates.items() if baseline_rates.get(number)]
    if not values:
        return None
    interval = bootstrap_interval(values, np.median, method="percentile")
    return PairedRatio(float(np.median(values)), interval.low, interval.high, tuple(values))
