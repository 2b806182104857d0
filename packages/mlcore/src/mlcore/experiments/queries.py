"""Which runs of a ledger, and in what order."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from fnmatch import fnmatchcase
from typing import Any

from mlcore.config.problems import suggestion
from mlcore.errors import ConfigError
from mlcore.experiments.flattening import is_same
from mlcore.experiments.metric_names import resolve_metric
from mlcore.experiments.run_record import RunRecord

Where = Mapping[str, Any]
_OWN_KEYS: dict[str, Callable[[RunRecord], Any]] = {
    "run": lambda record: record.folder,
    "name": lambda record: record.name,
    "status": lambda record: record.status,
    "seed": lambda record: record.seed,
    "started": lambda record: record.started,
    "commit": lambda record: record.commit,
}


def select(
    records: Sequence[RunRecord],
    *,
    name: str | None = None,
    status: str | None = None,
    where: Where | None = None,
    metric: str | None = None,
) -> list[RunRecord]:
    """The runs that answer to all that is given; see `ExperimentLogger.query`."""
    chosen = [record for record in records if name is None or fnmatchcase(record.name, name)]
    if status is not None:
        is_complete = status == "complete"
        chosen = [r for r in chosen if (r.is_complete if is_complete else r.status == status)]
    for key, wanted in (where or {}).items():
        _check_key(key, records)
        chosen = [r for r in chosen if key in r.config and _answers(r.config[key], wanted)]
    if metric is not None:
        full = resolve_metric(metric, records)
        chosen = [r for r in chosen if math.isfinite(r.metrics.get(full, math.nan))]
    return chosen


def sort_runs(records: Sequence[RunRecord], by: str) -> list[RunRecord]:
    """The runs in the order of a field, a key of the configuration or a metric; `-KEY` begins with the largest.

    Runs without the key, or with a NaN, come last either way.

    Raises:
        ConfigError: no run has the key.
    """
    key = by.removeprefix("-")
    _, read = column(key, records)
    known = [record for record in records if not _is_missing(read(record))]
    unknown = [record for record in records if _is_missing(read(record))]
    return sorted(known, key=lambda record: _sort_key(read(record)), reverse=by.startswith("-")) + unknown


def column(key: str, records: Sequence[RunRecord]) -> tuple[str, Callable[[RunRecord], Any]]:
    """The full name of a field, a key of the configuration or a metric, and how to read it from a record.

    Raises:
        ConfigError: no run has it.
    """
    if key in _OWN_KEYS:
        return key, _OWN_KEYS[key]
    if any(key in record.config for record in records):
        return key, lambda record: record.config.get(key)
    full = resolve_metric(key, records)
    return full, lambda record: record.metrics.get(full)


def _answers(value: Any, wanted: Any) -> bool:
    return bool(wanted(value)) if callable(wanted) else is_same(value, wanted)


def _check_key(key: str, records: Sequence[RunRecord]) -> None:
    known = {name for record in records for name in record.config}
    if known and key not in known:
        raise ConfigError(f"where: no run has the key {key!r} in its configuration{suggestion(key, known)}")


def _is_missing(value: Any) -> bool:
    return value is None or (isinstance(value, float) and math.isnan(value))


def _sort_key(value: Any) -> tuple[str, Any]:
    """Numbers among numbers, everything else by its text: a column may hold both."""
    if isinstance(value, int | float):
        return "", value
    return type(value).__name__, value if isinstance(value, str) else str(value)
