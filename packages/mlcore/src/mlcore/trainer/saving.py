"""When a checkpoint is written, and what happens when the disk refuses."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mlcore import advice
from mlcore.checkpoint import CheckpointWriteError
from mlcore.errors import DivergedError
from mlcore.trainer import run_state
from mlcore.trainer.nan_guard import all_finite
from mlcore.trainer.protocols import Checkpoints

if TYPE_CHECKING:
    from mlcore.trainer.base import BaseTrainer


class Saving:
    """Writes the checkpoints of a run.

    A disk that is full costs a warning; the next save tries again, and only a run that cannot write its last
    checkpoint fails.

    Args:
        checkpoints: where to; None: nowhere.
        save_every: updates between two saves; None: only bests, epoch ends and the end.
    """

    def __init__(self, checkpoints: Checkpoints | None, save_every: int | None) -> None:
        self._checkpoints = checkpoints
        self._save_every = save_every
        self._saved_at: tuple[int, ...] | None = None
        self._error: CheckpointWriteError | None = None

    def save_if_due(self, trainer: BaseTrainer) -> None:
        """After an update: at every ``save_every``th, and when the evaluation after it was the best."""
        progress, best = trainer.progress, trainer.monitor.best
        is_best = best.step == progress.step == progress.evaluated_step
        is_periodic = self._save_every is not None and progress.step % self._save_every == 0
        if is_best or is_periodic:
            self.save(trainer)

    def save(self, trainer: BaseTrainer) -> None:
        """Save now, unless this very state has been saved. All processes call it, the first one writes.

        Raises:
            DivergedError: the weights are not finite. They must not take the place of good ones.
        """
        progress = trainer.progress
        now = (progress.step, progress.epoch, progress.position, progress.evaluated_step)
        if now == self._saved_at:
            return
        if not all_finite([*trainer.model.parameters()]):
            raise DivergedError(
                f"diverged: the weights are not finite after step {progress.step}; they were not saved: "
                f"{advice.NOT_FINITE}"
            )
        trainer.distributed.share_from_main(list(trainer.model.buffers()))
        state = run_state.collect(trainer)
        if self._checkpoints is not None:
            evaluated = progress.evaluated_step == progress.step
            try:
                with trainer.logger.untimed():
                    self._checkpoints.save(
                        state, step=progress.step, metric=progress.metric if evaluated else None
                    )
            except CheckpointWriteError as error:
                self._error = error
                trainer.logger.warn(f"{error}; training goes on and tries again at the next save")
                return
        self._saved_at, self._error = now, None

    def save_last(self, trainer: BaseTrainer) -> None:
        """The save at the end of a run.

        Raises:
            CheckpointWriteError: it failed.
        """
        self.save(trainer)
        if self._error is not None:
            raise self._error

    @property
    def is_saved(self) -> bool:
        """Whether there is a checkpoint to go on from."""
        return self._checkpoints is not None and self._saved_at is not None
