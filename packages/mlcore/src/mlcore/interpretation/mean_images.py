"""The mean picture of each class, and how far its pictures are from it."""

from dataclasses import dataclass

import torch
from torch import Tensor

from mlcore.interpretation.errors import InterpretationError


@dataclass(frozen=True, eq=False)
class ClassMeans:
    """Pixel by pixel, over the images of each of K classes; zeros for a class without images.

    Attributes:
        means: (K, *image) float32, in the units of the images; bytes are divided by 255.
        deviations: (K, *image) float32, standard deviations.
        counts: (K,) int64.
    """

    means: Tensor
    deviations: Tensor
    counts: Tensor


def class_means(images: Tensor, labels: Tensor, num_classes: int) -> ClassMeans:
    """Mean and standard deviation of each class's pixels.

    Args:
        images: (N, …), bytes or floats; held once more in float64 one class at a time.
        labels: (N,) 0 to num_classes - 1.
        num_classes: K.
    """
    check_labels(images, labels, num_classes)
    means, deviations = [], []
    for number in range(num_classes):
        own = images[labels == number].cpu().double()
        own = own / 255 if images.dtype == torch.uint8 else own
        empty = torch.zeros(images.shape[1:], dtype=torch.float64)
        means.append(own.mean(0) if len(own) else empty)
        deviations.append(own.std(0, correction=0) if len(own) else empty)
    counts = torch.bincount(labels.cpu().long(), minlength=num_classes)
    return ClassMeans(torch.stack(means).float(), torch.stack(deviations).float(), counts)


def check_labels(images: Tensor, labels: Tensor, num_classes: int) -> None:
    """Refuse labels that do not fit the images or the classes."""
    if labels.shape != images.shape[:1]:
        raise InterpretationError(f"{len(images)} images need as many labels; got {tuple(labels.shape)}")
    outside = labels[(labels < 0) | (labels >= num_classes)]
    if outside.numel():
        raise InterpretationError(f"label {int(outside[0])} is outside 0 to {num_classes - 1}")
