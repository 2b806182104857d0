"""The shared training loop around a model that also returns its state."""

from collections.abc import Mapping
from typing import Any

from mlcore.trainer.language_model import IGNORE_INDEX, LanguageModelTrainer
from mlmodels.recurrent.language_model import RecurrentLanguageModel
from torch import Tensor


class RecurrentTrainer(LanguageModelTrainer):
    """Every window begins with a state of zeros, for windows are shuffled; the last state is not used.

    The metric "token_accuracy" is the share of targets that are the likeliest token; in training it is that of each
    batch just before the update which the batch causes, with dropout on.
    """

    model: RecurrentLanguageModel

    def forward_pass(self, batch: tuple[Tensor, Tensor]) -> tuple[Tensor, Tensor]:
        """Mean loss and logits."""
        inputs, targets = batch
        logits, _ = self.model(inputs)
        return self.criterion(logits, targets), logits  # type: ignore[operator]

    def compute_metrics(self, outputs: Tensor, batch: tuple[Tensor, Tensor]) -> Mapping[str, Tensor]:
        """A tensor, so that nothing waits for it."""
        targets = batch[1]
        is_right = outputs.argmax(dim=-1) == targets
        return {"token_accuracy": is_right.sum() / (targets != IGNORE_INDEX).sum()}

    def inference(self, inputs: Any) -> Tensor:
        """Logits (B, T, V)."""
        logits, _ = super().inference(inputs)
        return logits
