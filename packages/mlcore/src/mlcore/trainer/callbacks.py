"""Watching a run: six hooks, called in the order that the docstring of ``Callback`` shows."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from mlcore.trainer.random_state import preserved_rng
from mlcore.trainer.results import StepResult, TrainingResult

if TYPE_CHECKING:
    from mlcore.trainer.base import BaseTrainer


class Callback:
    """Watches training, or asks it to stop with ``trainer.request_stop(reason)``. It changes no numbers.

    ::

        on_train_start(trainer)
        while not stopped:
            on_epoch_start(trainer)
            for window of the epoch's batches, batches_per_update(epoch) each:
                for batch in window:
                    compute_gradients(batch, its share of the window's items)
                if loss and gradients are finite:
                    clip; set the scheduled rate; optimizer step; average the weights
                log every log_every steps
                on_step_end(trainer, result)
                if evaluation is due:
                    validate; observe best, early stopping, plateau
                    on_validation_end(trainer, metrics)
                if a checkpoint is due:
                    save
            if evaluation is due at epoch ends:
                validate ...; on_validation_end(trainer, metrics)
            log {"train": ..., "val": ...}
            on_epoch_end(trainer, {"train": ..., "val": ...})
            save
        validate and save if that has not been done at this step
        on_train_end(trainer, result)

    A run that is interrupted or diverges ends without ``on_train_end``. Work that draws random numbers
    belongs inside ``mlcore.trainer.random_state.preserved_rng()``.
    """

    def on_train_start(self, trainer: BaseTrainer) -> None:
        """Before the first step, after a checkpoint has been restored."""

    def on_epoch_start(self, trainer: BaseTrainer) -> None:
        """Before the first batch of an epoch; also on a resume in its middle."""

    def on_step_end(self, trainer: BaseTrainer, result: StepResult) -> None:
        """After each window; ``result.status`` says whether there was an update."""

    def on_validation_end(self, trainer: BaseTrainer, metrics: Mapping[str, float]) -> None:
        """After an evaluation; names as in ``training.monitor``: val_loss, ..."""

    def on_epoch_end(self, trainer: BaseTrainer, metrics: Mapping[str, Mapping[str, float]]) -> None:
        """After an epoch and its evaluation: {"train": {...}, "val": {...}}."""

    def on_train_end(self, trainer: BaseTrainer, result: TrainingResult) -> None:
        """After the last save."""


class SampleCallback(Callback):
    """Shows what the model makes of its task, every ``every`` steps and at the end, on the first process
    only.

    Args:
        sample: called with the trainer in evaluation mode, with the averaged weights where there are any;
            returns what the logger's ``log_samples`` takes. Random numbers that it draws do not change the
            training.
        every: optimizer steps between two shows; None: at the end only.
    """

    def __init__(
        self, sample: Callable[[BaseTrainer], Sequence[Mapping[str, Any]]], every: int | None
    ) -> None:
        self._sample = sample
        self._every = every
        self._last_step: int | None = None

    def on_step_end(self, trainer: BaseTrainer, result: StepResult) -> None:
        step = trainer.progress.step
        if self._every is not None and result.status == "ok" and step % self._every == 0:
            self._show(trainer)

    def on_train_end(self, trainer: BaseTrainer, result: TrainingResult) -> None:
        if self._last_step != trainer.progress.step:
            self._show(trainer)

    def _show(self, trainer: BaseTrainer) -> None:
        self._last_step = trainer.progress.step
        if trainer.distributed.is_main:
            with trainer.logger.untimed(), preserved_rng(), trainer.evaluating():
                samples = self._sample(trainer)
            trainer.logger.log_samples(trainer.progress.step, samples)


class CallbackList(Callback):
    """Several callbacks as one, in the order given."""

    def __init__(self, callbacks: Sequence[Callback]) -> None:
        self.callbacks = list(callbacks)

    def on_train_start(self, trainer: BaseTrainer) -> None:
        for callback in self.callbacks:
            callback.on_train_start(trainer)

    def on_epoch_start(self, trainer: BaseTrainer) -> None:
        for callback in self.callbacks:
            callback.on_epoch_start(trainer)

    def on_step_end(self, trainer: BaseTrainer, result: StepResult) -> None:
        for callback in self.callbacks:
            callback.on_step_end(trainer, result)

    def on_validation_end(self, trainer: BaseTrainer, metrics: Mapping[str, float]) -> None:
        for callback in self.callbacks:
            callback.on_validation_end(trainer, metrics)

    def on_epoch_end(self, trainer: BaseTrainer, metrics: Mapping[str, Mapping[str, float]]) -> None:
        for callback in self.callbacks:
            callback.on_epoch_end(trainer, metrics)

    def on_train_end(self, trainer: BaseTrainer, result: TrainingResult) -> None:
        for callback in self.callbacks:
            callback.on_train_end(trainer, result)
