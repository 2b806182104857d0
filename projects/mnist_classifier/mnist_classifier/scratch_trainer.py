"""The shared training loop around the NumPy classifier, which differentiates itself."""

from mlcore.trainer import ClassificationTrainer
from mlcore.trainer.results import GradientResult
from mlmodels.image_classifiers.fc_scratch import FcScratch
from torch import Tensor


class ScratchTrainer(ClassificationTrainer):
    """Differs from a trainer that uses autograd in how gradients come about."""

    model: FcScratch

    def compute_gradients(self, batch: tuple[Tensor, Tensor], scale: float) -> GradientResult:
        """Forward, cross-entropy and backward by hand; the gradients add up in `.grad`."""
        images, labels = batch
        loss, logits = self.model.loss_and_gradient(
            images, labels, scale, label_smoothing=self.config.label_smoothing
        )
        return GradientResult(loss, metrics=self.compute_metrics(logits, batch))
