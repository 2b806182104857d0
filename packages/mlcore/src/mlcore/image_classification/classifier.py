"""A trained classifier of images and how its inputs must be prepared; what it says of a set of images."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import torch
from torch import Tensor, nn

from mlcore.image_classification.wiring import ImageSet

MakeBatches = Callable[[ImageSet, int], Iterable[tuple[Tensor, Tensor]]]
Views = Callable[[Tensor], Sequence[tuple[float, Tensor]]]  # weights, and versions of a batch


@dataclass(frozen=True)
class ImageClassifier:
    """A model in evaluation mode.

    Args:
        model: a module: logits (B, K) of normalised images (B, C, H, W); with `features` and
            `layers_to_show`; one whose layers give no maps may name an `evidence_layer` for Grad-CAM, and `as_maps`.
        classes: the K names.
        means: of each channel of the training images, of values from 0 to 1.
        deviations: likewise.
        device: where the model is.
        make_batches: images and batch size -> their normalised batches, in order.
        make_twin: builds a model that computes the same and knows autograd, where `model` does not.
        others: what the same network says about other things than the class, by name.
    """

    model: Any
    classes: tuple[str, ...]
    means: Sequence[float]
    deviations: Sequence[float]
    device: torch.device
    make_batches: MakeBatches
    make_twin: Callable[[], nn.Module] | None = None
    others: Mapping[str, OtherTask] = field(default_factory=dict)

    def normalise(self, images: Tensor) -> Tensor:
        """Images (B, C, H, W) of values from 0 to 1, as the model wants them."""
        means = torch.tensor(self.means).view(1, -1, 1, 1)
        deviations = torch.tensor(self.deviations).view(1, -1, 1, 1)
        return ((images - means) / deviations).to(self.device)

    def batches(self, images: ImageSet, batch_size: int = 1000) -> Iterable[tuple[Tensor, Tensor]]:
        """The images in order, normalised with the statistics of the training images."""
        return self.make_batches(images, batch_size)

    def differentiable(self) -> ImageClassifier:
        """The same classifier for autograd."""
        return self if self.make_twin is None else replace(self, model=self.make_twin(), make_twin=None)

    def predict(self, images: ImageSet, *, batch_size: int = 1000, views: Views | None = None) -> Tensor:
        """Logits (N, K); with `views`, the logarithm of the weighted mean of the views' probabilities."""
        found = []
        with torch.inference_mode():
            for batch, _ in self.batches(images, batch_size):
                found.append(self._answer(batch.to(self.device), views).float().cpu())
        return torch.cat(found)

    def _answer(self, batch: Tensor, views: Views | None) -> Tensor:
        versions = [(1.0, batch)] if views is None else views(batch)
        if len(versions) == 1:
            return self.model(versions[0][1])
        total = sum(weight for weight, _ in versions)
        mean = sum(weight / total * self.model(version).softmax(dim=1) for weight, version in versions)
        assert isinstance(mean, Tensor)
        return mean.log()


@dataclass(frozen=True)
class OtherTask:
    """A further head as a classifier, and the right answers (N,) for a set of images."""

    classifier: ImageClassifier
    labels_of: Callable[[Any], Tensor]
