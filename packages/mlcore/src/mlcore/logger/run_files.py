"""The files a logger writes into its run folder. Trouble with the disk is a warning, never an exception."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from mlcore.logger.metrics_file import MetricsFile
from mlcore.logger.plain_values import write_json_atomic

SCHEMA = 1
_SAMPLE_FILE = re.compile(r"step_(\d+)\.json")


class RunFiles:
    """metrics.jsonl, metrics.json, logs/messages.jsonl and samples/ of the run in `folder`."""

    def __init__(self, folder: Path, warn: Callable[[str], None]) -> None:
        self.folder = folder
        self._warn = warn
        self._metrics: MetricsFile | None = None
        self._messages: MetricsFile | None = None

    def open_metrics(self, *, resumed: bool) -> MetricsFile:
        """The stream. Without a resume, an older stream of this folder is put aside, not continued."""
        if self._metrics is None:
            path = self.folder / "metrics.jsonl"
            self._metrics = MetricsFile(path, self._stream_trouble)
            with contextlib.suppress(OSError):
                if not resumed and path.exists() and path.stat().st_size > 0:
                    path.rename(_free_name(self.folder))
                self._metrics.continue_existing()
        return self._metrics

    def sync(self) -> int:
        """Forces the stream to the disk; returns the number of its records."""
        if self._metrics is None:
            return 0
        self._metrics.sync()
        return self._metrics.num_records

    def cut_back(self, step: int, num_records: int | None) -> None:
        """Removes what was written after a checkpoint of `step` that counted `num_records` records."""
        metrics = self.open_metrics(resumed=True)
        if num_records is None:
            metrics.keep(up_to_step=step)
        else:
            metrics.keep(int(num_records))
        for path in (self.folder / "samples").glob("step_*.json"):
            match = _SAMPLE_FILE.fullmatch(path.name)
            if match is not None and int(match.group(1)) > step:
                path.unlink(missing_ok=True)

    def close_metrics(self) -> None:
        """Closes the stream; says so when records were lost."""
        if self._metrics is None:
            return
        self._metrics.close()
        if self._metrics.num_pending:
            self._warn(f"{self._metrics.num_pending:,} records could not be written to metrics.jsonl")

    def write_samples(self, step: int, samples: Sequence[Mapping[str, Any]]) -> None:
        """Writes samples/step_00000100.json."""
        path = self.folder / "samples" / f"step_{step:08d}.json"
        self._write(path, {"schema": SCHEMA, "step": step, "samples": samples})

    def write_summary(self, content: Mapping[str, Any]) -> None:
        """Writes metrics.json, atomically."""
        self._write(self.folder / "metrics.json", content)

    def add_message(self, record: Mapping[str, Any]) -> None:
        """Adds a line to logs/messages.jsonl."""
        if self._messages is None:
            self._messages = MetricsFile(self.folder / "logs" / "messages.jsonl")
            with contextlib.suppress(OSError):
                self._messages.continue_existing()
        self._messages.append(record)

    def close(self) -> None:
        if self._messages is not None:
            self._messages.close()

    def _write(self, path: Path, content: Mapping[str, Any]) -> None:
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            write_json_atomic(path, content)
        except OSError as error:
            self._warn(f"{path.name} could not be written: {error.strerror or error}; training goes on")

    def _stream_trouble(self, error: OSError) -> None:
        self._warn(f"metrics.jsonl cannot be written: {error.strerror or error}; records wait in memory")


def _free_name(folder: Path) -> Path:
    number = 1
    while (folder / f"metrics_before_{number}.jsonl").exists():
        number += 1
    return folder / f"metrics_before_{number}.jsonl"
