"""The data set `shapes`: 4,000 images to train and validate with, 1,000 to test, ten classes of equal size."""

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from mldata.images.idx_folder import Part
from mldata.images.shapes.drawing import draw_coloured_shapes
from mldata.images.shapes.outlines import OUTLINES

CLASSES = tuple(OUTLINES)
COLOURS = ("red", "green", "blue")
NUM_IMAGES = {"train": 4000, "test": 1000}
SEED = 2026
SOURCE = "drawn by mldata.images.shapes"
_FIRST_INDEX = {"train": 0, "test": 1 << 20}  # no image of one part is drawn with the numbers of the other's


def read_shapes(part: Part) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """Images (N, 32, 32, 3) and labels (N,), class after class in turn."""
    images, labels, _ = _drawn(part)
    return images, labels


def read_colours(part: Part) -> NDArray[np.int64]:
    """(N,) which of `COLOURS` is the strongest in the paint of each image's shape."""
    return _drawn(part)[2].argmax(axis=1)


@lru_cache(maxsize=2)
def _drawn(part: Part) -> tuple[NDArray[np.uint8], NDArray[np.int64], NDArray[np.float64]]:
    labels = np.arange(NUM_IMAGES[part]) % len(CLASSES)
    images, colours = draw_coloured_shapes(labels, seed=SEED, first_index=_FIRST_INDEX[part])
    return images, labels, colours
