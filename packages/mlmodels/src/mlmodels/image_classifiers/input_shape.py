"""The check of what a convolutional network or a vision transformer is given."""

from typing import Protocol

from torch import Tensor


class ImageShape(Protocol):
    """A config that says which images its model takes."""

    @property
    def in_channels(self) -> int: ...

    @property
    def image_size(self) -> int: ...


def check_images(images: Tensor, config: ImageShape, *, may_be_smaller: bool = False) -> None:
    """Raise ValueError unless the images (B, C, H, W) are what the config says.

    A network that pools over the whole map can be trained on smaller ones, square as well: `may_be_smaller`.
    """
    expected = (config.in_channels, config.image_size, config.image_size)
    shape = tuple(images.shape[1:])
    if images.dim() == 4 and (shape == expected or (may_be_smaller and _is_smaller(shape, expected))):
        return
    raise ValueError(
        f"images of shape {tuple(images.shape)} for a model that takes (batch, "
        f"{', '.join(map(str, expected))}): see in_channels and image_size"
    )


def _is_smaller(shape: tuple[int, ...], expected: tuple[int, ...]) -> bool:
    channels, height, width = shape
    return channels == expected[0] and height == width < expected[1]
