"""Runs a classifier over a loader and scores it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import islice
from typing import Any, NamedTuple

import torch
from torch import Tensor

from mlcore.evaluator.advanced_evaluator import evaluation_mode
from mlcore.evaluator.classification import ClassificationMetrics, classification_metrics
from mlcore.evaluator.classification_rows import ClassificationError


class ClassifierEvaluation(NamedTuple):
    """Logits (N, K) and targets (N,) in the loader's order, on the CPU, and what they amount to."""

    logits: Tensor
    targets: Tensor
    metrics: ClassificationMetrics


def evaluate_classifier(
    model: Callable[[Tensor], Any],
    loader: Iterable[Sequence[Tensor]],
    classes: Sequence[str],
    device: torch.device | str = "cpu",
    *,
    temperature: float | None = None,
    max_batches: int | None = None,
) -> ClassifierEvaluation:
    """Evaluates `model` on the batches (inputs, targets) of `loader`.

    Args:
        model: a module on `device`, which is put into evaluation mode and back, or any function of the inputs;
            it returns logits (B, K), or a mapping that holds them as "logits".
        loader: batches of inputs (B, ...) and targets (B,); they need not be on `device`.
        classes: the K names.
        temperature: see `classification_metrics`.
        max_batches: how many batches at most; None: all.

    Raises:
        ClassificationError: no batch, targets or class names that do not fit, or logits that are not finite.
    """
    logits, targets = collect_logits(model, loader, device, max_batches=max_batches)
    metrics = classification_metrics(logits, targets, classes, temperature=temperature)
    return ClassifierEvaluation(logits, targets, metrics)


def collect_logits(
    model: Callable[[Tensor], Any],
    loader: Iterable[Sequence[Tensor]],
    device: torch.device | str = "cpu",
    *,
    max_batches: int | None = None,
) -> tuple[Tensor, Tensor]:
    """Logits (N, K) and targets (N,) of all batches, on the CPU; see `evaluate_classifier`."""
    logits, targets = [], []
    with evaluation_mode(model):
        for inputs, wanted in islice(loader, max_batches):
            # Only around the model: tensors that a loader makes and keeps must stay fit for training.
            with torch.inference_mode():
                outputs = model(inputs.to(device))
            # They stay on the device until the end: fetching each batch would make it wait.
            logits.append(outputs["logits"] if isinstance(outputs, Mapping) else outputs)
            targets.append(wanted)
    if not logits:
        raise ClassificationError("there is nothing to evaluate: the loader gave no batch")
    return torch.cat(logits).cpu(), torch.cat(targets).cpu()
