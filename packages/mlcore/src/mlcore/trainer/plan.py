"""How long a run is, and the schedule that follows from it. Known only once the loader is there."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from mlcore.errors import ConfigError
from mlcore.trainer.config import TrainingConfig
from mlcore.trainer.distributed import Processes
from mlcore.trainer.epoch_lengths import EpochLengths
from mlcore.trainer.loader_position import num_batches
from mlcore.trainer.protocols import Loader
from mlcore.trainer.schedules import Schedule, build_schedule
from mlcore.trainer.stopping import num_epochs


class SchedulePlan:
    """Makes the schedule when training begins and keeps it.

    A run that is resumed with another length is planned anew: from there on the rate is that of the new plan
    at this step, and a warning says so.

    Args:
        config: length and schedule.
        warn: told when a resumed run has another length.
    """

    def __init__(self, config: TrainingConfig, warn: Callable[[str], None]) -> None:
        self._config = config
        self._warn = warn
        self._saved: dict[str, Any] = {}
        self.schedule: Schedule | None = None
        self.total_steps: int | None = None

    def make(self, loader: Loader, processes: Processes) -> Schedule:
        """The schedule, made for ``loader`` at the first call.

        Raises:
            ConfigError: the loader is empty, or the schedule needs a length that nothing tells.
        """
        if self.schedule is None:
            length = num_batches(loader)
            if length is not None:
                # The epoch ends for all processes when the first of them has no batches left.
                length = -processes.maxima([-length])[0]
            if length == 0:
                raise ConfigError("the training data has no batches: is batch_size larger than the data set?")
            self.schedule = self._build(length)
            self._restore(self.schedule)
        return self.schedule

    def factor(self, step: int) -> float:
        """Share of the full rate for update ``step``."""
        assert self.schedule is not None, "make() comes first"
        return self.schedule.factor(step)

    def _build(self, length: int | None) -> Schedule:
        config = self._config
        lengths = None if length is None else EpochLengths(config, length)
        epochs = num_epochs(config)
        limits = [] if config.steps is None else [config.steps]
        if epochs is not None and lengths is not None:
            limits.append(lengths.num_updates(epochs))
        self.total_steps = min(limits, default=None)
        try:
            return build_schedule(
                config.schedule,
                self.total_steps,
                epoch_of=None if lengths is None else lengths.epoch_of,
                mode=config.monitor_mode,
            )
        except ValueError as error:
            raise ConfigError(str(error)) from error

    def _restore(self, schedule: Schedule) -> None:
        if not self._saved:
            return
        if self._saved["type"] == self._config.schedule.type:
            schedule.load_state_dict(self._saved)
        before = self._saved["planned_steps"]
        if before != self.total_steps:
            self._warn(
                f"resumed with another length: planned for {before} steps, now for {self.total_steps}; "
                "the learning rate follows the new plan"
            )

    def state_dict(self) -> dict[str, Any]:
        """What a checkpoint keeps."""
        if self.schedule is None:
            return self._saved
        own = self.schedule.state_dict()
        return {"type": self._config.schedule.type, "planned_steps": self.total_steps, **own}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Keep the state until the schedule is made."""
        self._saved = {**state, "type": state["type"], "planned_steps": state["planned_steps"]}
        self.schedule = None
