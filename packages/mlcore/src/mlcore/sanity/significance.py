"""Tail probabilities of the checks, without importing scipy (half a second) before every run."""

from __future__ import annotations

import math

import torch

# A healthy subject fails a single statistical comparison with at most this probability.
FALSE_ALARM = 1e-6


def binomial_tail(successes: int, trials: int, probability: float) -> float:
    """P(X >= successes) of a binomial X, exactly."""
    if successes <= 0 or probability >= 1:
        return 1.0
    if successes > trials or probability <= 0:
        return 0.0
    k = torch.arange(successes, trials + 1, dtype=torch.float64)
    total = torch.tensor(float(trials), dtype=torch.float64)
    logs = (
        torch.lgamma(total + 1)
        - torch.lgamma(k + 1)
        - torch.lgamma(total - k + 1)
        + k * math.log(probability)
        + (total - k) * math.log1p(-probability)
    )
    return min(1.0, float(torch.logsumexp(logs, 0).exp()))


def chi_squared_tail(statistic: float, degrees: int) -> float:
    """P(X >= statistic) of a chi-squared X with ``degrees`` degrees of freedom."""
    half = torch.tensor([degrees / 2, statistic / 2], dtype=torch.float64)
    return float(torch.special.gammaincc(half[0], half[1]))
