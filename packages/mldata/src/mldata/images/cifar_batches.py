"""CIFAR-10 as its authors ship it (Krizhevsky, 2009): binary batches, or batches pickled by Python 2.

Both hold 32 x 32 colour images channel after channel: 1,024 red values, 1,024 green ones, 1,024 blue ones.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mldata.checksums import check_file
from mldata.errors import DataError
from mldata.images.idx_folder import Part
from mldata.images.restricted_pickle import read_pickled_arrays

_SIZE, _CHANNELS = 32, 3
_VALUES = _SIZE * _SIZE * _CHANNELS
_STEMS: dict[Part, tuple[str, ...]] = {
    "train": tuple(f"data_batch_{number}" for number in range(1, 6)),
    "test": ("test_batch",),
}
_NAMES_OF_CLASSES = "batches.meta.txt"


@dataclass(frozen=True)
class CifarBatches:
    """The six batches of one form; `ending` is ".bin", or "" for the pickled one."""

    folder: Path
    ending: str

    def read(self, part: Part) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
        """Images (N, 32, 32, 3) and labels (N,) in the official order.

        Files that a `SHA256SUMS` in the folder, or up to two above, lists are compared with it.

        Raises:
            DataError: a file is damaged or holds something else.
        """
        batches = [self._read_file(self.folder / f"{stem}{self.ending}") for stem in _STEMS[part]]
        flat = np.concatenate([values for values, _ in batches])
        labels = np.concatenate([labels for _, labels in batches])
        images = flat.reshape(-1, _CHANNELS, _SIZE, _SIZE).transpose(0, 2, 3, 1)
        return np.ascontiguousarray(images), labels

    def _read_file(self, path: Path) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
        for root in (self.folder, *self.folder.absolute().parents[:2]):
            check_file(path.absolute(), root.absolute())
        return _read_binary(path) if self.ending else _read_pickled(path)

    def classes(self, usual: Sequence[str] = ()) -> tuple[str, ...]:
        """The names in `batches.meta.txt` beside binary batches, else `usual`."""
        path = self.folder / _NAMES_OF_CLASSES
        if path.is_file():
            lines = path.read_text(encoding="utf-8", errors="replace").splitlines()
            names = tuple(line.strip() for line in lines if line.strip())
            if len(names) >= 2 and len(set(names)) == len(names):
                return names
        return tuple(usual) or tuple(map(str, range(10)))


def _read_binary(path: Path) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """Rows of one label byte and 3,072 bytes of an image."""
    values = np.fromfile(path, dtype=np.uint8)
    if not len(values) or len(values) % (_VALUES + 1):
        raise DataError(
            f"{path} has {len(values):,} bytes; a binary batch has a multiple of {_VALUES + 1:,}, one label and "
            "one image after the other"
        )
    rows = values.reshape(-1, _VALUES + 1)
    return rows[:, 1:], _checked(rows[:, 0].astype(np.int64), path)


def _read_pickled(path: Path) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """A dictionary with "data" (N, 3072) uint8 and "labels", a list of N numbers."""
    content = read_pickled_arrays(path)
    data = content.get("data") if isinstance(content, dict) else None
    labels = content.get("labels") if isinstance(content, dict) else None
    if not isinstance(data, np.ndarray) or data.dtype != np.uint8 or data.shape[1:] != (_VALUES,):
        raise DataError(f"{path}: no 'data' of bytes, {_VALUES:,} a row: not a batch of CIFAR-10")
    numbers = isinstance(labels, list) and all(type(label) is int for label in labels)
    if not isinstance(labels, list) or not numbers or len(labels) != len(data):
        raise DataError(f"{path}: its 'labels' are not {len(data):,} whole numbers")
    return data, _checked(np.array(labels, dtype=np.int64), path)


def _checked(labels: NDArray[np.int64], path: Path) -> NDArray[np.int64]:
    if len(labels) and not 0 <= labels.min() <= labels.max() <= 9:
        raise DataError(f"{path} has labels from {labels.min()} to {labels.max()}; CIFAR-10 has 0 to 9")
    return labels


def find_cifar_batches(folder: Path) -> CifarBatches | None:
    """The folder's batches, binary ones before pickled ones; None if it holds none of either.

    Raises:
        DataError: it holds some of the six (which is missing).
    """
    stems = [stem for part in _STEMS.values() for stem in part]
    partial = None
    for ending in (".bin", ""):
        missing = [stem for stem in stems if not (folder / f"{stem}{ending}").is_file()]
        if not missing:
            return CifarBatches(folder, ending)
        if len(missing) < len(stems):
            partial = f"{folder} holds {len(stems) - len(missing)} of the six batches; {missing[0]}{ending} is missing"
    if partial is not None:
        raise DataError(partial)
    return None
