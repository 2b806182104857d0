"""What the trainer expects of the parts that are handed to it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Any, Protocol


class Loader(Protocol):
    """Batches of one epoch. A list will do.

    Optional, used where present: ``__len__()``, ``set_epoch(epoch)``, ``state_dict()`` and
    ``load_state_dict({"epoch", "position", ...})``, after which the next iteration begins with batch
    ``position``.
    """

    def __iter__(self) -> Iterator[Any]: ...


class Checkpoints(Protocol):
    """The part of ``mlcore.checkpoint.CheckpointManager`` that the trainer uses."""

    def save(self, state: Mapping[str, Any], *, step: int, metric: float | None = None) -> Path: ...


class Logger(Protocol):
    """The part of ``mlcore.logger.TrainingLogger`` that the trainer uses."""

    total_steps: int | None

    def start(self, info: Mapping[str, Any]) -> None: ...
    def log_step(self, step: int, metrics: Mapping[str, Any], num_items: int = 0) -> None: ...
    def log_validation(self, step: int, metrics: Mapping[str, Any]) -> None: ...
    def log_epoch(self, epoch: int, metrics: Mapping[str, Mapping[str, Any]], *, step: int) -> None: ...
    def log_samples(self, step: int, samples: Sequence[Mapping[str, Any]]) -> None: ...
    def message(self, text: str) -> None: ...
    def warn(self, text: str) -> None: ...
    def untimed(self) -> AbstractContextManager[None]: ...
    def finish(self, status: str, summary: Mapping[str, Any]) -> None: ...
    def state_dict(self) -> dict[str, Any]: ...
    def load_state_dict(self, state: Mapping[str, Any]) -> None: ...


class SilentLogger:
    """Takes everything, keeps nothing. What a trainer has without a logger, and a base for loggers of one's
    own.
    """

    def __init__(self) -> None:
        self.total_steps: int | None = None

    def start(self, info: Mapping[str, Any]) -> None:
        """Training begins."""

    def log_step(self, step: int, metrics: Mapping[str, Any], num_items: int = 0) -> None:
        """One training record; ``num_items`` counts the items since the last one."""

    def log_validation(self, step: int, metrics: Mapping[str, Any]) -> None:
        """One evaluation."""

    def log_epoch(self, epoch: int, metrics: Mapping[str, Mapping[str, Any]], *, step: int) -> None:
        """An epoch has ended: {"train": {...}, "val": {...}}."""

    def log_samples(self, step: int, samples: Sequence[Mapping[str, Any]]) -> None:
        """Samples of the model's output."""

    def message(self, text: str) -> None:
        """Something to say."""

    def warn(self, text: str) -> None:
        """Something to warn of."""

    def untimed(self) -> AbstractContextManager[None]:
        """Around work that is not training."""
        return nullcontext()

    def finish(self, status: str, summary: Mapping[str, Any]) -> None:
        """Training has ended."""

    def state_dict(self) -> dict[str, Any]:
        """Nothing to keep."""
        return {}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Nothing to restore."""
