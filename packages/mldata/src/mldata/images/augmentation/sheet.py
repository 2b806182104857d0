"""A contact sheet: images beside what the augmentation makes of them in successive epochs."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from mldata.images.augmentation.pipeline import unit_floats
from mldata.images.batches import Augmentation

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


def augmented_versions(
    images: Tensor,
    augmentation: Augmentation | None,
    indices: Tensor,
    num_versions: int,
    first_epoch: int = 0,
) -> Tensor:
    """(N, 1 + num_versions, H, W, C) float32 in [0, 1]: each original, then its versions, one an epoch."""
    epochs = range(first_epoch, first_epoch + num_versions)
    changed = [
        unit_floats(images) if augmentation is None else augmentation(images, indices, e) for e in epochs
    ]
    return torch.stack([unit_floats(images), *changed], dim=1).permute(0, 1, 3, 4, 2)


def augmentation_sheet(
    images: Tensor,
    augmentation: Augmentation | None,
    *,
    indices: Tensor | None = None,
    num_versions: int = 8,
    first_epoch: int = 0,
    names: Sequence[str] | None = None,
) -> "Figure":
    """A row an image: the original, then `num_versions` augmented versions, one an epoch.

    Args:
        images: (N, H, W, C) uint8, C 1 (grey) or 3 (colours).
        augmentation: None shows the originals only, again and again.
        indices: (N,) int64, the images' positions in the data set; 0 to N - 1 by default. With those of the
            data set the versions are the very ones that training sees.
        num_versions: 1 or more.
        first_epoch: the first version's epoch.
        names: a label for each row, such as its class.

    Raises:
        ValueError: no image, another number of channels, or not one name an image.
    """
    from matplotlib.figure import Figure

    num, height, width, channels = images.shape
    if num == 0 or channels not in (1, 3) or num_versions < 1:
        raise ValueError(f"cannot draw {num} images of {channels} channels with {num_versions} versions")
    if names is not None and len(names) != num:
        raise ValueError(f"{len(names)} names for {num} images")
    indices = torch.arange(num) if indices is None else indices
    versions = augmented_versions(images, augmentation, indices, num_versions, first_epoch).cpu()
    figure = Figure(
        figsize=(0.8 * (num_versions + 1) + 0.8, 0.8 * num * height / width + 0.4), layout="constrained"
    )
    axes = figure.subplots(num, num_versions + 1, squeeze=False)
    for row, pictures in enumerate(versions):
        for column, picture in enumerate(pictures):
            _draw(axes[row, column], picture, channels)
        if names is not None:
            axes[row, 0].set_ylabel(names[row], rotation=0, ha="right", va="center", fontsize=8)
    axes[0, 0].set_title("original", fontsize=8)
    for column in range(1, num_versions + 1):
        axes[0, column].set_title(f"epoch {first_epoch + column - 1}", fontsize=8)
    return figure


def _draw(axes: "Axes", picture: Tensor, channels: int) -> None:
    axes.imshow((picture.squeeze(-1) if channels == 1 else picture).numpy(), cmap="gray", vmin=0.0, vmax=1.0)
    axes.set_xticks([])
    axes.set_yticks([])
    axes.spines[:].set_visible(False)
