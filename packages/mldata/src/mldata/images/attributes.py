"""What can be said of images besides their class: a second label, with classes of its own."""

from typing import NamedTuple

import torch
from torch import Tensor

from mldata.errors import DataError
from mldata.images.dataset import ImageDataset


class Attribute(NamedTuple):
    """`labels` (N,) int64, and the names of what they count."""

    labels: Tensor
    classes: tuple[str, ...]


def attribute_of(images: ImageDataset, name: str) -> Attribute:
    """The attribute `name` of every image.

    Raises:
        DataError: nobody knows it of these images.
    """
    if (images.name, name) != ("shapes", "colour"):
        raise DataError(
            f"the images of {images.name} have no attribute {name!r}; there is: colour (of shapes)"
        )
    from mldata.images.shapes.data_set import COLOURS, read_colours

    everyones = torch.from_numpy(read_colours("test" if images.split == "test" else "train"))
    return Attribute(everyones[images.indices.cpu()], COLOURS)
