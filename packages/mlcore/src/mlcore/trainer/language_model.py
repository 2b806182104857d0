"""The trainer of language models: next-token cross-entropy over the targets that are not padding."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from mlcore.trainer.base import BaseTrainer
from mlcore.trainer.losses import Criterion

IGNORE_INDEX = -100


class LanguageModelTrainer(BaseTrainer):
    """A batch is ``(inputs, targets)``, both int64 (B, T); a target of -100 is padding and counts nowhere.

    ``model(inputs)`` returns logits (B, T, V), or a mapping with "logits". Losses are in nats per token;
    label smoothing (Szegedy et al., 2016) is part of the training loss only, so that validation losses stay
    comparable.
    """

    def get_criterion(self) -> Criterion:
        return self._cross_entropy

    def forward_pass(self, batch: tuple[Tensor, Tensor]) -> tuple[Tensor, Tensor]:
        """Mean loss and logits."""
        inputs, targets = batch
        outputs = self.model(inputs)
        logits = outputs["logits"] if isinstance(outputs, Mapping) else outputs
        loss = self.criterion(logits, targets)  # type: ignore[operator]
        return loss, logits

    def count_items(self, batch: tuple[Tensor, Tensor]) -> int:
        """Targets that are not padding."""
        return int((batch[1] != IGNORE_INDEX).sum())

    def _cross_entropy(self, logits: Tensor, targets: Tensor) -> Tensor:
        smoothing = self.config.label_smoothing if torch.is_grad_enabled() else 0.0
        # In float32 under autocast as well: half precision has too few digits for the sum over the
        # vocabulary.
        return functional.cross_entropy(
            logits.flatten(0, 1).float() if logits.dtype != torch.float64 else logits.flatten(0, 1),
            targets.flatten(),
            ignore_index=IGNORE_INDEX,
            label_smoothing=smoothing,
        )

    def inference(self, inputs: Any) -> Any:
        """Logits (B, T, V)."""
        outputs = super().inference(inputs)
        return outputs["logits"] if isinstance(outputs, Mapping) else outputs
