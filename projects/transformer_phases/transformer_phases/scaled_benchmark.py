"""The command `scaled_benchmark`: a study of the original's phases, its output kept in a log, its results dated."""

import contextlib
import io
import json
import sys
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import TextIO

from mlcore.cli import Options
from mlcore.logger.plain_values import write_json_atomic

from transformer_phases.study import run_phases

LOG = "scaled_benchmark.log"


class Tee(io.TextIOBase):
    """Text that goes to two places; a terminal would draw over its own lines, so it is none."""

    def __init__(self, first: TextIO, second: TextIO) -> None:
        self.first, self.second = first, second

    def write(self, text: str) -> int:
        """To both, at once in the second, so that the log can be followed."""
        self.first.write(text)
        self.second.write(text)
        self.second.flush()
        return len(text)

    def flush(self) -> None:
        """Both."""
        self.first.flush()
        self.second.flush()


def run_scaled_benchmark(options: Options) -> int:
    """Run the study into its own folder; writes scaled_benchmark.log and scaled_benchmark_TIME.json there."""
    extra = dict(options.extra)
    folder = extra["output"] or options.runs_dir / "studies" / "scaled_benchmark"
    settings = [f"data.dataset={extra.pop('dataset')}", *extra["settings"]]
    for option, key in (("documents", "subset_size"), ("val_documents", "val_subset_size")):
        if (number := extra.pop(option)) is not None:
            settings.append(f"data.{key}={number}")
    extra |= {"output": folder, "settings": tuple(settings)}
    folder.mkdir(parents=True, exist_ok=True)
    began = datetime.now().astimezone()
    with (folder / LOG).open("a", encoding="utf-8") as log:
        log.write(f"== {began.isoformat(timespec='seconds')}\n")
        with contextlib.redirect_stdout(Tee(sys.stdout, log)):
            code = run_phases(replace(options, extra=extra))
            print(f"results {keep_results(folder, began, settings)}\nlog     {folder / LOG}")
    return code


def keep_results(folder: Path, began: datetime, settings: list[str]) -> Path:
    """The study's results under a name of their own, with when and how."""
    results = json.loads((folder / "results.json").read_text(encoding="utf-8"))
    path = folder / f"scaled_benchmark_{began:%Y%m%d-%H%M%S}.json"
    write_json_atomic(path, {"timestamp": began.isoformat(), "settings": settings, **results})
    return path
