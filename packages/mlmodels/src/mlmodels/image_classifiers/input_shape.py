"""The check of what a convolutional network or a vision transformer is given."""

from typing import Protocol

from torch import Tensor


class ImageShape(Protocol):
    """A config that says which images its model takes."""

    @property
    def in_channels(self) -> int: ...

    @property
    def image_size(self) -> int: ...


def check_images(images: Tensor, config: ImageShape) -> None:
    """Raise ValueError unless the images (B, C, H, W) are what the config says."""
    expected = (config.in_channels, config.image_size, config.image_size)
    if images.dim() != 4 or tuple(images.shape[1:]) != expected:
        raise ValueError(
            f"images of shape {tuple(images.shape)} for a model that takes (batch, "
            f"{', '.join(map(str, expected))}): see in_channels and image_size"
        )
