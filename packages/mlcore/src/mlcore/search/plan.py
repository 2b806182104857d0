"""What a search is about, resolved: its folder, the training command, the metric, the space."""

import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Literal

from mlcore.cores import threads_of_worker
from mlcore.runs import RunFolder, list_runs
from mlcore.search.config import SearchConfig
from mlcore.search.space import Dimension, Point, grid_points, settings
from mlcore.seeding import seed_for
from mlcore.study import Job

DEFAULT_TRIALS = 20


@dataclass(frozen=True)
class SearchPlan:
    """One search.

    Attributes:
        folder: everything of the search lies here.
        train_script: the project's `train.py`.
        search: the file.
        dimensions: the space.
        metric: `training.monitor` of the base configuration.
        mode: `training.monitor_mode`.
        num_workers: trials at a time.
        num_trials: trials in all; None: what the file says, or 20, or the whole grid.
        max_minutes: this call starts no trial after so many minutes; None: no limit.
        extra_words: of every trial's command.
    """

    folder: Path
    train_script: Path
    search: SearchConfig
    dimensions: Sequence[Dimension]
    metric: str
    mode: Literal["min", "max"]
    num_workers: int = 1
    num_trials: int | None = None
    max_minutes: float | None = None
    extra_words: Sequence[str] = field(default=())

    @property
    def base_path(self) -> Path:
        """The configuration that is searched around."""
        return self.folder / "base.yaml"

    @property
    def search_path(self) -> Path:
        """The space, as it was when the search began."""
        return self.folder / "search.yaml"

    @property
    def journal_path(self) -> Path:
        """Optuna's journal."""
        return self.folder / "trials.journal"

    @property
    def runs_dir(self) -> Path:
        """The run folders of the trials."""
        return self.folder / "runs"

    @property
    def best_path(self) -> Path:
        """The configuration of the best trial."""
        return self.folder / "best.yaml"

    @property
    def threads_per_worker(self) -> int:
        """An equal share of the cores; see `threads_of_worker`."""
        return threads_of_worker(self.num_workers)

    @cached_property
    def grid(self) -> list[Point]:
        """The points of a grid in the order in which they are tried: shuffled, so that a part of it covers the space.

        Empty for the other methods.
        """
        if self.search.method != "grid":
            return []
        points = list(enumerate(grid_points(self.dimensions)))
        points.sort(key=lambda pair: seed_for(self.search.seed, "grid", pair[0]))
        return [point for _, point in points]

    @property
    def total_trials(self) -> int:
        """How many trials there are in all, those of earlier calls included."""
        wanted = self.num_trials or self.search.trials
        if self.search.method == "grid":
            return min(wanted or len(self.grid), len(self.grid))
        return wanted or DEFAULT_TRIALS

    def job(self, number: int, point: Point, resume: RunFolder | None = None) -> Job:
        """The training command of a trial; `resume` is its run that was cut off."""
        words = [sys.executable, str(self.train_script), "--config", str(self.base_path)]
        words += [word for setting in settings(point) for word in ("--set", setting)]
        words += ["--experiment-name", trial_name(number), "--seed", str(self.search.seed)]
        words += ["--runs-dir", str(self.runs_dir), *self.extra_words]
        words += [] if resume is None else ["--resume", str(resume.path)]
        return Job(trial_name(number), tuple(words))

    def newest_run(self, number: int) -> RunFolder | None:
        """The newest run folder of a trial."""
        name = trial_name(number)
        return next((run for run in reversed(list_runs(self.runs_dir)) if run.name == name), None)


def trial_name(number: int) -> str:
    """``trial_0007``: of the job, of its log and of its run folder."""
    return f"trial_{number:04d}"
