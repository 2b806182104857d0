"""Why and when training ends."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

from mlcore.trainer.config import TrainingConfig
from mlcore.trainer.distributed import Processes
from mlcore.trainer.early_stopping import EarlyStopping, JointStopping
from mlcore.trainer.progress import Progress


@dataclass(frozen=True)
class Stop:
    """The end of a run: a status of the run's summary, one sentence, and the signal's exit code if there was
    one.
    """

    status: str
    reason: str
    exit_code: int | None = None


class EvaluationAbandoned(Exception):
    """A signal came during an evaluation. Nothing of it counts; a resumed run does it again from its
    beginning.
    """

    def __init__(self, exit_code: int) -> None:
        super().__init__("evaluation abandoned")
        self.stop = interruption(exit_code)


def interruption(exit_code: int) -> Stop:
    """The stop that a signal asks for."""
    return Stop("interrupted", f"stopped by {'Ctrl-C' if exit_code == 130 else 'SIGTERM'}", exit_code)


def num_epochs(config: TrainingConfig) -> int | None:
    """Epochs of a run; None: the steps limit it, or adaptive stopping alone. With nothing said, one."""
    if config.epochs is not None or config.steps is not None or config.is_open_ended:
        return config.epochs
    return 1


class StopConditions:
    """Everything that can end a run but divergence, in one place.

    Args:
        config: length and time budget.
        processes: all of them stop together.
        exit_code: 130 or 143 once a signal has asked to stop, None before.
        clock: seconds, monotonic.
    """

    def __init__(
        self,
        config: TrainingConfig,
        processes: Processes,
        *,
        exit_code: Callable[[], int | None],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._config = config
        self._processes = processes
        self._exit_code = exit_code
        self._clock = clock
        self._began_at = clock()
        self._wish: str | None = None

    def request(self, reason: str) -> None:
        """A callback wants the run to end after this step."""
        self._wish = reason

    @property
    def signal_exit_code(self) -> int:
        """The exit code of the signal that has asked this process to stop; 0: none did."""
        return self._exit_code() or 0

    def check(self, progress: Progress, early_stopping: EarlyStopping | JointStopping | None) -> Stop | None:
        """The first reason to stop, the same in all processes; None: go on."""
        # Signals, clocks and callbacks are each process's own: all of them must come to the same answer.
        exit_code, asked, out_of_time = self._processes.maxima(
            [self.signal_exit_code, self._wish is not None, self._is_out_of_time()]
        )
        if exit_code:
            return interruption(exit_code)
        if asked:
            return Stop("early_stopped", self._wish or "a callback of another process asked to stop")
        if early_stopping is not None and early_stopping.stopped:
            return Stop("early_stopped", early_stopping.reason())
        if out_of_time:
            return Stop("completed", f"time budget of {self._config.max_minutes:g} minutes used up")
        return self._is_long_enough(progress)

    def _is_out_of_time(self) -> bool:
        if self._config.max_minutes is None:
            return False
        return self._clock() - self._began_at >= 60 * self._config.max_minutes

    def _is_long_enough(self, progress: Progress) -> Stop | None:
        if self._config.steps is not None and progress.step >= self._config.steps:
            return Stop("completed", f"all {progress.step} steps done")
        epochs = num_epochs(self._config)
        if epochs is not None and progress.epoch >= epochs:
            return Stop("completed", f"all {progress.epoch} epochs done")
        return None
