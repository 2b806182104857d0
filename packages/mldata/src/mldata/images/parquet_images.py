"""Images in Parquet files as the hub's data sets have them: a column of {bytes, path}, and one of labels.

Decoding 60,000 images takes some ten seconds; what was decoded is kept in the cache under the file's SHA-256.
"""

import io
import json
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mldata.checksums import check_file, file_sha256
from mldata.errors import DataError
from mldata.images.idx_folder import Part
from mldata.images.pictures import decode_all
from mldata.locations import cache_folder

_IMAGE_COLUMNS = ("img", "image")
_LABEL_COLUMNS = ("label", "labels", "fine_label")
_JPEG = b"\xff\xd8\xff"


@dataclass(frozen=True)
class ParquetImages:
    """The files of both parts, in the order of their names."""

    folder: Path
    files: dict[Part, tuple[Path, ...]]

    @property
    def note(self) -> str:
        """ "JPEG copy" where the pictures were compressed with losses: they are not the original ones."""
        table = _table(self.files["train"][0], num_rows=1)
        return "JPEG copy" if _encoded(table, self.files["train"][0])[0].startswith(_JPEG) else ""

    def read(self, part: Part) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
        """Images (N, H, W, C) and labels (N,) in the files' order.

        Raises:
            DataError: no such columns, a picture that cannot be read, or pictures of different sizes.
        """
        parts = [self._read_file(path) for path in self.files[part]]
        return np.concatenate([images for images, _ in parts]), np.concatenate(
            [labels for _, labels in parts]
        )

    def _read_file(self, path: Path) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
        for root in (self.folder, *self.folder.absolute().parents[:2]):
            check_file(path.absolute(), root.absolute())
        labels = _labels(_table(path, columns=_LABEL_COLUMNS), path)
        kept = cache_folder() / "processed" / "images" / f"{file_sha256(path)[:32]}.npy"
        if kept.is_file():
            try:
                images = np.load(kept, allow_pickle=False)
            except (ValueError, OSError, EOFError):
                images = np.empty(0)
            if images.dtype == np.uint8 and images.ndim == 4 and len(images) == len(labels):
                return images, labels
        images = decode_all(_encoded(_table(path, columns=_IMAGE_COLUMNS), path), str(path))
        _keep(kept, images)
        return images, labels

    def classes(self, usual: Sequence[str] = ()) -> tuple[str, ...]:
        """The names that the files' own description holds, else `usual` if it has as many, else the numbers."""
        labels = np.unique(_labels(_table(self.files["train"][0], columns=_LABEL_COLUMNS), self.folder))
        count = int(labels.max()) + 1
        named = _names_in_description(self.files["train"][0])
        for names in (named, tuple(usual)):
            if len(names) >= count and len(names):
                return names
        return tuple(map(str, range(count)))


def find_parquet_images(folder: Path) -> ParquetImages | None:
    """`train*.parquet` and `test*.parquet` in the folder or its `data` or `plain_text`; None if there are none.

    Raises:
        DataError: files of one part only.
    """
    for place in (folder, folder / "plain_text", folder / "data"):
        files: dict[Part, tuple[Path, ...]] = {
            "train": tuple(sorted(place.glob("train*.parquet"))),
            "test": tuple(sorted(place.glob("test*.parquet"))),
        }
        if all(files.values()) and _holds_images(files["train"][0]):
            return ParquetImages(folder, files)
    return None


def _holds_images(path: Path) -> bool:
    """Whether its columns are those of images: text comes in Parquet, too."""
    import pyarrow.parquet

    try:
        names = pyarrow.parquet.read_schema(path).names
    except (OSError, ValueError) as error:
        raise DataError(f"{path} cannot be read as Parquet: {error}") from None
    return any(name in names for name in _IMAGE_COLUMNS) and any(name in names for name in _LABEL_COLUMNS)


def _table(path: Path, *, columns: Sequence[str] | None = None, num_rows: int | None = None) -> Any:
    import pyarrow.parquet

    try:
        file = pyarrow.parquet.ParquetFile(path)
        chosen = None if columns is None else [name for name in file.schema_arrow.names if name in columns]
        if num_rows is None:
            return file.read(columns=chosen)
        return next(file.iter_batches(batch_size=num_rows, columns=chosen))
    except (OSError, ValueError, StopIteration) as error:
        raise DataError(f"{path} cannot be read as Parquet: {' '.join(str(error).split())[:200]}") from None


def _column(table: Any, names: Sequence[str], path: Path) -> list[Any]:
    for name in names:
        if name in table.schema.names:
            return table[table.schema.names.index(name)].to_pylist()
    raise DataError(f"{path} has no column {' or '.join(names)}; it has {', '.join(table.schema.names)}")


def _encoded(table: Any, path: Path) -> list[bytes]:
    found = []
    for row, entry in enumerate(_column(table, _IMAGE_COLUMNS, path)):
        data = entry.get("bytes") if isinstance(entry, dict) else entry
        if not isinstance(data, bytes):
            raise DataError(f"{path}: the image in row {row} has no bytes")
        found.append(data)
    return found


def _labels(table: Any, path: Path) -> NDArray[np.int64]:
    values = _column(table, _LABEL_COLUMNS, path)
    if not values or not all(isinstance(value, int) and value >= 0 for value in values):
        raise DataError(f"{path}: its labels are not whole numbers from 0 up")
    return np.array(values, dtype=np.int64)


def _names_in_description(path: Path) -> tuple[str, ...]:
    """The class names that `datasets` writes into a file's metadata."""
    import pyarrow.parquet

    raw = (pyarrow.parquet.read_schema(path).metadata or {}).get(b"huggingface")
    try:
        features = json.loads(raw or b"{}")["info"]["features"]
        names = next(features[name]["names"] for name in _LABEL_COLUMNS if name in features)
        return tuple(str(name) for name in names)
    except (ValueError, KeyError, TypeError, StopIteration):
        return ()


def _keep(path: Path, images: NDArray[np.uint8]) -> None:
    """Whole or not at all; a cache that cannot be written costs time and nothing else."""
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        buffer = io.BytesIO()
        np.save(buffer, images, allow_pickle=False)
        part.write_bytes(buffer.getvalue())
        part.replace(path)
    except OSError:
        part.unlink(missing_ok=True)
