"""Text data sets as documents: found in the data folder, the cache, or the hub, in that order."""

import hashlib
from collections.abc import Callable, Iterator
from functools import cached_property
from itertools import islice
from pathlib import Path

from mldata import hub_cache
from mldata.checksums import check_file, file_sha256
from mldata.errors import DataError, did_you_mean
from mldata.hub import HubUnreachableError
from mldata.locations import data_folder
from mldata.registry import EMBEDDED, DatasetSpec, spec
from mldata.splits import held_out_split
from mldata.text_formats import find_split_files, read_documents


class TextDataset:
    """Documents of one split, read anew at each iteration: `for document in dataset`.

    `source` says in words where they come from; `identity` changes whenever the documents could differ.
    """

    def __init__(
        self,
        name: str,
        split: str,
        read: Callable[[], Iterator[str]],
        *,
        source: str,
        identity: str,
        subset_size: int | None = None,
    ) -> None:
        self.name = name
        self.split = split
        self.source = source
        self.identity = f"{name}/{split} first={subset_size} {identity}"
        self.subset_size = subset_size
        self._read = read

    def __iter__(self) -> Iterator[str]:
        return islice(self._read(), self.subset_size)

    def __len__(self) -> int:
        return self._num_documents

    @cached_property
    def _num_documents(self) -> int:
        return sum(1 for _ in self)

    def __repr__(self) -> str:
        return f"TextDataset({self.name!r}, {self.split!r}, source={self.source!r})"


def load_text(
    name: str,
    split: str = "train",
    *,
    subset_size: int | None = None,
    data_dir: str | Path | None = None,
    seed: int = 0,
) -> TextDataset:
    """Documents of a registered data set.

    Args:
        name: see `mldata.names()`.
        split: "train", "validation", for some sets "test".
        subset_size: only the first so many documents of the split; from the hub only these are fetched.
        data_dir: folder of real data; default MLDATA_DIR, else ./data.
        seed: of the embedded generator; other data sets do not use it.

    Raises:
        UnknownDatasetError: no such data set (with the nearest name).
        DataError: no such split; the data are damaged, or neither here nor to be fetched (two lines).
        ValueError: `subset_size` below 1.
    """
    entry = spec(name, kind="text")
    if split not in entry.splits:
        raise DataError(f"data set {name!r} has no split {split!r}{did_you_mean(split, entry.splits)}")
    if subset_size is not None and subset_size < 1:
        raise ValueError(f"subset_size is {subset_size}; it must be 1 or more, or None for all")
    if entry.is_embedded:
        return _embedded(entry, split, subset_size, seed)
    root = data_folder(data_dir)
    local = _local(entry, split, subset_size, root)
    if local is not None:
        return local
    if entry.hub_id is None:
        reason = "it has no download of its own"
    else:
        try:
            path = hub_cache.cached_split(entry, split, subset_size)
            return _cached(
                entry, split, subset_size, path or hub_cache.fetch_split(entry, split, subset_size)
            )
        except HubUnreachableError as error:
            reason = str(error)
    raise DataError(
        f"data set {name!r} (split {split!r}) is neither in {(root / name).absolute()} nor in the cache, "
        f"and cannot be fetched: {reason}\nput its files there (MLDATA_DIR names the parent folder), "
        f"or use the data set that needs no download: {EMBEDDED}"
    )


def _embedded(entry: DatasetSpec, split: str, subset_size: int | None, seed: int) -> TextDataset:
    from mldata import storybook

    def read() -> Iterator[str]:
        return iter(storybook.documents(split, subset_size, seed, entry.plots))  # type: ignore[arg-type]

    return TextDataset(
        entry.name,
        split,
        read,
        source=f"generated, seed {seed}",
        identity=f"seed={seed} generator={_generator_version()} plots={entry.plots}",
        subset_size=subset_size,
    )


def _generator_version() -> str:
    """A hash over the generator's own files: its stories change only with them."""
    from mldata import storybook

    folder = Path(storybook.__file__).parent
    files = sorted(path for path in folder.rglob("*") if path.is_file() and "__pycache__" not in path.parts)
    listing = "".join(f"{path.relative_to(folder).as_posix()} {file_sha256(path)}\n" for path in files)
    return hashlib.sha256(listing.encode()).hexdigest()[:16]


def _cached(entry: DatasetSpec, split: str, subset_size: int | None, path: Path) -> TextDataset:
    reader = hub_cache.spec_of_cache(entry)
    return TextDataset(
        entry.name,
        split,
        lambda: read_documents(path, reader),
        source=f"hub {entry.hub_id}, cached in {path}",
        identity=file_sha256(path),
        subset_size=subset_size,
    )


def _local(entry: DatasetSpec, split: str, subset_size: int | None, root: Path) -> TextDataset | None:
    """The split from the data folder; None if it does not hold the data set."""
    folder = root / entry.name
    if entry.layout == "whole":
        paths, cut = [folder / "input.txt"], _characters(split)
        if not paths[0].is_file():
            return None
    else:
        paths = list(find_split_files(folder, entry, split))
        cut = _unchanged
        has_validation = bool(find_split_files(folder, entry, "validation"))
        if split in ("train", "validation") and not has_validation:
            paths = list(find_split_files(folder, entry, "train"))
            cut = _held_out(split, entry.held_out)
        if not paths:
            return None
    for path in paths:
        check_file(path, root, entry.sha256.get(path.name))
    return TextDataset(
        entry.name,
        split,
        lambda: cut(document for path in paths for document in read_documents(path, entry)),
        source=f"{', '.join(path.name for path in paths)} in {folder}",
        identity=" ".join(file_sha256(path) for path in paths),
        subset_size=subset_size,
    )


_Cut = Callable[[Iterator[str]], Iterator[str]]


def _unchanged(documents: Iterator[str]) -> Iterator[str]:
    return documents


def _held_out(split: str, share: float) -> _Cut:
    return lambda documents: held_out_split(documents, split, share)


def _characters(split: str) -> _Cut:
    """The customary cut of tinyshakespeare: the first 90 % of its characters train, the rest validate."""

    def cut(documents: Iterator[str]) -> Iterator[str]:
        for text in documents:
            boundary = int(len(text) * 0.9)
            yield text[:boundary] if split == "train" else text[boundary:]

    return cut
