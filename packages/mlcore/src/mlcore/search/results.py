"""What a search has found: the best trial, the importance of the parameters, the table, and the files."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel

from mlcore.config.dumping import dump_config
from mlcore.config.loading import load_config
from mlcore.errors import ConfigError
from mlcore.logger.number_format import format_duration, format_number
from mlcore.logger.plain_values import to_plain, write_json_atomic
from mlcore.runs import RunFolder
from mlcore.search.plan import SearchPlan
from mlcore.search.space import value_text
from mlcore.search.trial import TrialRecord

if TYPE_CHECKING:
    from optuna import Study
    from rich.table import Table

SCHEMA = 1
MIN_TRIALS_FOR_IMPORTANCE = 5  # a forest of fewer points says nothing
_IMPORTANCE_SEED = 0


@dataclass(frozen=True)
class SearchResult:
    """What came out.

    Attributes:
        records: all trials, by number.
        importance: share of the metric's variance that each key explains (fANOVA: Hutter et al., 2014), largest
            first; empty with too few trials to tell.
    """

    plan: SearchPlan
    records: Sequence[TrialRecord]
    importance: Mapping[str, float]

    @property
    def ranked(self) -> list[TrialRecord]:
        """The trials that are done, best first; the earlier one of equals."""
        done = [record for record in self.records if record.status == "done"]
        sign = 1.0 if self.plan.mode == "min" else -1.0
        return sorted(done, key=lambda record: (sign * value_of(record), record.number))

    @property
    def best(self) -> TrialRecord | None:
        """The best trial."""
        return next(iter(self.ranked), None)

    def count(self, status: str) -> int:
        """How many trials have this status."""
        return sum(record.status == status for record in self.records)

    def as_dict(self) -> dict[str, Any]:
        """For search.json."""
        best = self.best
        return {
            "schema": SCHEMA,
            "metric": self.plan.metric,
            "mode": self.plan.mode,
            "method": self.plan.search.method,
            "seed": self.plan.search.seed,
            "planned_trials": self.plan.total_trials,
            "done": self.count("done"),
            "failed": self.count("failed"),
            "diverged": self.count("diverged"),
            "best": None if best is None else best.as_dict(),
            "importance": dict(self.importance),
            "trials": [record.as_dict() for record in self.records],
            "search": self.plan.search.model_dump(mode="json"),
        }


def make_result(plan: SearchPlan, records: Sequence[TrialRecord], study: Study) -> SearchResult:
    """The result of a search, finished or not."""
    return SearchResult(plan, records, importance_of(study))


def importance_of(study: Study) -> dict[str, float]:
    """Importance of every parameter that took more than one value; empty where it cannot be told."""
    from optuna.trial import TrialState

    done = study.get_trials(deepcopy=False, states=(TrialState.COMPLETE,))
    if len(done) < MIN_TRIALS_FOR_IMPORTANCE or len({trial.value for trial in done}) < 2:
        return {}
    from optuna.importance import (
        FanovaImportanceEvaluator,
        get_param_importances,
    )  # brings scikit-learn: seconds

    evaluator = FanovaImportanceEvaluator(seed=_IMPORTANCE_SEED)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            found = get_param_importances(study, evaluator=evaluator)
        except (ValueError, RuntimeError):  # no parameter varies
            return {}
    return {name: float(share) for name, share in found.items()}


def write_result(result: SearchResult, schema: type[BaseModel], *, base_name: str) -> None:
    """search.json, best.yaml, search.png and search.html in the folder of the search."""
    from mlcore.search.figures import draw_search
    from mlcore.search.page import write_page

    folder = result.plan.folder
    write_json_atomic(folder / "search.json", result.as_dict())
    write_best(result, schema, base_name=base_name)
    if result.ranked:
        figure = draw_search(result)
        figure.savefig(folder / "search.png", dpi=144, metadata={"Software": None})
    write_page(result)


def write_best(result: SearchResult, schema: type[BaseModel], *, base_name: str) -> None:
    """The configuration of the best trial as it was resolved in its run, under the base's own name.

    No best trial, no file.
    """
    best, plan = result.best, result.plan
    if best is None or best.run is None:
        return
    run = RunFolder(plan.runs_dir / best.run)
    try:
        config = load_config(schema, run.config_path, overrides=[f"name={base_name}"])
    except ConfigError:  # the run folder was deleted
        settings = [f"{key}={value_text(value)}" for key, value in best.point.items()]
        config = load_config(
            schema, plan.base_path, overrides=[*settings, f"seed={plan.search.seed}", f"name={base_name}"]
        )
    done = f"{result.count('done')} of {len(result.records)} trials done"
    head = [
        f"# The best of a {plan.search.method} search around {base_name}: trial {best.number}, {done}.",
        f"# Expected: {plan.metric} {value_text(best.value)} with seed {plan.search.seed}, "
        f"{format_duration(best.seconds)} on the machine of the search.",
        "# Command: train --config best.yaml",
    ]
    temporary = plan.best_path.with_suffix(".tmp")
    temporary.write_text("\n".join([*head, dump_config(config)]), encoding="utf-8")
    temporary.replace(plan.best_path)


def trial_table(result: SearchResult, *, limit: int = 10) -> Table:
    """The best trials, one a line, for a terminal."""
    from rich.table import Table

    keys = list(result.plan.search.space)
    table = Table("trial", result.plan.metric, *short_names(keys), "time")
    for record in result.ranked[:limit]:
        values = [shown_value(record.point.get(key)) for key in keys]
        table.add_row(
            str(record.number), format_number(value_of(record)), *values, format_duration(record.seconds)
        )
    return table


def short_names(keys: Sequence[str]) -> list[str]:
    """The last part of every key, where no other key has the same."""
    last = [key.rpartition(".")[2] for key in keys]
    return [name if last.count(name) == 1 else key for name, key in zip(last, keys, strict=True)]


def shown_value(value: object) -> str:
    """A value of a point for people: four digits."""
    return format_number(value) if isinstance(value, float) else str(to_plain(value))


def value_of(record: TrialRecord) -> float:
    """The metric of a trial that is done."""
    assert record.value is not None, "only a trial that is done has a value"
    return record.value
