"""Are the labels classes, is every class there, are the splits alike, and is the training data shuffled?"""

from __future__ import annotations

import math

import torch
from torch import Tensor

from mlcore.sanity.bench import Bench
from mlcore.sanity.check_result import Finding
from mlcore.sanity.significance import FALSE_ALARM, chi_squared_tail

EXPECTED = "int64 from 0 to {last}, every class in both splits, in like shares, in random order for training"
# The chance that a class with so many expected examples has none is exp(-14) = 8e-7.
LEAST_EXPECTED = 14
# Shares may differ by chance only; a difference that is certain but this small harms nobody.
LARGEST_DISTANCE = 0.1
# Standard deviations of the number of equal neighbours; one-sided chance 1e-15 (the normal law is rough here).
ORDER_Z = 8.0


def check(bench: Bench) -> Finding:
    """False-alarm probability below 1e-6 for each of the statistical parts."""
    num_classes = bench.subject.num_classes
    splits = {"training": bench.fitting[1], "validation": bench.held_out[1]}
    expected = EXPECTED.format(last=num_classes - 1)
    problems = [problem for name, labels in splits.items() for problem in _invalid(name, labels, num_classes)]
    if problems:
        seen = "; ".join(f"{name} {_range(labels)}" for name, labels in splits.items())
        return Finding(seen, expected, tuple(problems))
    counts = {name: torch.bincount(labels.cpu(), minlength=num_classes) for name, labels in splits.items()}
    problems += _missing(bench, counts)
    distance, chance = compare_shares(counts["training"], counts["validation"])
    if distance > LARGEST_DISTANCE and chance < FALSE_ALARM:
        problems.append(
            f"training and validation hold the classes in other shares (by chance with p = {chance:.0e}): "
            "see how the splits are drawn"
        )
    order_z = equal_neighbours_z(bench.training[1].cpu())
    if order_z > ORDER_Z:
        problems.append("the training loader delivers class after class: shuffle it")
    numbers = {name: count.tolist() for name, count in counts.items()}
    measured = (
        f"{len(splits['training'])} + {len(splits['validation'])} labels, "
        f"{int((counts['training'] > 0).sum())} of {num_classes} classes, shares differ by {distance:.1%}"
    )
    return Finding(
        measured, expected, tuple(problems), {"counts": numbers, "distance": distance, "order_z": order_z}
    )


def _invalid(name: str, labels: Tensor, num_classes: int) -> list[str]:
    if labels.ndim != 1 or labels.dtype != torch.int64:
        return [f"{name} labels are {labels.dtype} of shape {tuple(labels.shape)}: make them int64 (N,)"]
    low, high = int(labels.min()), int(labels.max())
    if low < 0 or high >= num_classes:
        why = (
            "they begin at 1, subtract 1"
            if low == 1 and high == num_classes
            else "map them, or set num_classes"
        )
        return [
            f"{name} labels run from {low} to {high} and {num_classes} classes are numbered from 0: {why}"
        ]
    return []


def _range(labels: Tensor) -> str:
    return f"{labels.dtype} {tuple(labels.shape)}, {labels.min().item():g} to {labels.max().item():g}"


def _missing(bench: Bench, counts: dict[str, Tensor]) -> list[str]:
    """Classes without an example where there should be some."""
    training, validation = counts["training"], counts["validation"]
    num_classes = len(training)
    problems = []
    absent = [c for c in range(num_classes) if training[c] == 0]
    if absent and int(training.sum()) / num_classes >= LEAST_EXPECTED:
        problems.append(
            f"training data hold no example of {_names(bench, absent)}: see how they are selected"
        )
    share = training / training.sum()
    likely = share * validation.sum() >= LEAST_EXPECTED
    absent = [c for c in range(num_classes) if validation[c] == 0 and likely[c]]
    if absent:
        problems.append(f"validation data hold no example of {_names(bench, absent)}: see how they are split")
    return problems


def _names(bench: Bench, classes: list[int]) -> str:
    names = ", ".join(bench.subject.class_name(c) for c in classes[:5])
    return ("class " if len(classes) == 1 else "classes ") + names + (", …" if len(classes) > 5 else "")


def compare_shares(first: Tensor, second: Tensor) -> tuple[float, float]:
    """Total variation distance of two samples' class shares, and its chi-squared p-value (homogeneity)."""
    table = torch.stack([first, second]).double()
    table = table[:, table.sum(dim=0) > 0]
    expected = table.sum(dim=1, keepdim=True) * table.sum(dim=0, keepdim=True) / table.sum()
    statistic = float(((table - expected) ** 2 / expected).sum())
    shares = table / table.sum(dim=1, keepdim=True)
    distance = float((shares[0] - shares[1]).abs().sum() / 2)
    return distance, chi_squared_tail(statistic, max(1, table.shape[1] - 1))


def equal_neighbours_z(labels: Tensor) -> float:
    """By how many standard deviations equal labels follow one another more often than in random order."""
    shares = torch.bincount(labels).double() / len(labels)
    equal = float((shares**2).sum())
    pairs = len(labels) - 1
    if pairs < 1 or equal >= 1:
        return 0.0
    found = int((labels[1:] == labels[:-1]).sum())
    return (found - pairs * equal) / math.sqrt(pairs * equal * (1 - equal))
