"""95 % intervals of shares and of means over samples."""

from __future__ import annotations

import math

import numpy as np

from mlcore.evaluator.classification_rows import Floats
from mlcore.evaluator.language_metrics import ratio_interval

INTERVAL_METHOD = (
    "95 % intervals: Wilson score (Wilson, 1927) for shares, Student t for the loss; "
    "the samples are the sampling units"
)
Interval = tuple[float, float]

_Z = 1.959963984540054  # 97.5 % quantile of the normal distribution


def wilson_interval(num_hits: int, num_trials: int) -> Interval | None:
    """95 % score interval of a share (Wilson, Journal of the American Statistical Association, 1927).

    It keeps inside [0, 1] and has a width even where all or none are hits. None without a trial.
    """
    if num_trials == 0:
        return None
    share, z2 = num_hits / num_trials, _Z**2
    centre = (share + z2 / (2 * num_trials)) / (1 + z2 / num_trials)
    spread = share * (1 - share) / num_trials + z2 / (4 * num_trials**2)
    half_width = _Z * math.sqrt(spread) / (1 + z2 / num_trials)
    # At the ends the interval touches 0 and 1 exactly; rounding must not move it off them.
    low = 0.0 if num_hits == 0 else max(0.0, centre - half_width)
    high = 1.0 if num_hits == num_trials else min(1.0, centre + half_width)
    return low, high


def mean_interval(values: Floats) -> Interval | None:
    """95 % Student t interval of the mean of independent values; None for fewer than two or infinite ones."""
    return ratio_interval(values, np.ones(len(values))) if np.isfinite(values).all() else None
