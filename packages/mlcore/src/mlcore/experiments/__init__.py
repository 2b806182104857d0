"""The ledger of runs: `ExperimentLogger` reads it from the run folders, `compare_runs` sets two beside one another.

There is no index that could disagree with the folders: every answer comes from their config.yaml, metrics.json,
evaluation.json and environment.json. Names are loaded on first use.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mlcore.experiments.divergence import Divergence as Divergence
    from mlcore.experiments.divergence import find_divergence as find_divergence
    from mlcore.experiments.experiment_logger import ExperimentLogger as ExperimentLogger
    from mlcore.experiments.notes import Note as Note
    from mlcore.experiments.predictions import Predictions as Predictions
    from mlcore.experiments.predictions import read_predictions as read_predictions
    from mlcore.experiments.predictions import write_predictions as write_predictions
    from mlcore.experiments.run_comparison import RunComparison as RunComparison
    from mlcore.experiments.run_comparison import compare_runs as compare_runs
    from mlcore.experiments.run_groups import RunGroup as RunGroup
    from mlcore.experiments.run_record import RunRecord as RunRecord
    from mlcore.experiments.run_record import read_record as read_record

_HOMES = {
    "Divergence": "divergence",
    "ExperimentLogger": "experiment_logger",
    "Note": "notes",
    "Predictions": "predictions",
    "RunComparison": "run_comparison",
    "RunGroup": "run_groups",
    "RunRecord": "run_record",
    "compare_runs": "run_comparison",
    "find_divergence": "divergence",
    "read_predictions": "predictions",
    "read_record": "run_record",
    "write_predictions": "predictions",
}

__all__ = sorted(_HOMES)


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{_HOMES[name]}"), name)


def __dir__() -> list[str]:
    return __all__
