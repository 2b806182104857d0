"""The trainer of classifiers: cross-entropy over the classes, and the accuracy beside it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from mlcore.errors import UserError
from mlcore.trainer.base import BaseTrainer
from mlcore.trainer.losses import Criterion


class LabelRangeError(UserError):
    """A label is no class of the model."""


class ClassificationTrainer(BaseTrainer):
    """A batch is ``(inputs, labels)``: inputs of any shape (B, ...), labels int64 (B,), 0 to K - 1.

    Labels may also be probabilities (B, K), as MixUp makes them; the accuracy is then that of the likeliest class.

    ``model(inputs)`` returns logits (B, K), or a mapping with "logits". Losses are in nats per example; label
    smoothing (Szegedy et al., 2016) is part of the training loss only, so that validation losses stay
    comparable. The metric "accuracy" (``train_accuracy``, ``val_accuracy``) is a share from 0 to 1. In training
    it is that of each batch just before the update which the batch causes, with dropout on.
    """

    def get_criterion(self) -> Criterion:
        return self._cross_entropy

    def forward_pass(self, batch: tuple[Tensor, Tensor]) -> tuple[Tensor, Tensor]:
        """Mean loss and logits (B, K).

        Raises:
            LabelRangeError: a label is negative or not below K. On CUDA such a label ends the process instead:
                looking for it there would make every step wait for the device.
        """
        inputs, labels = batch
        logits = _logits(self.model(inputs))
        try:
            loss = self.criterion(logits, labels)  # type: ignore[operator]
        except IndexError as error:
            _raise_if_out_of_range(logits, labels, error)
            raise
        return loss, logits

    def compute_metrics(self, outputs: Tensor, batch: tuple[Tensor, Tensor]) -> Mapping[str, Tensor]:
        """The share of the batch whose largest logit is the label's; a tensor, so that nothing waits for it."""
        labels = batch[1] if batch[1].dim() == 1 else batch[1].argmax(dim=1)
        return {"accuracy": (outputs.argmax(dim=1) == labels).float().mean()}

    def inference(self, inputs: Any) -> Any:
        """Logits (B, K)."""
        return _logits(super().inference(inputs))

    def _cross_entropy(self, logits: Tensor, labels: Tensor) -> Tensor:
        smoothing = self.config.label_smoothing if torch.is_grad_enabled() else 0.0
        # In float32 under autocast as well: half precision has too few digits for the sum over the classes.
        exact = logits if logits.dtype == torch.float64 else logits.float()
        return functional.cross_entropy(exact, labels, label_smoothing=smoothing)


def _logits(outputs: Any) -> Any:
    return outputs["logits"] if isinstance(outputs, Mapping) else outputs


def _raise_if_out_of_range(logits: Tensor, labels: Tensor, error: IndexError) -> None:
    num_classes = logits.shape[1]
    wrong = labels[(labels < 0) | (labels >= num_classes)].unique().tolist()
    if wrong:
        needed = max(int(labels.max()) + 1, num_classes)
        cure = f"set model.num_classes to {needed}" if wrong[0] >= 0 else "number the classes from 0"
        raise LabelRangeError(
            f"labels {wrong[:5]} are no classes of the model, which has {num_classes} (0 to {num_classes - 1}): "
            f"{cure}, or see that the labels are right"
        ) from error
