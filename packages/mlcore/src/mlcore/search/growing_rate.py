"""The learning-rate range test (Smith, 2017): real updates at a rate that grows until the loss explodes."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

from mlcore.errors import ConfigError, DivergedError
from mlcore.search.range_curve import Ending, ExplosionWatch, RangeTest
from mlcore.search.range_state import borrowed
from mlcore.trainer.base import BaseTrainer
from mlcore.trainer.callbacks import Callback, CallbackList
from mlcore.trainer.distributed import Processes
from mlcore.trainer.plan import SchedulePlan
from mlcore.trainer.protocols import Loader
from mlcore.trainer.results import StepResult
from mlcore.trainer.schedules import Schedule


def range_test(
    trainer: BaseTrainer,
    loader: Loader,
    *,
    lowest: float = 1e-6,
    highest: float = 10.0,
    num_updates: int = 200,
) -> RangeTest:
    """Train for some updates with a rate that grows by a constant factor, and put everything back as it was.

    The updates are the trainer's own: accumulation, precision, NaN guard, clipping, optimizer, and the rates of several
    parameter groups in their proportion. It is the rate of the first group that is reported.

    Args:
        trainer: with fresh weights, as a rule.
        loader: of training batches; begun anew as often as it takes.
        lowest: first rate.
        highest: last rate.
        num_updates: from the one to the other.

    Raises:
        ConfigError: the range is empty, or the loader is.
    """
    if not 0 < lowest < highest < math.inf:
        raise ConfigError(
            f"learning rates from {lowest:g} to {highest:g}: the first must be above 0 and below the last"
        )
    if num_updates < 3:
        raise ConfigError(f"a range test needs at least 3 updates, got {num_updates}")
    rates = [lowest * (highest / lowest) ** (index / (num_updates - 1)) for index in range(num_updates)]
    watch = _Watch(num_updates)
    with borrowed(trainer, loader):
        full_rate = trainer.updater.full_learning_rate
        trainer.plan = _GrowingRate(trainer, [rate / full_rate for rate in rates])
        trainer.callbacks = CallbackList([watch])
        try:
            trainer.train_epoch(_Batches(loader, watch))
        except DivergedError:
            watch.ending = "not finite"
    losses = watch.losses
    if len(losses) < 2:
        raise ConfigError(f"the loss was not finite at the lowest rate, {lowest:g}: try a lower one")
    # What a rate does is seen in the loss of the update after it.
    return RangeTest(rates[: len(losses) - 1], losses[1:], losses[0], watch.ending)


class _Watch(Callback):
    """Notes the losses, and knows when to stop."""

    def __init__(self, num_updates: int) -> None:
        self.losses: list[float] = []
        self.ending: Ending = "finished"
        self._num_updates = num_updates
        self._explosion = ExplosionWatch()

    def is_done(self) -> bool:
        """Whether there is nothing more to see."""
        return self.ending != "finished" or len(self.losses) >= self._num_updates

    def on_step_end(self, trainer: BaseTrainer, result: StepResult) -> None:
        if result.status != "ok":
            return  # a loss scale that was too large; the next update has a smaller one
        self.losses.append(result.loss)
        if self._explosion.exploded(result.loss):
            self.ending = "exploded"


class _Batches:
    """The loader's epochs one after the other, until the watch has seen enough."""

    def __init__(self, loader: Loader, watch: _Watch) -> None:
        self._loader, self._watch = loader, watch

    def __iter__(self) -> Iterator[Any]:
        epoch = 0
        while not self._watch.is_done():
            if hasattr(self._loader, "set_epoch"):
                self._loader.set_epoch(epoch)
            is_empty = True
            for batch in self._loader:
                is_empty = False
                if self._watch.is_done():
                    return
                yield batch
            if is_empty:
                raise ConfigError("the training data has no batches: is batch_size larger than the data set?")
            epoch += 1


class _GrowingRate(SchedulePlan):
    """The trainer's schedule while the test runs."""

    def __init__(self, trainer: BaseTrainer, factors: list[float]) -> None:
        super().__init__(trainer.config, trainer.logger.warn)
        # One more: the update after the last one is never made, but a schedule has no end of its own.
        self.schedule = Schedule(lambda step: factors[min(step, len(factors) - 1)], len(factors))

    def make(self, loader: Loader, processes: Processes) -> Schedule:
        assert self.schedule is not None
        return self.schedule
