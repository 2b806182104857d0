"""The append-only stream of a run, `metrics.jsonl`: one JSON object a line.

A record counts when its newline is there. Whatever stands after the last newline is the rest of a write that
was cut off by a kill: readers ignore it, and the next writer removes it. So the file is valid after a kill at
any byte.
"""

from __future__ import annotations

import contextlib
import json
import os
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from mlcore.logger.plain_values import json_bytes, restore_numbers

_MAX_PENDING = 10_000  # records kept in memory while the disk is full
_NUMERIC_KINDS = frozenset({"step", "validation", "epoch"})


class MetricsError(Exception):
    """A stream that is damaged before its last line."""

    exit_code = 3


def read_metrics(path: Path | str) -> list[dict[str, Any]]:
    """All complete records of a `metrics.jsonl`, oldest first.

    Non-finite numbers of step, validation and epoch records come back as floats. A partial last line is
    dropped.

    Raises:
        MetricsError: a line before the last one is not a JSON object; names file and line.
        FileNotFoundError: there is no such file.
    """
    return list(iterate_metrics(path))


def iterate_metrics(path: Path | str) -> Iterator[dict[str, Any]]:
    """`read_metrics`, one record at a time."""
    with open(path, "rb") as file:
        for number, line in enumerate(file, start=1):
            if not line.endswith(b"\n"):
                return
            record = _parse(line)
            if record is None:
                raise MetricsError(f"{path}:{number}: not a JSON record; the lines before it can be read")
            yield record


def _parse(line: bytes) -> dict[str, Any] | None:
    try:
        record = json.loads(line)
    except ValueError:
        return None
    if not isinstance(record, dict):
        return None
    return restore_numbers(record) if record.get("kind") in _NUMERIC_KINDS else record


class MetricsFile:
    """Writer of one stream. A full disk never raises: records wait in memory until there is room.

    Args:
        path: the file; created on the first write, continued when it is there.
        on_trouble: called once with the OSError when writing fails, and not again before it has worked in
        between.
    """

    def __init__(self, path: Path, on_trouble: Callable[[OSError], None] | None = None) -> None:
        self.path = path
        self.num_records = 0
        self._on_trouble = on_trouble
        self._pending: deque[bytes] = deque(maxlen=_MAX_PENDING)
        self._descriptor: int | None = None
        self._size = 0
        self._in_trouble = False

    @property
    def num_pending(self) -> int:
        """Records that could not be written yet."""
        return len(self._pending)

    def append(self, record: Mapping[str, Any]) -> None:
        """Adds one record; it is with the operating system when this returns, so a kill cannot lose it."""
        self._pending.append(json_bytes(record) + b"\n")
        self.num_records += 1
        self._write_pending()

    def keep(self, num_records: int | None = None, *, up_to_step: int | None = None) -> None:
        """Cuts the stream back to its first `num_records` records, or to those of steps up to `up_to_step`.

        Damaged records and everything after them go too.
        """
        self._pending.clear()
        kept, size = 0, 0
        with contextlib.suppress(FileNotFoundError), open(self.path, "rb") as file:
            for line in file:
                record = _parse(line) if line.endswith(b"\n") else None
                if record is None or (num_records is not None and kept >= num_records):
                    break
                if up_to_step is not None and record.get("step", 0) > up_to_step:
                    break
                kept, size = kept + 1, size + len(line)
        self.close()
        if self.path.exists():
            os.truncate(self.path, size)
        self.num_records = kept

    def continue_existing(self) -> None:
        """Removes a partial last line and counts the records that are there."""
        self.keep()

    def sync(self) -> None:
        """Forces everything to the disk: a checkpoint must not count records that a power cut takes back."""
        self._write_pending()
        if self._descriptor is not None:
            with contextlib.suppress(OSError):
                os.fsync(self._descriptor)

    def close(self) -> None:
        if self._pending:
            self._write_pending()
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None

    def _write_pending(self) -> None:
        try:
            while self._pending:
                self._write(self._pending[0])
                self._pending.popleft()
            self._in_trouble = False
        except OSError as error:
            if not self._in_trouble and self._on_trouble is not None:
                self._on_trouble(error)
            self._in_trouble = True

    def _write(self, line: bytes) -> None:
        """Writes the whole line or nothing of it."""
        if self._descriptor is None:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self._descriptor = os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
            self._size = os.fstat(self._descriptor).st_size
        written = 0
        try:
            while written < len(line):
                written += os.write(self._descriptor, line[written:])
        except OSError:
            with contextlib.suppress(OSError):
                os.ftruncate(self._descriptor, self._size)
            raise
        self._size += len(line)
