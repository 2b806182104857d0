"""What every row of logits says: the predicted class, its probability, and what the true class costs.

Shape suffixes: N samples, K classes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from mlcore.errors import UserError

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

_LOGITS_AT_ONCE = 2**22  # float64 copies stay under a few times 32 MiB however many samples there are


class ClassificationError(UserError):
    """Logits, targets and class names do not fit one another, or the logits are no numbers."""

    exit_code = 3


class RowScores(NamedTuple):
    """One entry a sample, all computed in float64.

    Attributes:
        nats_N: negative log-probability of the true class; infinite where the model ruled it out.
        predictions_N: the likeliest class; of several equally likely ones the first.
        confidences_N: probability of the predicted class.
        target_ranks_N: 0 where the prediction is right, 1 where the true class is the second likeliest, …
        squared_errors_N: sum over the classes of (probability - indicator of the true class) squared.
    """

    nats_N: Floats
    predictions_N: Ints
    confidences_N: Floats
    target_ranks_N: Ints
    squared_errors_N: Floats


def checked_arrays(
    logits: Tensor | ArrayLike, targets: Tensor | ArrayLike, num_classes: int | None = None
) -> tuple[NDArray[np.floating[Any]], Ints]:
    """Logits (N, K) and targets (N,) as NumPy arrays on the CPU.

    Raises:
        ClassificationError: a wrong shape or type, no sample, or a target that is no class.
    """
    logits_NK, targets_N = _array(logits), _array(targets)
    if logits_NK.ndim != 2 or targets_N.shape != logits_NK.shape[:1]:
        raise ClassificationError(
            f"logits must be (N, K) beside targets (N,), got {logits_NK.shape} and {targets_N.shape}"
        )
    if not logits_NK.size:
        raise ClassificationError(f"there is nothing to evaluate: logits have the shape {logits_NK.shape}")
    if num_classes is not None and num_classes != logits_NK.shape[1]:
        raise ClassificationError(
            f"the model gives {logits_NK.shape[1]} logits a sample, but there are {num_classes} class names"
        )
    if not np.issubdtype(logits_NK.dtype, np.floating):
        raise ClassificationError(f"logits must be floating-point numbers, got {logits_NK.dtype}")
    if not np.issubdtype(targets_N.dtype, np.integer):
        raise ClassificationError(f"targets must be whole numbers, got {targets_N.dtype}")
    outside = np.flatnonzero((targets_N < 0) | (targets_N >= logits_NK.shape[1]))
    if outside.size:
        row, last = outside[0], logits_NK.shape[1] - 1
        raise ClassificationError(f"target {targets_N[row]} in row {row} is no class: there are 0 to {last}")
    return logits_NK, targets_N.astype(np.int64)


def score_rows(logits_NK: NDArray[np.floating[Any]], targets_N: Ints) -> RowScores:
    """Scores every row of arrays that `checked_arrays` has passed.

    Raises:
        ClassificationError: a row has no softmax (NaN, positive infinity, or nothing but negative infinity).
    """
    step = max(1, _LOGITS_AT_ONCE // logits_NK.shape[1])
    parts = [
        _score_part(logits_NK[start : start + step].astype(np.float64), targets_N[start : start + step])
        for start in range(0, len(targets_N), step)
    ]
    scores = RowScores(*(np.concatenate(columns) for columns in zip(*parts, strict=True)))
    bad = np.flatnonzero(np.isnan(scores.confidences_N))
    if bad.size:
        raise ClassificationError(
            f"the logits are not finite in {bad.size} of {len(targets_N)} rows, first in row {bad[0]}: "
            "has the training diverged?"
        )
    return scores


def _score_part(logits_NK: Floats, targets_N: Ints) -> RowScores:
    rows = np.arange(len(targets_N))
    with np.errstate(invalid="ignore"):  # infinity - infinity: the NaN is reported by the caller
        logits_NK = logits_NK - logits_NK.max(axis=1, keepdims=True)
    exponentials_NK = np.exp(logits_NK)
    sums_N = exponentials_NK.sum(axis=1)
    probabilities_NK = exponentials_NK / sums_N[:, None]
    predictions_N = logits_NK.argmax(axis=1)
    target_logits_N = logits_NK[rows, targets_N]
    before = np.arange(logits_NK.shape[1]) < targets_N[:, None]
    ahead_NK = (logits_NK > target_logits_N[:, None]) | ((logits_NK == target_logits_N[:, None]) & before)
    confidences_N = probabilities_NK[rows, predictions_N]
    # Subtracted in place: 1 - 2p + p² would cancel for a confident model.
    probabilities_NK[rows, targets_N] -= 1.0
    return RowScores(
        nats_N=np.log(sums_N) - target_logits_N,
        predictions_N=predictions_N,
        confidences_N=confidences_N,
        target_ranks_N=ahead_NK.sum(axis=1),
        squared_errors_N=(probabilities_NK**2).sum(axis=1),
    )


def _array(values: Tensor | ArrayLike) -> NDArray[Any]:
    if isinstance(values, Tensor):
        values = values.detach().cpu()
        return (values.float() if values.dtype == torch.bfloat16 else values).numpy()
    return np.asarray(values)
