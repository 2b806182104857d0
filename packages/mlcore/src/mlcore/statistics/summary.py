"""What a handful of values says about the mean they scatter around."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from mlcore.statistics.values import Interval, as_values, check_share, interval_text, is_constant, unfit

if TYPE_CHECKING:
    from numpy.typing import ArrayLike


@dataclass(frozen=True)
class Summary:
    """Mean and spread of one sample.

    Attributes:
        n: how many values there are.
        mean, median, minimum, maximum: None when a value is missing or not finite.
        sd: standard deviation with n - 1; None for one value.
        sem: sd / sqrt(n), the standard error of the mean.
        interval: Student's t interval of the mean; None when the spread is unknown or zero.
        confidence: the interval's.
        reason: why something is None.
    """

    n: int
    mean: float | None = None
    median: float | None = None
    minimum: float | None = None
    maximum: float | None = None
    sd: float | None = None
    sem: float | None = None
    interval: Interval | None = None
    confidence: float = 0.95
    reason: str | None = None

    def as_dict(self) -> dict[str, Any]:
        """The fields by name, ready for JSON."""
        return asdict(self)

    def __str__(self) -> str:
        if self.mean is None:
            return f"n = {self.n}: {self.reason}"
        spread = "" if self.sd is None else f" ± {self.sd:.3g} (sd)"
        text = f"{self.mean:.5g}{spread}{interval_text(self.interval, self.confidence)}, n = {self.n}"
        return text if self.reason is None else f"{text}; {self.reason}"


def summarize(values: ArrayLike, *, confidence: float = 0.95) -> Summary:
    """Mean, standard deviation, standard error and Student's t interval (Student, 1908) of `values` (n,).

    The interval is exact for normal values and cautious for few: with n = 3 it is 2.5 standard deviations to
    either side.

    Raises:
        StatisticsError: not a list of numbers, or a confidence outside (0, 1).
    """
    from scipy import stats

    check_share(confidence, "confidence")
    array = as_values(values)
    n = len(array)
    reason = unfit(array, least=1)
    if reason is not None:
        return Summary(n, confidence=confidence, reason=reason)
    known: dict[str, Any] = {
        "mean": float(np.mean(array)),
        "median": float(np.median(array)),
        "minimum": float(np.min(array)),
        "maximum": float(np.max(array)),
    }
    if n == 1:
        return Summary(n, **known, confidence=confidence, reason="one value says nothing about the spread")
    if is_constant(array):
        return Summary(n, **known, sd=0.0, sem=0.0, confidence=confidence, reason="all values are equal")
    sd = float(np.std(array, ddof=1))
    sem = sd / math.sqrt(n)
    half = float(stats.t.ppf((1 + confidence) / 2, n - 1)) * sem
    interval = (known["mean"] - half, known["mean"] + half)
    return Summary(n, **known, sd=sd, sem=sem, interval=interval, confidence=confidence)
