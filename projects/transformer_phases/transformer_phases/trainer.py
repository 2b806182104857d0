"""The shared training loop around a transformer, and the alarm for results that are too good."""

from collections.abc import Mapping

from mlcore.errors import UserError
from mlcore.trainer import BaseTrainer, Callback
from mlcore.trainer.language_model import IGNORE_INDEX, LanguageModelTrainer
from mlmodels.transformer_encoders.masked_language_model import Bert
from mlmodels.transformer_eras.model import EraTransformer
from torch import Tensor

ACCURACY = "val_token_accuracy"


class LeakSuspectedError(UserError):
    """A model predicts better than its data allow: targets have leaked into its inputs."""


class EraTrainer(LanguageModelTrainer):
    """Adds the share of targets that are the likeliest token; in training that is measured with dropout on.

    The targets of BERT are the hidden tokens.
    """

    model: EraTransformer | Bert

    def compute_metrics(self, outputs: Tensor, batch: tuple[Tensor, Tensor]) -> Mapping[str, Tensor]:
        """A tensor, so that nothing waits for it."""
        targets = batch[1]
        is_right = outputs.argmax(dim=-1) == targets
        return {"token_accuracy": is_right.sum() / (targets != IGNORE_INDEX).sum()}


class PlausibilityAlarm(Callback):
    """Stops the run when a validation is too good to be true.

    Args:
        max_accuracy: share of the validation tokens that no honest model predicts.
    """

    def __init__(self, max_accuracy: float) -> None:
        self.max_accuracy = max_accuracy

    def on_validation_end(self, trainer: BaseTrainer, metrics: Mapping[str, float]) -> None:
        """
        Raises:
            LeakSuspectedError: the accuracy is above the limit.
        """
        accuracy = metrics.get(ACCURACY, 0.0)
        if accuracy > self.max_accuracy:
            raise LeakSuspectedError(
                f"leak suspected: validation accuracy {accuracy:.1%} at step {trainer.progress.step} is above "
                f"plausibility.max_accuracy ({self.max_accuracy:.1%}); is a target among the inputs?"
            )
