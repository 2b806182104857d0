"""Are a model's answers the right classes under other numbers? Then the labels were shifted or exchanged."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from mlcore.sanity.significance import FALSE_ALARM, binomial_tail

# An exchange of single classes is believed where at least this share of their examples follows it.
CLEAR_SHARE = 0.5


def confusion_matrix(labels: Tensor, predicted: Tensor, num_classes: int) -> Tensor:
    """Counts (K, K), rows true."""
    return torch.bincount(labels * num_classes + predicted, minlength=num_classes**2).view(
        num_classes, num_classes
    )


def constant_shift(confusion: Tensor) -> int:
    """The s, other than 0, for which "true class + s" is right surely more often than the true class; or 0.

    False-alarm probability below 1e-6 for all shifts together (Bonferroni). The answer lies between -K/2 and K/2.
    """
    num_classes = len(confusion)
    classes = torch.arange(num_classes)
    hits = [int(confusion[classes, (classes + s) % num_classes].sum()) for s in range(num_classes)]
    shift = max(range(1, num_classes), key=lambda s: hits[s], default=0)
    limit = FALSE_ALARM / max(1, num_classes - 1)
    beats_chance = binomial_tail(hits[shift], int(confusion.sum()), 1 / num_classes) < limit
    beats_truth = binomial_tail(hits[shift], hits[shift] + hits[0], 0.5) < limit
    if not (shift and beats_chance and beats_truth):
        return 0
    return shift if shift <= num_classes / 2 else shift - num_classes


def exchanged_classes(confusion: Tensor) -> dict[int, int]:
    """True class -> answer, for classes that the model surely gives the names of others.

    The best assignment of answers to classes (Hungarian method) against the diagonal. False-alarm probability
    below 1e-6: such an exchange wants the majority of the classes' examples, which confusion never has both ways.
    """
    if False not in recognised_classes(confusion):
        return {}  # no assignment can be better

    from scipy.optimize import linear_sum_assignment

    totals = confusion.sum(dim=1, keepdim=True).clamp_min(1)
    rows, columns = linear_sum_assignment((confusion / totals).numpy(), maximize=True)
    moved = {int(row): int(column) for row, column in zip(rows, columns, strict=True) if row != column}
    if not moved:
        return {}
    right = sum(int(confusion[row, row]) for row in moved)
    exchanged = sum(int(confusion[row, column]) for row, column in moved.items())
    together = sum(int(totals[row, 0]) for row in moved)
    is_sure = binomial_tail(exchanged, exchanged + right, 0.5) < FALSE_ALARM
    return moved if is_sure and exchanged >= CLEAR_SHARE * together else {}


def describe_relabelling(confusion: Tensor, names: Sequence[str]) -> str | None:
    """What happened to the labels, and where to look; None where nothing did."""
    shift = constant_shift(confusion)
    if shift and len(confusion) > 2:
        return (
            f"predictions are the true class {'+' if shift > 0 else '-'} {abs(shift)}: labels of the training data "
            f"are shifted by {abs(shift)} class{'es' if abs(shift) > 1 else ''} against those of the validation data"
        )
    moved = exchanged_classes(confusion)
    if not moved:
        return None
    if len(moved) == 2:
        first, second = (names[number] for number in moved)
        return f"classes {first} and {second} are exchanged: compare the two splits' lists of classes"
    listing = ", ".join(f"{names[true]} → {names[answer]}" for true, answer in list(moved.items())[:6])
    return f"classes are permuted ({listing}): compare the two splits' lists of classes"


def recognised_classes(confusion: Tensor) -> list[bool | None]:
    """For each class whether its most frequent answer is itself; None where it has no example."""
    return [
        None if int(row.sum()) == 0 else int(row.argmax()) == number for number, row in enumerate(confusion)
    ]
