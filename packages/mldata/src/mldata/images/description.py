"""An image set in words and characters, for the command line."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from mldata.images.loading import load_images

if TYPE_CHECKING:
    from torch import Tensor

_SHADES = " .:-=+*#%@"


def described(name: str, split: str, num_images: int) -> Iterator[str]:
    """Lines: where the split was found, its counts and statistics, and its first images."""
    dataset = load_images(name, split)
    means, deviations = dataset.channel_statistics()
    counts = zip(dataset.classes, dataset.class_counts(), strict=True)
    yield f"{'found:':<13} {dataset.source}"
    yield f"{'images:':<13} {len(dataset):,} of {' x '.join(map(str, dataset.image_shape))} in {split!r}"
    yield f"{'per class:':<13} {', '.join(f'{name}: {count:,}' for name, count in counts)}"
    for key, values in (("mean:", means), ("std:", deviations)):
        yield f"{key:<13} {', '.join(f'{value:.4f}' for value in values)}"
    for image, label in zip(dataset.images[:num_images], dataset.labels[:num_images].tolist(), strict=True):
        yield f"{'-' * 40} {dataset.classes[label]}"
        yield from drawn(image)


def drawn(image: "Tensor") -> list[str]:
    """Lines of characters for an image (H, W, C) uint8; a character stands for two pixels, one above the
    other.
    """
    grey = image.float().mean(dim=2)
    height = len(grey) // 2 * 2
    pairs = grey[:height].reshape(-1, 2, grey.shape[1]).mean(dim=1) if height > 1 else grey
    levels = (pairs * len(_SHADES) / 256).int()
    return ["".join(_SHADES[level] for level in row).rstrip() for row in levels.tolist()]
