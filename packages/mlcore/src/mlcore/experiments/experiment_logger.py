"""`ExperimentLogger`: the ledger of all runs in a folder."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from mlcore.experiments.metric_names import is_higher_better, resolve_metric
from mlcore.experiments.notes import Note, add_note, read_notes
from mlcore.experiments.queries import Where, select, sort_runs
from mlcore.experiments.run_groups import RunGroup, group_runs
from mlcore.experiments.run_record import SEED_KEYS, RunRecord, read_files, with_liveness
from mlcore.runs import RunFolder, find_run, list_runs

if TYPE_CHECKING:
    from datetime import datetime

    from rich.table import Table

    from mlcore.experiments.run_comparison import RunComparison
    from mlcore.statistics.model_statistics import ModelStatistics

_Signature = tuple[tuple[int, int, int] | None, ...]


class ExperimentLogger:
    """What the run folders of `runs_dir` say, read anew at each question, so that it is always true.

    A folder that has not changed since the last question is not read again. Damaged folders are listed with their
    problems and never raise.

    Args:
        runs_dir: the folder of the run folders; it need not exist yet.
    """

    def __init__(self, runs_dir: Path | str = "runs") -> None:
        self.runs_dir = Path(runs_dir)
        self._cache: dict[Path, tuple[_Signature, RunRecord]] = {}

    def records(self) -> list[RunRecord]:
        """All runs, oldest first."""
        return [self._record(run) for run in list_runs(self.runs_dir)]

    def __iter__(self) -> Iterator[RunRecord]:
        return iter(self.records())

    def __len__(self) -> int:
        return len(list_runs(self.runs_dir))

    def query(
        self,
        *,
        name: str | None = None,
        status: str | None = None,
        where: Where | None = None,
        metric: str | None = None,
        sort: str = "started",
    ) -> list[RunRecord]:
        """The runs that answer to everything that is given.

        Args:
            name: the run's name; `*` stands for anything.
            status: running, killed, completed, early_stopped, diverged, damaged, …; `complete` means the first two.
            where: values of configuration keys, `{"model.type": "fc"}`; a function of the value decides itself.
            metric: only runs that have a finite value of it.
            sort: run, name, status, seed, started, commit, a configuration key or a metric; with a minus in front
                the largest comes first.

        Raises:
            ConfigError: a key or metric that no run has; names the nearest.
        """
        records = self.records()
        chosen = select(records, name=name, status=status, where=where, metric=metric)
        # The records of list_runs stand by time and number already.
        return chosen if sort == "started" or not chosen else sort_runs(chosen, sort)

    def find(self, spec: str | Path, *, complete: bool = False) -> RunRecord:
        """The run of a folder, of a folder's name, or the newest of a run's name.

        Raises:
            RunNotFoundError: nothing of that name, or several things.
        """
        return self._record(find_run(spec, self.runs_dir, complete=complete))

    def resolve(self, spec: str | Path) -> tuple[RunRecord, RunGroup | None, list[str]]:
        """What `spec` means in a comparison: a run; where it is a name, its recipe's complete runs too; and remarks.

        Raises:
            RunNotFoundError: nothing of that name, or several things.
        """
        is_folder = any((folder / "config.yaml").is_file() for folder in (Path(spec), self.runs_dir / spec))
        named = [] if is_folder else [r for r in self.records() if r.name == str(spec) and r.is_complete]
        groups = group_runs(named)
        if not groups:
            return self.find(spec), None, []
        newest = max(groups, key=lambda group: str(group.records[-1].started))
        num_other = sum(len(group.records) for group in groups) - len(newest.records)
        remarks = []
        if num_other:
            remarks.append(f"{spec}: {num_other} older runs of other configurations are left out")
        if len(newest.commits) > 1:
            remarks.append(f"{spec}: its runs are of {len(newest.commits)} commits")
        return newest.records[-1], newest, remarks

    def groups(
        self, *, status: str | None = "complete", ignore: Sequence[str] = SEED_KEYS, **filters: Any
    ) -> list[RunGroup]:
        """Runs by configuration without the seed.

        Args:
            status, filters: which runs, as for `query`.
            ignore: further keys may be named that may differ within a group; include the seed's own.
        """
        return group_runs(self.query(status=status, **filters), ignore=ignore)

    def values(
        self, metric: str, *, by: Literal["seed", "run"] = "seed", **filters: Any
    ) -> dict[str, dict[Any, float]]:
        """The metric by group and seed, ready for `ModelStatistics`; of several runs of a seed the newest.

        Runs that do not have the metric are left out, and groups without any that do.

        Args:
            metric: full or short name, see `resolve_metric`.
            by: what the inner mapping goes by; `run` keeps all runs, by the names of their folders.
            filters: which runs, as for `groups`.

        Raises:
            ConfigError: no run has the metric.
        """
        groups = self.groups(**filters)
        full = resolve_metric(metric, [record for group in groups for record in group.records])
        found: dict[str, dict[Any, float]] = {}
        for group in groups:
            runs = group.by_seed() if by == "seed" else {record.folder: record for record in group.records}
            values = {key: record.metrics[full] for key, record in runs.items() if full in record.metrics}
            if values:
                found[group.label] = values
        return found

    def statistics(
        self, metric: str, *, higher_is_better: bool | None = None, **filters: Any
    ) -> ModelStatistics:
        """`values(metric)` as `ModelStatistics`; which way is better is read off the metric's name unless given.

        Raises:
            ConfigError: no run has the metric.
        """
        from mlcore.statistics.model_statistics import ModelStatistics

        values = self.values(metric, **filters)
        is_up = is_higher_better(metric) if higher_is_better is None else higher_is_better
        return ModelStatistics(values, metric=metric, higher_is_better=is_up)

    def compare(self, first: str | Path, second: str | Path, **options: Any) -> RunComparison:
        """`compare_runs` within this ledger."""
        from mlcore.experiments.run_comparison import compare_runs

        return compare_runs(first, second, runs_dir=self, **options)

    def log_note(self, run: str | Path, text: str, *, time: datetime | None = None) -> Note:
        """Keep a note in a run's folder, in notes.jsonl.

        Raises:
            RunNotFoundError: no such run.
            UserError: an empty note, or one that cannot be written.
        """
        return add_note(self.find(run).path, text, time=time)

    def notes(self, run: str | Path) -> list[Note]:
        """The notes of a run, oldest first."""
        return read_notes(self.find(run).path)

    def table(self, records: Sequence[RunRecord] | None = None, *, columns: Sequence[str] = ()) -> Table:
        """The runs as a table for `rich.print`; `columns` are configuration keys and metrics."""
        from mlcore.experiments.tables import run_table

        return run_table(self.records() if records is None else records, columns)

    def to_csv(self, path: Path | str, records: Sequence[RunRecord] | None = None) -> Path:
        """Write the runs as CSV, one row each and one column a key, and return the path."""
        from mlcore.experiments.export import csv_text, write_text_atomic

        return write_text_atomic(Path(path), csv_text(self.records() if records is None else records))

    def to_json(self, path: Path | str, records: Sequence[RunRecord] | None = None) -> Path:
        """Write everything that is known of the runs as JSON, and return the path."""
        from mlcore.experiments.export import json_text, write_text_atomic

        return write_text_atomic(Path(path), json_text(self.records() if records is None else records))

    def _record(self, run: RunFolder) -> RunRecord:
        signature = _signature(run)
        kept = self._cache.get(run.path)
        if kept is not None and kept[0] == signature:
            return with_liveness(kept[1])
        record = read_files(run)
        self._cache[run.path] = (signature, record)
        return with_liveness(record)


def _signature(run: RunFolder) -> _Signature:
    """What changes when one of a record's files does."""
    paths = (run.config_path, run.metrics_path, run.evaluation_path, run.environment_path)
    return tuple(_stamp(path) for path in paths)


def _stamp(path: Path) -> tuple[int, int, int] | None:
    try:
        state = os.stat(path)
    except OSError:
        return None
    return state.st_mtime_ns, state.st_size, state.st_ino
