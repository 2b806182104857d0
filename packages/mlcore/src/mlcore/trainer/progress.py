"""How far a run has come. Plain numbers only: all of it goes into every checkpoint."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from typing import Any

from mlcore.trainer.weighted_means import WeightedMeans


@dataclass
class Progress:
    """Where the loop stands.

    Attributes:
        step: optimizer updates done; skipped ones do not count.
        epoch: epochs finished, evaluation included.
        position: batches of the current epoch that have been consumed by this process.
        items: items in all updates, over all processes.
        logged_items: ``items`` at the last log record.
        evaluated_step: the step after which the last evaluation was finished; -1 before the first.
        metric: the monitored value of that evaluation; None where there was none.
        validation: the validation metrics of that evaluation.
        epoch_means: running means of the current epoch.
        history: one entry an evaluation.
    """

    step: int = 0
    epoch: int = 0
    position: int = 0
    items: int = 0
    logged_items: int = 0
    evaluated_step: int = -1
    metric: float | None = None
    validation: dict[str, float] = field(default_factory=dict)
    epoch_means: WeightedMeans = field(default_factory=WeightedMeans)
    history: list[dict[str, Any]] = field(default_factory=list)

    def finish_evaluation(self, train: dict[str, float], validation: dict[str, float]) -> None:
        """An evaluation at this step is done."""
        self.evaluated_step = self.step
        self.validation = validation
        # Epochs count from 1 for people: the one that is running, or has just been run through.
        self.history.append({"step": self.step, "epoch": self.epoch + 1, "train": train, "val": validation})

    def finish_epoch(self) -> None:
        """The epoch and all that belongs to its end are done."""
        self.epoch += 1
        self.position = 0
        self.epoch_means = WeightedMeans()

    def state_dict(self) -> dict[str, Any]:
        """What a checkpoint keeps."""
        return asdict(self)

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Restore every field; a missing one is a ``KeyError``."""
        for known in fields(self):
            setattr(self, known.name, state[known.name])
        self.epoch_means = WeightedMeans(**state["epoch_means"])


class BestValue:
    """The best finite value of the monitored metric and its step.

    Args:
        mode: "min" or "max".
    """

    def __init__(self, mode: str) -> None:
        self._sign = 1.0 if mode == "min" else -1.0
        self.value: float | None = None
        self.step: int | None = None

    def observe(self, value: float, step: int) -> bool:
        """Whether ``value`` is a new best. NaN and infinities never are."""
        better = math.isfinite(value) and (self.value is None or self._sign * (value - self.value) < 0)
        if better:
            self.value, self.step = value, step
        return better

    def state_dict(self) -> dict[str, Any]:
        """What a checkpoint keeps."""
        return {"value": self.value, "step": self.step}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Restore."""
        self.value, self.step = state["value"], state["step"]
