"""`compare_runs(A, B)`: what was set otherwise, where they ran otherwise, where they part, and which is better."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mlcore.experiments.divergence import Divergence, find_divergence
from mlcore.experiments.experiment_logger import ExperimentLogger
from mlcore.experiments.flattening import Difference, Flat, differences
from mlcore.experiments.metric_difference import MetricDifference, metric_difference
from mlcore.experiments.metric_names import default_metric, resolve_metric
from mlcore.experiments.run_groups import RunGroup
from mlcore.experiments.run_record import RunRecord

if TYPE_CHECKING:
    from rich.console import RenderableType

# Always another, or a matter of the moment: no reason for other results.
_NOT_COMPARED = ("command", "git.is_dirty")


@dataclass(frozen=True)
class RunComparison:
    """Two runs beside one another.

    Attributes:
        first, second: the runs A and B whose configurations, steps and examples were compared.
        first_group, second_group: all runs of the recipe, where a name was given and not one folder.
        config, environment: the keys that differ.
        divergence: the first record in which they differ.
        metric: the difference B - A with its tests.
        notes: what to know before believing it.
    """

    first: RunRecord
    second: RunRecord
    first_group: RunGroup | None
    second_group: RunGroup | None
    config: tuple[Difference, ...]
    environment: tuple[Difference, ...]
    divergence: Divergence
    metric: MetricDifference
    notes: tuple[str, ...]

    def as_dict(self) -> dict[str, Any]:
        """The fields by name, ready for JSON."""
        groups = (self.first_group, self.second_group)
        return {
            "first": self.first.folder,
            "second": self.second.folder,
            "first_runs": None if groups[0] is None else [record.folder for record in groups[0].records],
            "second_runs": None if groups[1] is None else [record.folder for record in groups[1].records],
            "config": [difference.as_dict() for difference in self.config],
            "environment": [difference.as_dict() for difference in self.environment],
            "divergence": self.divergence.as_dict(),
            "metric": self.metric.as_dict(),
            "notes": list(self.notes),
        }

    def __str__(self) -> str:
        counts = f"{len(self.config)} keys and {len(self.environment)} facts of the environment differ"
        return f"{self.first.folder} and {self.second.folder}: {counts}; {self.metric}"

    def render(self) -> RenderableType:
        """Everything as tables and lines for `rich.print`."""
        from mlcore.experiments.tables import comparison_view

        return comparison_view(self)


def compare_runs(
    first: str | Path,
    second: str | Path,
    *,
    runs_dir: Path | str | ExperimentLogger = "runs",
    metric: str | None = None,
    tolerance: float = 1e-6,
) -> RunComparison:
    """Compare run A with run B.

    Args:
        first, second: a run folder, its full name, or a run's name. A name means all complete runs of its newest
            recipe; the configurations and steps compared are then those of the newest seed that both have.
        runs_dir: where names are looked up, or a ledger that is open already.
        metric: full or short name; by default the accuracy or loss of the evaluation, else the best value.
        tolerance: the relative difference up to which steps count as close.

    Raises:
        RunNotFoundError: no such run.
        ConfigError: no run has the metric, or a tolerance below 0.
    """
    ledger = runs_dir if isinstance(runs_dir, ExperimentLogger) else ExperimentLogger(runs_dir)
    records, groups, notes = [], [], []
    for spec in (first, second):
        record, group, note = ledger.resolve(spec)
        records.append(record)
        groups.append(group)
        notes += note
    a, b = _representatives(records, groups)
    return RunComparison(
        first=a,
        second=b,
        first_group=groups[0],
        second_group=groups[1],
        config=_differences(a.config, b.config),
        environment=_differences(_compared(a.environment), _compared(b.environment)),
        divergence=find_divergence(a.path, b.path, tolerance=tolerance),
        metric=_metric(a, b, groups, metric),
        notes=(*notes, *_warnings(a, b)),
    )


def _representatives(records: list[RunRecord], groups: list[RunGroup | None]) -> tuple[RunRecord, RunRecord]:
    """One run of each: of the newest seed that both groups have, else the newest of each."""
    by_seed = [{r.seed: r} if g is None else g.by_seed() for r, g in zip(records, groups, strict=True)]
    shared = [seed for seed in by_seed[0] if seed in by_seed[1]]
    if not shared:
        return records[0], records[1]
    newest = max(shared, key=lambda seed: max(str(side[seed].started) for side in by_seed))
    return by_seed[0][newest], by_seed[1][newest]


def _metric(
    a: RunRecord, b: RunRecord, groups: list[RunGroup | None], metric: str | None
) -> MetricDifference:
    full = (
        default_metric([a, b], in_all=True) if metric is None else resolve_metric(metric, [a, b], in_all=True)
    )
    if full is None:
        return MetricDifference(
            None, None, None, True, (), ("no metric to compare: neither run has been measured",)
        )
    found = metric_difference(a, b, groups[0], groups[1], full)
    if found.first is None or found.second is None:
        lacking = a if found.first is None else b
        return MetricDifference(
            full, found.first, found.second, found.higher_is_better, (), (f"{lacking.folder} has no {full}",)
        )
    return found


def _differences(first: Flat, second: Flat) -> tuple[Difference, ...]:
    """None where one side is unknown: that every key of the other is missing says nothing."""
    return differences(first, second) if first and second else ()


def _compared(environment: Flat) -> dict[str, Any]:
    return {key: value for key, value in environment.items() if key not in _NOT_COMPARED}


def _warnings(a: RunRecord, b: RunRecord) -> list[str]:
    notes = [] if a.path != b.path else ["both names mean the same run"]
    for record in (a, b):
        notes += [f"{record.folder}: {problem}" for problem in record.problems]
        if not record.environment:
            notes.append(f"{record.folder} has no readable environment.json: environments are not compared")
        if record.is_dirty:
            notes.append(f"{record.folder}: the repository held changes that its commit does not show")
        if not record.is_complete:
            notes.append(f"{record.folder} is not complete: {record.status}")
    return list(dict.fromkeys(notes))
