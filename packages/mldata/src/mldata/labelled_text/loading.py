"""Labelled texts by name: generated, or read from the data folder; every text is in one split only."""

from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path
from typing import NamedTuple

from mldata.checksums import check_file
from mldata.errors import DataError, did_you_mean
from mldata.labelled_text.dataset import LabelledTexts
from mldata.labelled_text.formats import Row, read_class_csv, read_class_files
from mldata.locations import data_folder
from mldata.registry import EMBEDDED_LABELLED, DatasetSpec, spec
from mldata.splits import content_hash
from mldata.test_guard import require_open

# Of the embedded set, a class.
_STORIES = {"train": 500, "validation": 80, "test": 160}


def load_labelled_text(
    name: str, split: str = "train", *, subset_size: int | None = None, data_dir: str | Path | None = None
) -> LabelledTexts:
    """A split of a registered set of labelled texts, in an order that mixes the classes.

    Args:
        name: see `mldata.names("labelled_text")`.
        split: "train", "validation" or "test".
        subset_size: only the first so many texts.
        data_dir: folder of real data; default MLDATA_DIR, else ./data.

    Raises:
        UnknownDatasetError: no such data set (with the nearest name).
        ClosedSplitError: the test split, inside `test_split_closed`.
        DataError: no such split; the files are damaged or not there.
        ValueError: `subset_size` below 1.
    """
    entry = spec(name, kind="labelled_text")
    if split not in entry.splits:
        raise DataError(f"data set {name!r} has no split {split!r}{did_you_mean(split, entry.splits)}")
    if subset_size is not None and subset_size < 1:
        raise ValueError(f"subset_size is {subset_size}; it must be 1 or more, or None for all")
    if split == "test":
        require_open(name)
    found = _generated(entry, split) if entry.is_embedded else _local(entry, split, data_folder(data_dir))
    rows = list(islice(found.rows, subset_size))
    if not rows:
        raise DataError(f"the {split} split of {name!r} holds no text: {found.source}")
    texts, labels = zip(*rows, strict=True)
    return LabelledTexts(name, split, texts, labels, entry.classes, found.source)


class _Found(NamedTuple):
    rows: Iterable[Row]
    source: str


def _generated(entry: DatasetSpec, split: str) -> _Found:
    """The story book's stories of chosen plots, class after class in turns.

    Those of validation and test have heroes and subjects that no training story brings together.
    """
    from mldata import storybook
    from mldata.storybook.assembly import FIRST_VALIDATION_INDEX

    begin = {"train": 0, "validation": FIRST_VALIDATION_INDEX, "test": FIRST_VALIDATION_INDEX + 2**20}[split]

    def rows() -> Iterator[Row]:
        for index in range(begin, begin + _STORIES[split]):
            for label, plot in enumerate(entry.classes):
                yield storybook.story(0, index, (plot,)), label

    return _Found(rows(), "generated, seed 0")


def _local(entry: DatasetSpec, split: str, root: Path) -> _Found:
    """From the files of the data folder, the official test file as test split where there is a training file."""
    folder = root / entry.name
    train, test = ([folder / file for file in entry.stems.get(part, ())] for part in ("train", "test"))
    has_test = bool(test) and all(path.is_file() for path in test)
    has_train = bool(train) and all(path.is_file() for path in train)
    if not has_train and not has_test:
        raise DataError(
            f"data set {entry.name!r} is not in {folder.absolute()}: no {(train or test)[0].name}, and it has no "
            f"download of its own\nput its files there (MLDATA_DIR names the parent folder), or use the data set that "
            f"needs no download: {EMBEDDED_LABELLED}"
        )
    parts: tuple[str, ...] = entry.splits
    if has_train and has_test:
        paths, parts = (test, ("test",)) if split == "test" else (train, ("train", "validation"))
        how = "" if split == "test" else ", divided by content"
    else:
        paths = train if has_train else test
        alone = "" if has_train or not train else f", without {train[0].name}"
        how = f", divided into three splits by content{alone}"
    for path in paths:
        check_file(path, root)
    rows = _mixed(_read(entry, paths))
    if len(parts) > 1:
        rows = [row for row in rows if _part_of(row[0], parts) == split]
    names = ", ".join(path.name for path in paths)
    return _Found(rows, f"{names} in {folder}{how}")


def _read(entry: DatasetSpec, paths: list[Path]) -> Iterator[Row]:
    if entry.layout == "class_files":
        return read_class_files(paths)
    return (row for path in paths for row in read_class_csv(path, len(entry.classes)))


def _mixed(rows: Iterable[Row]) -> list[Row]:
    """In the order of their hashes: files come class by class, and the first so many should be of all classes."""
    return sorted(rows, key=lambda row: (content_hash(row[0])[8:], row[1]))


def _part_of(text: str, parts: tuple[str, ...]) -> str:
    """The split that a text belongs to, whatever else is in the files: by the first 64 bits of its SHA-256, as a
    fraction of 2^64: below 0.1 test, below 0.2 validation, else train; beside a test file below 0.1 validation.
    """
    fraction = int.from_bytes(content_hash(text)[:8], "big") / 2**64
    if fraction < 0.1 and "test" in parts:
        return "test"
    held_out = 0.2 if "test" in parts else 0.1
    return "validation" if fraction < held_out else "train"
