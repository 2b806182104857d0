"""The trainer. The names come on first use: reading a configuration must not import torch."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mlcore.trainer.base import BaseTrainer as BaseTrainer
    from mlcore.trainer.callbacks import Callback as Callback
    from mlcore.trainer.callbacks import SampleCallback as SampleCallback
    from mlcore.trainer.classification import ClassificationTrainer as ClassificationTrainer
    from mlcore.trainer.config import EarlyStoppingConfig as EarlyStoppingConfig
    from mlcore.trainer.config import TrainingConfig as TrainingConfig
    from mlcore.trainer.ema import weights_for_inference as weights_for_inference
    from mlcore.trainer.language_model import LanguageModelTrainer as LanguageModelTrainer
    from mlcore.trainer.multi_task import MultiTaskTrainer as MultiTaskTrainer
    from mlcore.trainer.protocols import SilentLogger as SilentLogger
    from mlcore.trainer.results import GradientResult as GradientResult
    from mlcore.trainer.results import StepResult as StepResult
    from mlcore.trainer.results import TrainingResult as TrainingResult
    from mlcore.trainer.schedules import build_schedule as build_schedule

_HOMES = {
    "BaseTrainer": "base",
    "Callback": "callbacks",
    "ClassificationTrainer": "classification",
    "EarlyStoppingConfig": "config",
    "GradientResult": "results",
    "LanguageModelTrainer": "language_model",
    "MultiTaskTrainer": "multi_task",
    "SampleCallback": "callbacks",
    "SilentLogger": "protocols",
    "StepResult": "results",
    "TrainingConfig": "config",
    "TrainingResult": "results",
    "build_schedule": "schedules",
    "weights_for_inference": "ema",
}

__all__ = sorted(_HOMES)


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'mlcore.trainer' has no attribute {name!r}")
    return getattr(import_module(f"mlcore.trainer.{_HOMES[name]}"), name)


def __dir__() -> list[str]:
    return list(__all__)
