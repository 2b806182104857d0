"""A project's own trainer as something that can be timed: one update a step, data included."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from mlcore.benchmarking.workload import Workload
from mlcore.errors import ConfigError
from mlcore.trainer.callbacks import CallbackList
from mlcore.trainer.loader_position import LoaderPosition
from mlcore.trainer.plan import SchedulePlan
from mlcore.trainer.protocols import SilentLogger
from mlcore.trainer.schedule_config import ConstantSchedule

if TYPE_CHECKING:
    from mlcore.trainer.base import BaseTrainer
    from mlcore.trainer.protocols import Loader


def trainer_workload(trainer: BaseTrainer, loader: Loader) -> Workload:
    """A workload whose step is one optimizer update of `trainer` on the next batches of `loader`.

    Args:
        trainer: fresh, without logger and checkpoints; its schedule is replaced by a constant rate.
        loader: of training batches; begun anew as often as it takes.

    Raises:
        ConfigError: the loader has no batch.
    """
    lengthless = {"schedule": ConstantSchedule(), "steps": 1, "epochs": None}
    trainer.callbacks, trainer.logger = CallbackList([]), SilentLogger()
    trainer.plan = SchedulePlan(trainer.config.model_copy(update=lengthless), trainer.logger.warn)
    trainer.loader_position = _AnyPlace()
    batches = _full_batches(trainer, loader)
    window = trainer.config.accumulation_steps
    first = [next(batches) for _ in range(window)]
    num_items = sum(trainer.count_items(batch) for batch in first)
    waiting = [first]

    def step() -> None:
        trainer.train_epoch(waiting.pop() if waiting else [next(batches) for _ in range(window)])

    return Workload(step=step, items_per_step=num_items, device=str(trainer.device))


class _AnyPlace(LoaderPosition):
    """Remembers no random state: an epoch of one update would spend a tenth of a millisecond on it."""

    def batches(self, loader: Loader, epoch: int, position: int) -> Iterator[Any]:
        return iter(loader)


def _full_batches(trainer: BaseTrainer, loader: Loader) -> Iterator[Any]:
    """Batches without end; the smaller one at the end of an epoch is left out, for steps must be alike."""
    num_items, epoch = 0, 0
    while True:
        if hasattr(loader, "set_epoch"):
            loader.set_epoch(epoch)
        is_empty = True
        for batch in loader:
            is_empty = False
            count = trainer.count_items(batch)
            if count >= num_items:
                num_items = max(num_items, count)
                yield batch
        if is_empty:
            raise ConfigError("the training data has no batches: is batch_size larger than the data set?")
        epoch += 1
