"""What a classifier scored: accuracy, loss, calibration, and each class for itself."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from mlcore.evaluator.classification_calibration import Calibration, calibration
from mlcore.evaluator.classification_counts import (
    ClassScores,
    ConfusedPair,
    class_scores,
    confused_pairs,
    confusion_matrix,
    macro_mean,
)
from mlcore.evaluator.classification_intervals import (
    INTERVAL_METHOD,
    Interval,
    mean_interval,
    wilson_interval,
)
from mlcore.evaluator.classification_rows import (
    ClassificationError,
    Floats,
    Ints,
    checked_arrays,
    score_rows,
)

if TYPE_CHECKING:
    from numpy.typing import ArrayLike
    from torch import Tensor


@dataclass(frozen=True)
class TemperatureScaled:
    """Loss and calibration after the logits were divided by `temperature`; no prediction changes."""

    temperature: float
    loss: float
    brier_score: float
    expected_error: float
    maximum_error: float


@dataclass(frozen=True)
class ClassificationMetrics:
    """What a classifier scored on a set of samples.

    Attributes:
        accuracy: share of the samples whose likeliest class is the true one (of equally likely ones the first).
        accuracy_interval, loss_interval: 95 %, see `interval_method`; the loss has none with one sample.
        loss: mean cross-entropy, nats a sample; infinite where a true class was ruled out.
        top_2_accuracy: share whose true class is among the two likeliest.
        brier_score: mean over the samples of the sum over the classes of (probability - indicator)², 0 to 2
            (Brier, 1950).
        num_samples, num_correct: counts behind the accuracy.
        macro_precision, macro_recall, macro_f1: means over the classes that have the value.
        per_class: in the order of the classes.
        confusion: counts, row is the true class, column the predicted one.
        confused_pairs: the most frequent mistakes.
        calibration: whether the confidence can be trusted.
        temperature_scaled: the same after temperature scaling, where a temperature was given.
    """

    accuracy: float
    accuracy_interval: Interval
    loss: float
    loss_interval: Interval | None
    top_2_accuracy: float
    brier_score: float
    num_samples: int
    num_correct: int
    macro_precision: float | None
    macro_recall: float | None
    macro_f1: float | None
    per_class: tuple[ClassScores, ...]
    confusion: tuple[tuple[int, ...], ...]
    confused_pairs: tuple[ConfusedPair, ...]
    calibration: Calibration
    temperature_scaled: TemperatureScaled | None = None
    interval_method: str = INTERVAL_METHOD

    def as_dict(self) -> dict[str, Any]:
        """Nested plain values, for evaluation.json."""
        return asdict(self)


def classification_metrics(
    logits: Tensor | ArrayLike,
    targets: Tensor | ArrayLike,
    classes: Sequence[str],
    *,
    temperature: float | None = None,
) -> ClassificationMetrics:
    """The metrics of a classifier's logits.

    Args:
        logits: (N, K); log-probabilities of another kind of model (scikit-learn's `predict_log_proba`) will do.
        targets: (N,), true classes as whole numbers from 0 to K - 1.
        classes: the K names.
        temperature: fitted by `fit_temperature` on validation logits; adds `temperature_scaled`.

    Raises:
        ClassificationError: shapes, names and targets do not fit, or a row of logits is not finite.
    """
    logits_NK, targets_N = checked_arrays(logits, targets, len(classes))
    rows = score_rows(logits_NK, targets_N)
    confusion_KK = confusion_matrix(targets_N, rows.predictions_N, len(classes))
    per_class = class_scores(confusion_KK, classes)
    num_samples, num_correct = len(targets_N), int(confusion_KK.trace())
    accuracy_interval = wilson_interval(num_correct, num_samples)
    assert accuracy_interval is not None, "there is a sample"
    return ClassificationMetrics(
        accuracy=num_correct / num_samples,
        accuracy_interval=accuracy_interval,
        loss=_mean(rows.nats_N),
        loss_interval=mean_interval(rows.nats_N),
        top_2_accuracy=float((rows.target_ranks_N < 2).mean()),
        brier_score=_mean(rows.squared_errors_N),
        num_samples=num_samples,
        num_correct=num_correct,
        macro_precision=macro_mean(scores.precision for scores in per_class),
        macro_recall=macro_mean(scores.recall for scores in per_class),
        macro_f1=macro_mean(scores.f1 for scores in per_class),
        per_class=per_class,
        confusion=tuple(tuple(row) for row in confusion_KK.tolist()),
        confused_pairs=confused_pairs(confusion_KK, classes),
        calibration=calibration(rows.confidences_N, rows.predictions_N == targets_N),
        temperature_scaled=None if temperature is None else _scaled(logits_NK, targets_N, temperature),
    )


def _scaled(logits_NK: np.ndarray, targets_N: Ints, temperature: float) -> TemperatureScaled:
    if not (math.isfinite(temperature) and temperature > 0):
        raise ClassificationError(f"a temperature is a positive number, got {temperature}")
    rows = score_rows(logits_NK.astype(np.float64) / temperature, targets_N)
    after = calibration(rows.confidences_N, rows.predictions_N == targets_N)
    return TemperatureScaled(
        temperature=float(temperature),
        loss=_mean(rows.nats_N),
        brier_score=_mean(rows.squared_errors_N),
        expected_error=after.expected_error,
        maximum_error=after.maximum_error,
    )


def _mean(values: Floats) -> float:
    return math.fsum(values) / len(values)  # exact, so the order of the samples cannot matter
