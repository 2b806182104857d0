"""Readers of labelled texts, as their owners ship them: (text, label) pairs in the order of the files."""

import csv
import io
from collections.abc import Iterator
from pathlib import Path

from mldata.errors import DataError

Row = tuple[str, int]


def read_class_files(paths: list[Path]) -> Iterator[Row]:
    """One file a class, in the labels' order, one text a line, in Latin-1. Empty lines are left out."""
    for label, path in enumerate(paths):
        for line in _read(path, "latin-1").split("\n"):
            if text := line.strip():
                yield text, label


def read_class_csv(path: Path, num_classes: int) -> Iterator[Row]:
    """Rows of class (from 1), title and further columns, without a heading; the texts are joined by a space.

    AG News writes a line end inside a text as a backslash.

    Raises:
        DataError: a row without text, or a class that there is not.
    """
    reader = csv.reader(io.StringIO(_read(path, "utf-8"), newline=""))
    known = [str(label) for label in range(1, num_classes + 1)]
    for cells in reader:
        if not cells:
            continue
        if len(cells) < 2 or cells[0].strip() not in known:
            raise DataError(
                f"{path}:{reader.line_num}: a row is a class from 1 to {num_classes} and its text"
            )
        text = " ".join(" ".join(cells[1:]).replace("\\", " ").split())
        if text:
            yield text, int(cells[0]) - 1


def _read(path: Path, encoding: str) -> str:
    try:
        return path.read_bytes().decode(encoding)
    except UnicodeDecodeError as error:
        raise DataError(f"{path} is no {encoding} text: byte {error.start}") from None
    except OSError as error:
        raise DataError(f"{path} cannot be read: {error.strerror or error}") from None
