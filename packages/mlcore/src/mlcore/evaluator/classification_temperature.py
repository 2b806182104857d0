"""Temperature scaling: one number that divides the logits and calibrates them without changing a prediction.

Guo et al., On Calibration of Modern Neural Networks, 2017. The temperature is fitted on validation data; fitted
on the test data it would flatter them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from mlcore.evaluator.classification_rows import Floats, checked_arrays, score_rows

if TYPE_CHECKING:
    from numpy.typing import ArrayLike
    from torch import Tensor

LOWEST_TEMPERATURE = 0.05
HIGHEST_TEMPERATURE = 20.0

_RULED_OUT = (
    -1e6
)  # stands in for a logit of minus infinity, whose product with a probability of 0 is no number


def fit_temperature(logits: Tensor | ArrayLike, targets: Tensor | ArrayLike) -> float:
    """The temperature T with the lowest mean cross-entropy of softmax(logits / T).

    Args:
        logits: (N, K), of validation samples.
        targets: (N,) whole numbers.

    Returns:
        Over 1 where the model is overconfident. LOWEST_TEMPERATURE where every prediction is right (the best
        is then 0), HIGHEST_TEMPERATURE where the logits are worse than none (it is then infinite), 1 where the
        temperature makes no difference.

    Raises:
        ClassificationError: shapes or targets do not fit, or the logits are not finite.
    """
    from scipy.optimize import brentq

    logits_NK, targets_N = checked_arrays(logits, targets)
    score_rows(logits_NK, targets_N)  # refuses what is not finite
    shifted_NK = logits_NK.astype(np.float64) - logits_NK.max(axis=1, keepdims=True).astype(np.float64)
    shifted_NK = np.maximum(shifted_NK, _RULED_OUT)
    wanted = float(shifted_NK[np.arange(len(targets_N)), targets_N].mean())

    def slope(inverse: float) -> float:
        """Derivative of the mean cross-entropy by 1/T; it rises, for the cross-entropy is convex in 1/T."""
        return _mean_expected_logit(shifted_NK, inverse) - wanted

    at_lowest, at_highest = slope(1 / LOWEST_TEMPERATURE), slope(1 / HIGHEST_TEMPERATURE)
    if at_lowest == at_highest:  # rising and equal: the same everywhere
        return 1.0
    if at_lowest <= 0:
        return LOWEST_TEMPERATURE
    if at_highest >= 0:
        return HIGHEST_TEMPERATURE
    return 1 / brentq(slope, 1 / HIGHEST_TEMPERATURE, 1 / LOWEST_TEMPERATURE, xtol=1e-10)


def _mean_expected_logit(logits_NK: Floats, inverse_temperature: float) -> float:
    weights_NK = np.exp(logits_NK * inverse_temperature)
    return float(((weights_NK * logits_NK).sum(axis=1) / weights_NK.sum(axis=1)).mean())
