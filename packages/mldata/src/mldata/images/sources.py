"""The forms in which a folder may hold an image data set, found by the names of its files."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from mldata.images.cifar_batches import find_cifar_batches
from mldata.images.class_folders import find_class_folders
from mldata.images.idx_folder import Part, find_idx_folder
from mldata.images.parquet_images import find_parquet_images


class ImageSource(Protocol):
    """A folder that holds an image data set."""

    @property
    def folder(self) -> Path: ...

    def read(self, part: Part) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
        """Images (N, H, W, C) and labels (N,) of the source's train or test part."""

    def classes(self, usual: Sequence[str] = ()) -> tuple[str, ...]:
        """The classes' names: the folder's own, else `usual` if it has as many, else the numbers."""


# In this order: files of a fixed name first, a tree of pictures last.
_FORMS: tuple[Callable[[Path], ImageSource | None], ...] = (
    find_idx_folder,
    find_cifar_batches,
    find_parquet_images,
    find_class_folders,
)


def find_source(folder: Path) -> ImageSource | None:
    """The image data set in this very folder; None if there is none.

    Raises:
        DataError: some of its files are there and others are missing.
    """
    for find in _FORMS:
        found = find(folder)
        if found is not None:
            return found
    return None


def note_of(source: ImageSource) -> str:
    """What must be said wherever the data set is named, such as "JPEG copy"; empty: nothing."""
    return str(getattr(source, "note", ""))
