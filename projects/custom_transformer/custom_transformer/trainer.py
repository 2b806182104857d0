"""The shared training loop around a model that differentiates itself."""

from typing import Any

from mlcore.trainer.language_model import LanguageModelTrainer
from mlcore.trainer.results import GradientResult
from mlmodels.custom_transformer.model import CustomTransformer
from torch import Tensor


class HandWrittenTrainer(LanguageModelTrainer):
    """Differs from a trainer that uses autograd in how gradients come about and how the model is read."""

    model: CustomTransformer

    def compute_gradients(self, batch: tuple[Tensor, Tensor], scale: float) -> GradientResult:
        """Forward, cross-entropy and backward by hand; the gradients add up in `.grad`."""
        inputs, targets = batch
        loss, num_tokens = self.model.loss_and_gradient(
            inputs, targets, scale, label_smoothing=self.config.label_smoothing
        )
        return GradientResult(loss, num_tokens)

    def validation_step(self, batch: tuple[Tensor, Tensor]) -> GradientResult:
        """Mean loss and token accuracy; no caches are kept."""
        inputs, targets = batch
        loss, num_tokens, accuracy = self.model.evaluate(inputs, targets)
        return GradientResult(loss, num_tokens, {"token_accuracy": accuracy})

    def inference(self, inputs: Any) -> Tensor:
        """Logits (B, T, V)."""
        with self.evaluating():
            return self.model.logits(inputs.to(self.device))
