"""A tree of pictures: `train/CLASS/*.png` and `test/CLASS/*.png`."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mldata.errors import DataError
from mldata.images.idx_folder import Part
from mldata.images.pictures import ENDINGS, decode_all


@dataclass(frozen=True)
class ClassFolders:
    """Two folders, each with one folder a class; the classes are those of `train`, in alphabetical order."""

    folder: Path

    def read(self, part: Part) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
        """Images (N, H, W, C) and labels (N,), by class and then by file name.

        Raises:
            DataError: a class of `test` that `train` has not, a picture that cannot be read, different sizes.
        """
        names = self.classes()
        strangers = [path.name for path in _class_folders(self.folder / part) if path.name not in names]
        if strangers:
            raise DataError(
                f"{self.folder / part} has a class {strangers[0]!r} that {self.folder / 'train'} has not"
            )
        paths, labels = [], []
        for label, name in enumerate(names):
            found = _pictures(self.folder / part / name)
            if not found and part == "train":
                raise DataError(f"{self.folder / part / name} holds no picture")
            paths += found
            labels += [label] * len(found)
        return decode_all(paths, str(self.folder / part)), np.array(labels, dtype=np.int64)

    def classes(self, usual: Sequence[str] = ()) -> tuple[str, ...]:
        """The names of the folders in `train`."""
        return tuple(path.name for path in _class_folders(self.folder / "train"))


def find_class_folders(folder: Path) -> ClassFolders | None:
    """The folder's tree of pictures; None if it has no `train` with folders of pictures.

    Raises:
        DataError: `test` is missing, or there is one class only.
    """
    classes = _class_folders(folder / "train")
    if not any(_pictures(path) for path in classes):
        return None
    if not _class_folders(folder / "test"):
        raise DataError(f"{folder} has pictures in train/CLASS, but none in test/CLASS")
    if len(classes) < 2:
        raise DataError(f"{folder / 'train'} has one class only, {classes[0].name!r}")
    return ClassFolders(folder)


def _class_folders(folder: Path) -> list[Path]:
    if not folder.is_dir():
        return []
    return sorted(path for path in folder.iterdir() if path.is_dir() and not path.name.startswith("."))


def _pictures(folder: Path) -> list[Path]:
    if not folder.is_dir():
        return []
    return sorted(path for path in folder.iterdir() if path.suffix.lower() in ENDINGS and path.is_file())
