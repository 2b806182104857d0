"""Intervals of a proportion: an accuracy, a share of failures."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from typing import Any

from mlcore.statistics.values import StatisticsError, check_share


@dataclass(frozen=True)
class ProportionInterval:
    """A proportion and its interval; None where there were no trials.

    Attributes:
        num_successes, n: the counts.
        proportion: num_successes / n.
        low, high: bounds of the interval at `confidence`.
        method: its name and source.
        reason: why there is none.
    """

    num_successes: int
    n: int
    proportion: float | None
    low: float | None
    high: float | None
    confidence: float
    method: str
    reason: str | None = None

    def as_dict(self) -> dict[str, Any]:
        """The fields by name, ready for JSON."""
        return asdict(self)

    def __str__(self) -> str:
        if self.proportion is None or self.low is None or self.high is None:
            return f"n = 0: {self.reason}"
        share = f"{100 * self.confidence:.4g} % interval [{100 * self.low:.2f}, {100 * self.high:.2f}] %"
        return f"{100 * self.proportion:.2f} % ({self.num_successes} of {self.n}), {share}"


def wilson_interval(num_successes: int, n: int, *, confidence: float = 0.95) -> ProportionInterval:
    """The score interval of `num_successes` in `n` trials (Wilson, 1927): the one to use for accuracies.

    Raises:
        StatisticsError: counts that do not fit, or a confidence outside (0, 1).
    """
    from scipy import stats

    _check_counts(num_successes, n, confidence)
    if n == 0:
        return _none(confidence, "Wilson score")
    z = float(stats.norm.ppf((1 + confidence) / 2))
    share = num_successes / n
    centre = (share + z * z / (2 * n)) / (1 + z * z / n)
    half = z / (1 + z * z / n) * math.sqrt(share * (1 - share) / n + z * z / (4 * n * n))
    # At the ends the formula gives 0 and 1 up to rounding.
    low = 0.0 if num_successes == 0 else centre - half
    high = 1.0 if num_successes == n else centre + half
    return ProportionInterval(num_successes, n, share, low, high, confidence, "Wilson score")


def clopper_pearson_interval(num_successes: int, n: int, *, confidence: float = 0.95) -> ProportionInterval:
    """The exact interval (Clopper and Pearson, 1934): never covers less than it says, so it is wider.

    Raises:
        StatisticsError: counts that do not fit, or a confidence outside (0, 1).
    """
    from scipy import stats

    _check_counts(num_successes, n, confidence)
    if n == 0:
        return _none(confidence, "Clopper-Pearson")
    tail = (1 - confidence) / 2
    k = num_successes
    low = 0.0 if k == 0 else float(stats.beta.ppf(tail, k, n - k + 1))
    high = 1.0 if k == n else float(stats.beta.isf(tail, k + 1, n - k))
    return ProportionInterval(k, n, k / n, low, high, confidence, "Clopper-Pearson")


def _check_counts(num_successes: int, n: int, confidence: float) -> None:
    check_share(confidence, "confidence")
    if not 0 <= num_successes <= n:
        raise StatisticsError(f"{num_successes} successes in {n} trials: 0 <= successes <= trials")


def _none(confidence: float, method: str) -> ProportionInterval:
    return ProportionInterval(0, 0, None, None, None, confidence, method, "no trials")
