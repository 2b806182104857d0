"""Readers of text files: each gives one document (str) after another, without holding the file in memory."""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from mldata.errors import DataError
from mldata.registry import DatasetSpec

SEPARATOR = "<|endoftext|>"
EXTENSIONS = (".txt", ".raw", ".jsonl", ".parquet")
_CHUNK_CHARACTERS = 1 << 20
_TITLE = re.compile(r" = (?!= ).+ = \n")
# A lone half of a surrogate pair, which JSON can spell, has no UTF-8 form.
_SURROGATES = re.compile("[\ud800-\udfff]")


def read_documents(path: Path, spec: DatasetSpec) -> Iterator[str]:
    """The documents of one file, by its ending and the data set's layout; empty ones are left out."""
    reader = {".jsonl": _jsonl, ".parquet": _parquet}.get(path.suffix)
    try:
        if reader is not None:
            yield from (text for row in reader(path) if (text := row_text(row, spec, str(path))))
        elif spec.layout == "whole":
            yield path.read_bytes().decode("utf-8")
        elif spec.layout == "articles":
            yield from _articles(path)
        else:
            yield from _separated(path)
    except UnicodeDecodeError as error:
        raise DataError(
            f"{path} is no UTF-8 text: byte {error.start} is {error.object[error.start]:#04x}"
        ) from None
    except OSError as error:
        raise DataError(f"{path} cannot be read: {error.strerror or error}") from None


def row_text(row: Mapping[str, Any], spec: DatasetSpec, where: str) -> str:
    """The document of a row: its text columns, joined by an empty line; stripped of space around it."""
    for columns in spec.columns:
        if all(isinstance(row.get(column), str) for column in columns):
            text = "\n\n".join(row[column] for column in columns).strip()
            return _SURROGATES.sub("\ufffd", text)
    wanted = " or ".join("+".join(columns) for columns in spec.columns)
    raise DataError(
        f"{where}: a row has no text in {wanted}; its columns are {', '.join(map(str, row)) or 'none'}"
    )


def _separated(path: Path) -> Iterator[str]:
    """Documents between `<|endoftext|>`, stripped of the line ends around them."""
    rest = ""
    with path.open(encoding="utf-8", newline="") as file:
        while chunk := file.read(_CHUNK_CHARACTERS):
            *documents, rest = (rest + chunk).split(SEPARATOR)
            yield from (document for raw in documents if (document := raw.strip()))
    if last := rest.strip():
        yield last


def _articles(path: Path) -> Iterator[str]:
    """WikiText's articles: each begins at ` = Title = ` after an empty line. Joined, they are the file."""
    lines: list[str] = []
    with path.open(encoding="utf-8", newline="") as file:
        for line in file:
            if _TITLE.fullmatch(line) and "".join(lines).strip() and not lines[-1].strip():
                yield "".join(lines)
                lines = []
            lines.append(line)
    if lines:
        yield "".join(lines)


def _jsonl(path: Path) -> Iterator[Mapping[str, Any]]:
    with path.open("rb") as file:
        for number, line in enumerate(file, start=1):
            if not line.strip():
                continue
            try:
                row = json.loads(line)
            except (ValueError, RecursionError) as error:
                if isinstance(error, UnicodeDecodeError):
                    raise
                raise DataError(f"{path}:{number}: no JSON: {error}") from None
            if not isinstance(row, dict):
                raise DataError(f"{path}:{number}: no JSON object")
            yield row


def _parquet(path: Path) -> Iterator[Mapping[str, Any]]:
    import pyarrow
    from pyarrow import parquet

    try:
        with parquet.ParquetFile(path) as file:
            for batch in file.iter_batches(batch_size=64):
                yield from batch.to_pylist()
    except pyarrow.ArrowException as error:
        raise DataError(f"{path} is no readable Parquet file: {error}") from None


def find_split_files(folder: Path, spec: DatasetSpec, split: str) -> Sequence[Path]:
    """The file of a split in a local folder, or its parts `train-00000-of-00004.parquet`; () if none."""
    for stem in (split, *spec.stems.get(split, ())):
        for extension in EXTENSIONS:
            if (path := folder / f"{stem}{extension}").is_file():
                return [path]
            for place in (folder, folder / "data"):
                if parts := sorted(place.glob(f"{stem}-[0-9]*-of-[0-9]*{extension}")):
                    return parts
    return ()
