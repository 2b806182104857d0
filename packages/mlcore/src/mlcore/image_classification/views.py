"""Versions of a batch whose predictions are averaged: test-time augmentation."""

from functools import partial
from typing import Literal

import torch.nn.functional as F
from torch import Tensor

from mlcore.image_classification.classifier import Views

Augmented = list[tuple[float, Tensor]]
TestTimeAugmentation = Literal["none", "flip", "flip_shift"]


def moved(batch: Tensor, shifts: int) -> Augmented:
    """The batch (B, C, H, W), and for each distance up to `shifts` four copies of it rolled along the axes.

    The border of a drawing is its darkest value, which rolling over the edge keeps.
    """
    copies = [batch]
    for distance in range(1, shifts + 1):
        for axis in (2, 3):
            copies += [batch.roll(distance, axis), batch.roll(-distance, axis)]
    return [(1.0, copy) for copy in copies]


def mirrored(batch: Tensor) -> Augmented:
    """The batch and its mirror image."""
    return [(1.0, batch), (1.0, batch.flip(3))]


def mirrored_and_shifted(batch: Tensor, distance: int = 1) -> Augmented:
    """Both, and both shifted up-left and down-right by `distance`, each shift with half the weight.

    These are the six views of airbench (Jordan, 2024: 94 % on CIFAR-10 in 3.29 seconds); what comes in at the edges
    is the mirror image.
    """
    height, width = batch.shape[2:]
    padded = F.pad(batch, (distance,) * 4, mode="reflect")
    corners = [padded[:, :, start : start + height, start : start + width] for start in (0, 2 * distance)]
    shifted = [(0.5 * weight, view) for corner in corners for weight, view in mirrored(corner)]
    return [*mirrored(batch), *shifted]


def views_of(kind: TestTimeAugmentation = "none", shifts: int = 0) -> Views | None:
    """The versions that an evaluation section asks for; None: the images alone."""
    if kind == "flip":
        return mirrored
    if kind == "flip_shift":
        return mirrored_and_shifted
    return partial(moved, shifts=shifts) if shifts else None
