"""The shared core of Proving Ground: it trains, saves, logs, evaluates and measures. It knows no model and no data set.

Everything is imported on first use, so that a command line that only reads its configuration starts at once.
"""

from importlib import import_module
from typing import Any

_HOMES = {
    "AdvancedEvaluator": "mlcore.evaluator",
    "BaseTrainer": "mlcore.trainer",
    "BenchmarkResult": "mlcore.benchmarking",
    "Callback": "mlcore.trainer",
    "CheckpointManager": "mlcore.checkpoint",
    "ExperimentLogger": "mlcore.experiments",
    "ModelBenchmark": "mlcore.benchmarking",
    "ModelStatistics": "mlcore.statistics",
    "Section": "mlcore.config",
    "TrainingConfig": "mlcore.trainer.config",
    "TrainingLogger": "mlcore.logger",
    "Variant": "mlcore.benchmarking",
    "build_report": "mlcore.report",
    "compare_runs": "mlcore.experiments",
    "create_run": "mlcore.runs",
    "find_run": "mlcore.runs",
    "get_best_device": "mlcore.device",
    "load_config": "mlcore.config",
    "run_command": "mlcore.cli",
    "seed_everything": "mlcore.seeding",
    "should_use_mixed_precision": "mlcore.device",
}

__all__ = sorted(_HOMES)


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'mlcore' has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return list(__all__)
