"""Image data sets by name: found in the folder given, the data folder, the cache, or fetched, in that order."""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from mldata.checksums import file_sha256
from mldata.errors import DataError, did_you_mean
from mldata.images.download import DownloadError, download_folder, fetch_files
from mldata.images.idx_folder import IdxFolder, Part
from mldata.images.sources import ImageSource, find_source, note_of
from mldata.images.splits import train_validation_positions
from mldata.locations import data_folder
from mldata.registry import EMBEDDED_COLOUR_IMAGES, EMBEDDED_IMAGES, DatasetSpec, names, spec
from mldata.safe_names import check_name
from mldata.test_guard import require_open

if TYPE_CHECKING:
    from mldata.images.dataset import ImageDataset

SPLITS = ("train", "validation", "test")


def load_images(
    name: str,
    split: str = "train",
    *,
    data_dir: str | Path | None = None,
    train_fraction: float = 0.8,
    split_seed: int = 42,
) -> "ImageDataset":
    """One split of an image data set, whole, in memory.

    Looked for in `data_dir` (the folder with the files, or one above it), then in MLDATA_DIR (default
    ./data), then in the cache, then fetched. A folder `data_dir/NAME` or `MLDATA_DIR/NAME` makes `NAME` a
    data set that needs no entry in the registry. A folder may hold four IDX files, CIFAR's batches (binary or
    pickled), Parquet files with pictures, or a tree of pictures train/CLASS and test/CLASS. `source` of the
    result says what was taken; a copy with losses has it in its `name` too: "cifar10 (JPEG copy)".

    Args:
        name: an image set of `mldata.names()`, or a folder's name.
        split: "train" and "validation" are seeded parts of the source's train split, "test" is its test split.
        data_dir: a folder to look in first.
        train_fraction: the share of the source's train split that trains; the rest is for validation. 1.0
            gives all.
        split_seed: of the train and validation parts. They do not depend on any other seed or generator.

    Raises:
        UnknownDatasetError: no such data set (with the nearest name), or not one of images.
        ClosedSplitError: "test" inside `test_split_closed()`.
        DataError: no such split, an empty one, damaged files, or data that are neither here nor to be fetched
            (two lines).
        ValueError: a `train_fraction` or `split_seed` out of range.
    """
    if split == "test":
        require_open(name)
    return read_images(name, split, data_dir=data_dir, train_fraction=train_fraction, split_seed=split_seed)


def read_images(
    name: str, split: str, *, data_dir: str | Path | None, train_fraction: float, split_seed: int
) -> "ImageDataset":
    """`load_images` without the guard of the test split: for `image_hashes`, which shows no image."""
    import torch

    from mldata.images.dataset import ImageDataset

    if split not in SPLITS:
        raise DataError(f"data set {name!r} has no split {split!r}{did_you_mean(split, SPLITS)}")
    part: Part = "test" if split == "test" else "train"
    images, labels, classes, source, note = _read_part(name, part, data_dir)
    positions = np.arange(len(labels))
    if part == "train":
        train, validation = train_validation_positions(len(labels), train_fraction, split_seed)
        positions = train if split == "train" else validation
        if not len(positions):
            raise DataError(
                f"a train_fraction of {train_fraction} leaves none of the {len(labels)} images of {name!r} "
                "for validation"
            )
        images, labels = images[positions], labels[positions]
    return ImageDataset(
        name=f"{name} ({note})" if note else name,
        split=split,
        images=torch.from_numpy(images),
        labels=torch.from_numpy(labels),
        classes=classes,
        indices=torch.from_numpy(positions),
        source=source,
    )


def _read_part(
    name: str, part: Part, data_dir: str | Path | None
) -> tuple[NDArray[np.uint8], NDArray[np.int64], tuple[str, ...], str, str]:
    """Images, labels and classes of the source's part, where they were found, and what must be said of them."""
    found, note = _find(name, data_dir), ""
    if found is None:
        images, labels, classes, source = _embedded(name, part)
    else:
        images, labels = found.read(part)
        classes = found.classes(spec(name).classes if name in names() else ())
        source, note = str(found.folder), note_of(found)
    if data_dir is not None and not Path(source).is_relative_to(Path(data_dir).expanduser()):
        source += f" ({data_dir} holds no files of it)"
    return images, labels, classes, source, note


def _embedded(name: str, part: Part) -> tuple[NDArray[np.uint8], NDArray[np.int64], tuple[str, ...], str]:
    """Images, labels, classes and origin of a data set that ships inside the packages."""
    if name == EMBEDDED_COLOUR_IMAGES:
        from mldata.images.shapes import data_set

        return (*data_set.read_shapes(part), data_set.CLASSES, data_set.SOURCE)
    from mldata.images import digits

    assert name == EMBEDDED_IMAGES, f"no reader for the embedded data set {name}"
    return (*digits.read_digits(part), digits.CLASSES, "inside scikit-learn")


def _find(name: str, data_dir: str | Path | None) -> ImageSource | None:
    """The data set's folder; None for the embedded one, which a `data_dir` with files of its own replaces."""
    entry = spec(name, kind="images") if name in names() else None
    check_name(name, "data set")
    for folder in _places(name, data_dir, embedded=entry is not None and entry.is_embedded):
        found = find_source(folder)
        if found is not None:
            _refuse_other_set(name, found)
            return found
    if entry is not None and entry.is_embedded:
        return None
    # A name that is no folder either is a mistake: this says which names there are.
    return _fetched(entry or spec(name, kind="images"), data_dir)


def _refuse_other_set(name: str, found: ImageSource) -> None:
    """A `data_dir` that stayed when `name` changed would give MNIST's digits the names of clothes."""
    if not isinstance(found, IdxFolder):
        return
    labels = found.files["train", "labels"]
    for other in names("images") if name in names() else ():
        expected = spec(other).sha256.get(labels.name)
        if other != name and expected is not None and file_sha256(labels) == expected:
            raise DataError(f"{found.folder} holds the data set {other!r}, not {name!r}")


def _places(name: str, data_dir: str | Path | None, *, embedded: bool) -> Iterator[Path]:
    """The folders that may hold the files, nearest first; each may be laid out as torchvision does."""
    if data_dir is not None:
        given = Path(data_dir).expanduser()
        yield given
        if given.name in _folder_names(name):
            yield given / "raw"
        yield from _named_folders(given, name)
    if not embedded:
        yield from _named_folders(data_folder(), name)


def _named_folders(parent: Path, name: str) -> Iterator[Path]:
    for own in _folder_names(name):
        yield from (parent / own, parent / own / "raw")
        # The archives of some sets hold a folder of their own.
        yield from (parent / own / other for other in _folder_names(name)[1:])


def _folder_names(name: str) -> tuple[str, ...]:
    """What the data set's folder may be called: its name, or what its archive or torchvision call it."""
    return (name, *(spec(name).folders if name in names() else ()))


def _fetched(entry: DatasetSpec, data_dir: str | Path | None) -> ImageSource:
    """The data set from the cache, fetched into it if need be."""
    try:
        if not entry.mirrors:
            raise DownloadError("it has no place to be fetched from without asking its owner")
        found = find_source(fetch_files(entry))
    except DownloadError as error:
        looked_in = [Path(data_dir).expanduser()] if data_dir is not None else []
        looked_in += [data_folder() / folder for folder in _folder_names(entry.name)]
        looked_in += [download_folder(entry.name)] if entry.mirrors else []
        places = ", ".join(str(place.absolute()) for place in looked_in)
        embedded = EMBEDDED_IMAGES if entry.mirrors else EMBEDDED_COLOUR_IMAGES
        raise DataError(
            f"data set {entry.name!r} is in none of {places}, and cannot be fetched: {error}\n"
            "put its files there (MLDATA_DIR names the parent folder), or take the data set that needs "
            f"no download: {embedded} (quickstart.yaml)"
        ) from None
    assert found is not None
    return found
