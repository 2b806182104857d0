"""One run as its folder tells it. What is damaged becomes a problem of the record, not an error."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import Any

from mlcore.errors import UserError
from mlcore.experiments.flattening import flatten
from mlcore.experiments.plain_config import read_plain_config
from mlcore.logger.plain_values import restore_numbers
from mlcore.runs import COMPLETE, RunFolder

RUNNING, KILLED, UNFINISHED, DAMAGED = "running", "killed", "unfinished", "damaged"
SEED_KEYS = ("seed", "training.seed")
# What a metrics.json holds besides measurements.
_NO_METRICS = frozenset({"schema", "info"})
_STAMP_FORMAT = "%Y%m%d-%H%M%S"


@dataclass(frozen=True)
class RunRecord:
    """What is known of a run.

    Attributes:
        path: its folder.
        name: its name without the time.
        status: as metrics.json has it: running, completed, early_stopped, interrupted, diverged, failed; killed when
            it says running and the process is gone; unfinished without a metrics.json; damaged when that cannot be
            read.
        seed: of the configuration.
        started: from the folder's name.
        commit, is_dirty: of the repository; None when it was not under version control.
        split: what evaluation.json measured, validation or test; None without one.
        config: dotted keys.
        metrics: numbers under dotted keys: `best.loss`, `final.val.accuracy`, `wall_s`, and those of evaluation.json
            under the name of its split: `test.accuracy`, `test.baselines.logistic_regression.accuracy`.
        environment: dotted keys of environment.json.
        problems: what is missing or damaged, one line each.
    """

    path: Path
    name: str
    status: str
    seed: int | None = None
    started: datetime | None = None
    commit: str | None = None
    is_dirty: bool | None = None
    split: str | None = None
    config: Mapping[str, Any] = field(default_factory=dict)
    metrics: Mapping[str, float] = field(default_factory=dict)
    environment: Mapping[str, Any] = field(default_factory=dict)
    problems: tuple[str, ...] = ()

    @property
    def folder(self) -> str:
        """The full name of the run folder."""
        return self.path.name

    @property
    def is_complete(self) -> bool:
        """Whether training came to its end."""
        return self.status in COMPLETE

    def value(self, key: str) -> Any:
        """A metric or a key of the configuration by its dotted name; None when there is none."""
        return self.metrics[key] if key in self.metrics else self.config.get(key)

    def as_dict(self) -> dict[str, Any]:
        """The fields by name, ready for JSON."""
        return {
            "run": self.folder,
            "path": str(self.path),
            "name": self.name,
            "status": self.status,
            "seed": self.seed,
            "started": None if self.started is None else self.started.isoformat(),
            "commit": self.commit,
            "is_dirty": self.is_dirty,
            "split": self.split,
            "config": dict(self.config),
            "metrics": dict(self.metrics),
            "environment": dict(self.environment),
            "problems": list(self.problems),
        }

    def __str__(self) -> str:
        seed = "" if self.seed is None else f", seed {self.seed}"
        problems = f"; {'; '.join(self.problems)}" if self.problems else ""
        return f"{self.folder}: {self.status}{seed}{problems}"


def read_record(run: RunFolder | Path) -> RunRecord:
    """The record of a run folder. Never raises for what stands in it."""
    return with_liveness(read_files(run))


def read_files(run: RunFolder | Path) -> RunRecord:
    """The record as the files have it, whatever became of the process."""
    folder = run if isinstance(run, RunFolder) else RunFolder(run)
    problems: list[str] = []
    config = _config(folder.config_path, problems)
    summary = _object(folder.metrics_path, problems)
    evaluation = _object(folder.evaluation_path, problems) or {}
    environment = _object(folder.environment_path, problems) or {}
    split = evaluation.get("split")
    split = split if isinstance(split, str) and split else None
    git = environment.get("git")
    git = git if isinstance(git, dict) else {}
    flat_environment = flatten(environment)
    return RunRecord(
        path=folder.path,
        name=folder.name,
        status=_status(summary, folder.metrics_path, problems),
        seed=next((seed for key in SEED_KEYS if type(seed := config.get(key)) is int), None),
        started=_started(folder),
        commit=git["commit"] if isinstance(git.get("commit"), str) else None,
        is_dirty=git["is_dirty"] if isinstance(git.get("is_dirty"), bool) else None,
        split=split,
        config=config,
        metrics=_summary_metrics(summary or {}) | _evaluation_metrics(evaluation, split or "evaluation"),
        environment=flat_environment,
        problems=tuple(problems),
    )


def with_liveness(record: RunRecord) -> RunRecord:
    """A run that was killed could not write so: its lock still names a process, which is gone."""
    if record.status != RUNNING:
        return record
    from mlcore import run_lock

    owner = run_lock.read_owner(record.path / "run.lock")
    is_gone = owner is not None and not run_lock.is_alive(owner)
    return replace(record, status=KILLED) if is_gone else record


def _config(path: Path, problems: list[str]) -> dict[str, Any]:
    try:
        if not path.is_file():
            problems.append("config.yaml is missing")
            return {}
        return flatten(read_plain_config(path))
    except UserError as error:
        problems.append(str(error).splitlines()[0])
    return {}


def _object(path: Path, problems: list[str]) -> dict[str, Any] | None:
    """A JSON file's object; None when it is missing (which may be right) or damaged (which is a problem)."""
    try:
        content = json.loads(path.read_bytes())
    except FileNotFoundError:
        return None
    except OSError as error:
        problems.append(f"{path.name} cannot be read: {error.strerror or error}")
        return None
    except (ValueError, RecursionError):
        problems.append(f"{path.name} is damaged: not JSON")
        return None
    if not isinstance(content, dict):
        problems.append(f"{path.name} is damaged: not an object")
        return None
    return restore_numbers(content)


def _status(summary: dict[str, Any] | None, path: Path, problems: list[str]) -> str:
    if summary is None:
        return DAMAGED if any(problem.startswith(path.name) for problem in problems) else UNFINISHED
    status = summary.get("status")
    if isinstance(status, str) and status:
        return status
    problems.append(f"{path.name} is damaged: no status")
    return DAMAGED


def _started(folder: RunFolder) -> datetime | None:
    stamp = folder.path.name[len(folder.name) + 1 :].split("_")[0]
    try:
        return datetime.strptime(stamp, _STAMP_FORMAT)
    except ValueError:
        return None


def _summary_metrics(summary: Mapping[str, Any]) -> dict[str, float]:
    return _numbers({key: value for key, value in summary.items() if key not in _NO_METRICS})


def _evaluation_metrics(evaluation: Mapping[str, Any], split: str) -> dict[str, float]:
    """Everything that evaluation.json measured; the metrics themselves stand directly under the split."""
    parts = {key: value for key, value in evaluation.items() if isinstance(value, Mapping)}
    metrics = parts.pop("metrics", {})
    return _numbers({split: {**parts, **metrics}})


def _numbers(nested: Mapping[str, Any]) -> dict[str, float]:
    return {
        key: value
        for key, value in flatten(nested).items()
        if isinstance(value, int | float) and not isinstance(value, bool)
    }
