"""The confusion matrix and what is counted from it: precision, recall, F1, the most confused pairs."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from mlcore.evaluator.classification_intervals import Interval, wilson_interval
from mlcore.evaluator.classification_rows import Ints


@dataclass(frozen=True)
class ClassScores:
    """How one class fares. What would be a division by zero is None, not a number.

    Attributes:
        name: of the class.
        precision: share of the samples predicted as this class that are of it; None if it is never predicted.
        recall: share of its samples that are predicted as it; None if it has no sample.
        f1: harmonic mean of the two, 2 TP / (2 TP + FP + FN); None if it neither occurs nor is predicted.
        support: number of its samples.
        num_predicted: number of samples predicted as it.
        recall_interval: 95 % Wilson interval of the recall.
    """

    name: str
    precision: float | None
    recall: float | None
    f1: float | None
    support: int
    num_predicted: int
    recall_interval: Interval | None


@dataclass(frozen=True)
class ConfusedPair:
    """`count` samples of class `true` were taken for `predicted`; `share` is of all samples of `true`."""

    true: str
    predicted: str
    count: int
    share: float


def confusion_matrix(targets_N: Ints, predictions_N: Ints, num_classes: int) -> Ints:
    """Counts (K, K): row is the true class, column the predicted one."""
    cells = np.bincount(targets_N * num_classes + predictions_N, minlength=num_classes**2)
    return cells.reshape(num_classes, num_classes).astype(np.int64)


def class_scores(confusion_KK: Ints, classes: Sequence[str]) -> tuple[ClassScores, ...]:
    """Scores of each class, in the order of the classes."""
    hits, supports, predicted = (
        values.tolist()
        for values in (confusion_KK.diagonal(), confusion_KK.sum(axis=1), confusion_KK.sum(axis=0))
    )
    return tuple(
        ClassScores(
            name=str(name),
            precision=_ratio(hit, chosen),
            recall=_ratio(hit, support),
            f1=_ratio(2 * hit, support + chosen),
            support=support,
            num_predicted=chosen,
            recall_interval=wilson_interval(hit, support),
        )
        for name, hit, support, chosen in zip(classes, hits, supports, predicted, strict=True)
    )


def macro_mean(values: Iterable[float | None]) -> float | None:
    """Plain mean over the classes that have a value; None if none has."""
    known = [value for value in values if value is not None]
    return sum(known) / len(known) if known else None


def confused_pairs(
    confusion_KK: Ints, classes: Sequence[str], *, limit: int = 10
) -> tuple[ConfusedPair, ...]:
    """The `limit` most frequent mistakes, most frequent first; equals in the order of the matrix."""
    errors = confusion_KK.copy()
    np.fill_diagonal(errors, 0)
    order = np.argsort(-errors, axis=None, kind="stable")[:limit]
    supports = confusion_KK.sum(axis=1)
    return tuple(
        ConfusedPair(str(classes[true]), str(classes[chosen]), int(count), float(count / supports[true]))
        for true, chosen in zip(*np.unravel_index(order, errors.shape), strict=True)
        if (count := errors[true, chosen])
    )


def _ratio(part: int, whole: int) -> float | None:
    return part / whole if whole else None
