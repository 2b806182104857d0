"""One trial: what it tries, how it ended, and where the metric stands in its run folder."""

import json
import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Literal

from mlcore.errors import DivergedError
from mlcore.logger.plain_values import restore_numbers
from mlcore.runs import RunFolder
from mlcore.search.space import Point, settings
from mlcore.study import JobResult

TrialStatus = Literal["done", "diverged", "failed", "unfinished"]


@dataclass(frozen=True)
class TrialRecord:
    """A trial as the search remembers it.

    Attributes:
        number: from 0.
        value: best value of the metric; None unless it is done.
        seconds: wall time of its last attempt.
        attempts: how often it was started.
        run: name of its run folder.
        reason: why it is not done, one line.
    """

    number: int
    point: Point
    status: TrialStatus
    value: float | None = None
    seconds: float = 0.0
    attempts: int = 0
    run: str | None = None
    reason: str = ""

    def as_dict(self) -> dict[str, Any]:
        """For search.json."""
        return {**asdict(self), "point": dict(self.point), "settings": settings(self.point)}


@dataclass(frozen=True)
class Outcome:
    """What a trial's process left behind."""

    status: TrialStatus
    value: float | None = None
    reason: str = ""


def outcome_of(result: JobResult, run: RunFolder | None, metric: str) -> Outcome:
    """How a trial ended whose process has ended.

    Args:
        run: its run folder, if it came to making one.
    """
    last = result.last_lines[-1].strip() if result.last_lines else "no output"
    if result.status == "interrupted":
        return Outcome("unfinished", reason="stopped with the search")
    if result.status == "timed_out":
        return Outcome("failed", reason="stopped: it took longer than trial_minutes")
    if result.rc == DivergedError.exit_code:
        return Outcome("diverged", reason=last)
    if result.rc != 0:
        return Outcome("failed", reason=f"exit code {result.rc}: {last}")
    if run is None or not run.is_complete:
        return Outcome("failed", reason="exit code 0, but it left no complete run folder")
    return outcome_in(run, metric)


def outcome_in(run: RunFolder, metric: str) -> Outcome:
    """How a trial ended, from its run folder alone: unfinished if training did not come to its end."""
    if run.status == "diverged":
        return Outcome("diverged", reason="diverged")
    if not run.is_complete:
        return Outcome("unfinished", reason=f"its run has the status {run.status or 'unknown'}")
    value = best_value(run, metric)
    if value is None:
        return Outcome("failed", reason=f"{run.path.name}/metrics.json has no best {metric}")
    if not math.isfinite(value):
        return Outcome("failed", reason=f"its best {metric} is {value}")
    return Outcome("done", value)


def best_value(run: RunFolder, metric: str) -> float | None:
    """The best value of the monitored metric in metrics.json; None where it does not stand there."""
    try:
        best = restore_numbers(json.loads(run.metrics_path.read_bytes()))["best"]
    except (OSError, ValueError, KeyError, TypeError):
        return None
    value = best.get(metric) if isinstance(best, Mapping) else None
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None
