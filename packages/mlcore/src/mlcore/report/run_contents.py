"""Everything a report is made of, read from a run folder.

What is missing or damaged becomes a notice, not an error.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from mlcore.logger.metrics_file import MetricsError, iterate_metrics
from mlcore.logger.plain_values import restore_numbers
from mlcore.report.figure_view import FigureView, figure_views

_SAMPLE_FILE = re.compile(r"step_(\d+)\.json")
_MAX_TEXT_BYTES = 2**20


class ReportError(Exception):
    """There is no run to report on."""

    exit_code = 3


@dataclass
class RunContents:
    """The parts of one run. `samples` holds (step, samples) in the order of steps."""

    path: Path
    summary: dict[str, Any] = field(default_factory=dict)
    steps: list[dict[str, Any]] = field(default_factory=list)
    validations: list[dict[str, Any]] = field(default_factory=list)
    epochs: list[dict[str, Any]] = field(default_factory=list)
    messages: list[dict[str, Any]] = field(default_factory=list)
    samples: list[tuple[int, list[dict[str, Any]]]] = field(default_factory=list)
    evaluation: dict[str, Any] = field(default_factory=dict)
    environment: dict[str, Any] = field(default_factory=dict)
    config: str = ""
    figures: list[FigureView] = field(default_factory=list)
    notices: list[str] = field(default_factory=list)


def read_run(path: Path) -> RunContents:
    """Reads the run folder `path`.

    Raises:
        ReportError: `path` is no folder, or holds neither metrics nor a configuration.
    """
    path = Path(path)
    if not path.is_dir():
        raise ReportError(f"{path}: no such run folder")
    run = RunContents(path)
    known = ("metrics.jsonl", "metrics.json", "config.yaml", "evaluation.json")
    if not any((path / name).exists() for name in known):
        raise ReportError(f"{path}: not a run folder (none of {', '.join(known)} is there)")
    run.summary = _read_object(run, "metrics.json", needed=True)
    run.evaluation = _read_object(run, "evaluation.json")
    run.environment = _read_object(run, "environment.json")
    run.config = _read_text(path / "config.yaml")
    for record in _read_stream(run, "metrics.jsonl", needed=True):
        group = {"step": run.steps, "validation": run.validations, "epoch": run.epochs}.get(record["kind"])
        if group is not None:
            group.append(record)
    run.messages = list(_read_stream(run, "logs/messages.jsonl"))
    run.samples = _read_samples(run)
    run.figures, notices = figure_views(path)
    run.notices += notices
    return run


def _read_object(run: RunContents, name: str, *, needed: bool = False) -> dict[str, Any]:
    path = run.path / name
    try:
        content = json.loads(path.read_bytes())
    except FileNotFoundError:
        if needed:
            run.notices.append(f"{name} is missing: the run was killed early or is of another kind.")
        return {}
    except (OSError, ValueError, RecursionError):
        run.notices.append(f"{name} is damaged and was left out.")
        return {}
    if not isinstance(content, dict):
        run.notices.append(f"{name} does not hold an object and was left out.")
        return {}
    return restore_numbers(content) if name == "metrics.json" else content


def _read_stream(run: RunContents, name: str, *, needed: bool = False) -> Iterator[dict[str, Any]]:
    """Records up to the first damaged one; only those with a kind and a step."""
    try:
        for record in iterate_metrics(run.path / name):
            if isinstance(record.get("kind"), str) and isinstance(record.get("step"), int):
                yield record
    except FileNotFoundError:
        if needed:
            run.notices.append(f"{name} is missing: there are no curves.")
    except (MetricsError, OSError) as error:
        run.notices.append(f"{name} is damaged; shown is what stands before that ({error}).")


def _read_text(path: Path) -> str:
    try:
        with open(path, "rb") as file:
            return file.read(_MAX_TEXT_BYTES).decode("utf-8", errors="replace")
    except OSError:
        return ""


def _read_samples(run: RunContents) -> list[tuple[int, list[dict[str, Any]]]]:
    found = []
    for path in (run.path / "samples").glob("step_*.json"):
        match = _SAMPLE_FILE.fullmatch(path.name)
        if match is None:
            continue
        samples = _read_object(run, f"samples/{path.name}").get("samples")
        if isinstance(samples, list):
            found.append((int(match.group(1)), [sample for sample in samples if isinstance(sample, dict)]))
    return sorted(found, key=lambda pair: pair[0])
