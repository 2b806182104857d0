"""A folder with the four IDX files of an image data set: found under their usual names, read, written."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from mldata.checksums import check_file
from mldata.errors import DataError
from mldata.images.idx import read_idx, read_shape, write_idx

Part = Literal["train", "test"]
What = Literal["images", "labels"]
CLASSES_FILE = "classes.txt"
_STEMS: Mapping[Part, str] = {"train": "train", "test": "t10k"}
# Images have three dimensions, or four with channels last; some distributions write a dot before "idx".
_ENDINGS: Mapping[What, tuple[str, ...]] = {
    "images": ("-images-idx3-ubyte", "-images.idx3-ubyte", "-images-idx4-ubyte", "-images.idx4-ubyte"),
    "labels": ("-labels-idx1-ubyte", "-labels.idx1-ubyte"),
}
_NEEDED: tuple[tuple[Part, What], ...] = (
    ("train", "images"),
    ("train", "labels"),
    ("test", "images"),
    ("test", "labels"),
)


@dataclass(frozen=True)
class IdxFolder:
    """The four files of one data set."""

    folder: Path
    files: Mapping[tuple[Part, What], Path]

    def read(self, part: Part) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
        """Images (N, H, W, C) and labels (N,) of the source's train or test part.

        Files that a `SHA256SUMS` in the folder, or up to two above, lists are compared with it.

        Raises:
            DataError: a file is damaged, or they do not fit together.
        """
        for path in (self.files[part, "images"], self.files[part, "labels"]):
            for root in (self.folder, *self.folder.absolute().parents[:2]):
                check_file(path.absolute(), root.absolute())
        path = self.files[part, "images"]
        images, labels = read_idx(path), self._labels(part)
        if images.dtype != np.uint8 or images.ndim not in (3, 4) or not images.size:
            raise DataError(f"{path} holds {images.dtype} of shape {images.shape}, not images of bytes")
        if len(images) != len(labels):
            raise DataError(f"{path} holds {len(images):,} images, the file of labels {len(labels):,}")
        if part == "test" and images.shape[1:] != (trained := read_shape(self.files["train", "images"])[1:]):
            raise DataError(f"{path} holds images of {images.shape[1:]}, the train files of {trained}")
        return images.reshape(*images.shape[:3], -1), labels

    def _labels(self, part: Part) -> NDArray[np.int64]:
        path = self.files[part, "labels"]
        labels = read_idx(path)
        if labels.ndim != 1 or labels.dtype.kind not in "iu" or not labels.size:
            raise DataError(f"{path} holds {labels.dtype} of shape {labels.shape}, not labels")
        return labels.astype(np.int64)

    def classes(self, usual: Sequence[str] = ()) -> tuple[str, ...]:
        """The classes' names: the lines of `classes.txt`, else `usual` if it has as many, else the numbers.

        Raises:
            DataError: the labels of either part are not 0 to K - 1, or `classes.txt` has not K lines.
        """
        labels = np.unique(self._labels("train"))
        count = len(labels)
        if labels[0] != 0 or labels[-1] != count - 1:
            raise DataError(
                f"{self.files['train', 'labels']} has {count} different labels from {labels[0]} to "
                f"{labels[-1]}; they must be 0 to {count - 1}, without a gap"
            )
        unknown = np.setdiff1d(self._labels("test"), labels)
        if len(unknown):
            raise DataError(
                f"{self.files['test', 'labels']} has the label {unknown[0]}, which no train image has"
            )
        return self._named_classes(count) or (
            tuple(usual) if len(usual) == count else tuple(map(str, range(count)))
        )

    def _named_classes(self, count: int) -> tuple[str, ...] | None:
        path = self.folder / CLASSES_FILE
        try:
            lines = path.read_text(encoding="utf-8").splitlines()
        except FileNotFoundError:
            return None
        except (OSError, UnicodeDecodeError) as error:
            raise DataError(f"cannot read {path}: {error}") from None
        names = tuple(line.strip() for line in lines if line.strip())
        if len(names) != count or len(set(names)) != count:
            raise DataError(f"{path} has {len(set(names))} different names; the labels have {count} classes")
        return names


def find_idx_folder(folder: Path) -> IdxFolder | None:
    """The folder's four files; None if it holds none of them.

    Raises:
        DataError: it holds some of the four (which is missing).
    """
    files = {key: path for key in _NEEDED if (path := _find_file(folder, *key)) is not None}
    if not files:
        return None
    for part, what in _NEEDED:
        if (part, what) not in files:
            name = _STEMS[part] + _ENDINGS[what][0]
            raise DataError(f"{folder} holds {len(files)} of the four IDX files; {name}[.gz] is missing")
    return IdxFolder(folder, files)


def _find_file(folder: Path, part: Part, what: What) -> Path | None:
    names = (f"{_STEMS[part]}{ending}{packing}" for ending in _ENDINGS[what] for packing in ("", ".gz"))
    return next((path for name in names if (path := folder / name).is_file()), None)


def write_idx_folder(
    folder: str | Path,
    train: tuple[NDArray[np.uint8], NDArray[np.integer]],
    test: tuple[NDArray[np.uint8], NDArray[np.integer]],
    classes: Sequence[str] | None = None,
) -> Path:
    """Make a data set that `load_images(…, data_dir=folder)` reads: four gzipped IDX files, and class names.

    Args:
        folder: made if it is not there.
        train: images (N, H, W) or (N, H, W, C) uint8, and labels (N,) from 0 to 255.
        test: the same for the test split.
        classes: names in the labels' order, written to `classes.txt`.

    Raises:
        DataError: what was written does not make a data set (it is read again).
    """
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    given: Mapping[Part, tuple[NDArray, NDArray]] = {"train": train, "test": test}
    for part, (images, labels) in given.items():
        if labels.size and not 0 <= labels.min() <= labels.max() <= 255:
            raise DataError(f"{folder}: labels go from {labels.min()} to {labels.max()}; a byte has 0 to 255")
        write_idx(folder / f"{_STEMS[part]}-images-idx{images.ndim}-ubyte.gz", images)
        write_idx(folder / f"{_STEMS[part]}-labels-idx1-ubyte.gz", labels.astype(np.uint8))
    if classes is not None:
        (folder / CLASSES_FILE).write_text("".join(f"{name}\n" for name in classes), encoding="utf-8")
    written = find_idx_folder(folder)
    assert written is not None
    written.classes()
    for part in given:
        written.read(part)
    return folder
