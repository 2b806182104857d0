"""The trainer: one loop for models that differentiate by autograd and for models that do it by hand.

The order of everything in the loop is the docstring of ``mlcore.trainer.callbacks.Callback``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import islice
from typing import Any

import torch
from torch import nn

from mlcore.signals import StopSignals
from mlcore.trainer import run_state
from mlcore.trainer.accumulation import Window, accumulate, means_of_all, plain_means, windows
from mlcore.trainer.batch import to_device
from mlcore.trainer.callbacks import Callback, CallbackList
from mlcore.trainer.compilation import Compilation
from mlcore.trainer.config import TrainingConfig
from mlcore.trainer.distributed import connect
from mlcore.trainer.ema import WeightAverage
from mlcore.trainer.loader_position import LoaderPosition
from mlcore.trainer.monitor import Monitor
from mlcore.trainer.nan_guard import BufferKeeper, NanGuard
from mlcore.trainer.optimizers import build_optimizer
from mlcore.trainer.out_of_memory import out_of_memory_explained
from mlcore.trainer.plan import SchedulePlan
from mlcore.trainer.precision import MixedPrecision
from mlcore.trainer.progress import Progress
from mlcore.trainer.protocols import Checkpoints, Loader, Logger, SilentLogger
from mlcore.trainer.random_state import preserved_rng, seed_process
from mlcore.trainer.reporting import closing, log_window, opening, result_of
from mlcore.trainer.results import GradientResult, StepResult, TrainingResult
from mlcore.trainer.saving import Saving
from mlcore.trainer.session import Session
from mlcore.trainer.stopping import EvaluationAbandoned, Stop, StopConditions
from mlcore.trainer.sync_batch_norm import synchronise_batch_norms
from mlcore.trainer.task import Task
from mlcore.trainer.update import Updater
from mlcore.trainer.weighted_means import WeightedMeans


class BaseTrainer(Task):
    """Trains, validates, saves and resumes. A subclass says what the loss is.

    Args:
        model: any module; it is moved to ``device``.
        config: the training section.
        device: where to compute; under torchrun "cuda" is the GPU of this process.
        seed: of everything random from the first step on.
        optimizer: instead of the one that ``config`` names.
        callbacks: watchers.
        logger: a ``TrainingLogger`` or anything like it; None: silence.
        checkpoints: a ``CheckpointManager`` or anything like it; None: nothing is saved.
        extra_state: more entries for every checkpoint (config, tokenizer fingerprint).

    Attributes:
        info: what the logger shows at the start; add the model's and the data's names.
        progress: where training stands.
    """

    def __init__(
        self,
        model: nn.Module,
        config: TrainingConfig,
        *,
        device: torch.device | str,
        seed: int = 42,
        optimizer: torch.optim.Optimizer | None = None,
        callbacks: Sequence[Callback] = (),
        logger: Logger | None = None,
        checkpoints: Checkpoints | None = None,
        extra_state: Mapping[str, Any] | None = None,
    ) -> None:
        self.distributed = connect(device)
        self.device = self.distributed.device
        self.model = model.to(self.device)
        self.in_step = (
            config.sync_batch_norm
            and self.distributed.world_size > 1
            and synchronise_batch_norms(self.model, self.distributed)
        )
        self.config = config
        self.seed = seed
        self.extra_state = dict(extra_state or {})
        is_main = self.distributed.is_main
        self.logger: Logger = logger if logger is not None and is_main else SilentLogger()
        self.callbacks = CallbackList(callbacks)
        self.precision = MixedPrecision(config.mixed_precision, self.device)
        self.updater = Updater(
            optimizer or build_optimizer(self.model, config), self.precision, config.max_grad_norm
        )
        self.ema = None if config.ema_decay is None else WeightAverage(self.model, config.ema_decay)
        self.compilation = Compilation(self.model, config.compile, self.logger.warn)
        self.plan = SchedulePlan(config, self.logger.warn)
        self.monitor = Monitor(config)
        self.guard = NanGuard(config.max_bad_steps)
        self.buffers = BufferKeeper(self)
        self.loader_position = LoaderPosition()
        self.progress = Progress()
        self.saving = Saving(checkpoints if is_main else None, config.save_every)
        self.session: Session | None = None
        self.info: dict[str, Any] = {}
        self.is_resumed = False

    # Training

    def train(self, train_loader: Loader, val_loader: Loader | None = None) -> TrainingResult:
        """Train until the configured end, or on from where ``resume`` has put it.

        Raises:
            InterruptedRun: Ctrl-C or SIGTERM; the state has been saved. Exit code 130 or 143.
            OutOfMemoryError: the batch does not fit.
            DivergedError: too many updates in a row without finite numbers. The last good checkpoint stands.
            CheckpointWriteError: the last checkpoint could not be written.
        """
        self.monitor.check_data(val_loader is not None)
        with StopSignals() as signals:
            conditions = StopConditions(self.config, self.distributed, exit_code=lambda: signals.exit_code)
            self.session = Session(train_loader, val_loader, conditions)
            try:
                with out_of_memory_explained(self.config, self.device):
                    self._begin(train_loader)
                    return self._end(self._run(self.session))
            except Exception as error:
                status = {4: "diverged", 130: "interrupted", 143: "interrupted"}
                self.logger.finish(
                    status.get(getattr(error, "exit_code", 1), "failed"), closing(self, str(error))
                )
                raise
            finally:
                self.session = None

    def train_epoch(self, train_loader: Loader) -> dict[str, float]:
        """Train on what is left of the current epoch; returns its means over items: loss and metrics."""
        self.plan.make(train_loader, self.distributed)
        self.model.train()
        batches = self.loader_position.batches(train_loader, self.progress.epoch, self.progress.position)
        size, processes = self.config.batches_per_update(self.progress.epoch), self.distributed
        for window in windows(batches, size, self.count_items, processes, in_step=self.in_step):
            self._train_window(window)
            if self.session is not None and self.session.shall_stop(self.progress, self.monitor):
                break
        means = self.progress.epoch_means.means()
        if self.session is None:
            self.progress.finish_epoch()
        return means

    def validate_epoch(self, val_loader: Loader) -> dict[str, float]:
        """Means over all items of the loader (at most ``eval_batches`` batches): loss and metrics.

        Sums and counts are added up and divided once, so the result does not depend on the batches. Random
        numbers drawn on the way do not change the training.
        """
        means = WeightedMeans()
        if hasattr(val_loader, "set_epoch"):
            val_loader.set_epoch(0)  # the same order, and so the same batches, every time
        exit_code = 0
        with preserved_rng(), self.evaluating():
            self.distributed.share_from_main(list(self.model.buffers()))
            for batch in islice(val_loader, self.config.eval_batches):
                count = self.count_items(batch)
                if count > 0:
                    means.add(plain_means(self._validate(batch)), count)
                exit_code = self.session.conditions.signal_exit_code if self.session else 0
                if exit_code:
                    break
        exit_code = self.distributed.maxima([exit_code])[0]
        if exit_code:
            raise EvaluationAbandoned(exit_code)
        return means_of_all(means, self.distributed).means()

    def request_stop(self, reason: str) -> None:
        """For callbacks: end the run after this step, as early stopping does."""
        assert self.session is not None, "there is nothing to stop outside train()"
        self.session.conditions.request(reason)

    def resume(self, state: Mapping[str, Any]) -> None:
        """Continue from the state of a checkpoint, bit for bit; call it before ``train``.

        Raises:
            CheckpointError: the state is incomplete, or belongs to another model, tokenizer or number of
                processes.
        """
        run_state.restore(self, state)
        self.is_resumed = True
        for change in run_state.changes(self, state):
            self.logger.warn(f"resumed with another configuration: {change}")

    # The loop's own steps

    def _begin(self, train_loader: Loader) -> None:
        if not self.is_resumed and self.progress.step == 0:
            seed_process(self.seed, self.distributed.rank)
            self.distributed.share_from_main([*self.model.parameters(), *self.model.buffers()])
        self.plan.make(train_loader, self.distributed)
        if self.logger.total_steps is None:
            self.logger.total_steps = self.plan.total_steps
        self.logger.start(opening(self))
        self.callbacks.on_train_start(self)

    def _run(self, session: Session) -> Stop:
        """Train to the end; a signal during an evaluation leaves that evaluation to the resumed run."""
        try:
            self._evaluate_if_due(session)
            while not session.shall_stop(self.progress, self.monitor):
                self.callbacks.on_epoch_start(self)
                means = self.train_epoch(session.train_loader)
                if session.epoch_is_complete(self.progress):
                    self._end_epoch(session, means)
            assert session.stop is not None
            if session.stop.exit_code is None and self.progress.evaluated_step != self.progress.step:
                self._evaluate(session)
        except EvaluationAbandoned as abandoned:
            return abandoned.stop
        return session.stop

    def _train_window(self, window: Window) -> None:
        """One update, or a skipped one, and what follows from it."""
        self.progress.position += len(window.batches)
        if window.num_items == 0:
            return  # nothing but padding
        result = self._update(window)
        log_window(self, result)
        self.guard.record(result.status, curable=result.outcome.curable)
        self.callbacks.on_step_end(self, result)
        if result.status == "ok" and self.session is not None:
            self._evaluate_if_due(self.session)
            self.saving.save_if_due(self)

    def _update(self, window: Window) -> StepResult:
        progress = self.progress
        self.buffers.keep()
        means = self.compilation.attempt(
            lambda: accumulate(window, self._gradients, loss_scale=self.precision.loss_scale),
            undo=self._forget_window,
        )
        self.distributed.sum_gradients(self.updater.parameters)
        values = means_of_all(means, self.distributed).means()
        outcome = self.updater.apply(values["loss"], self.plan.factor(progress.step))
        if outcome.status == "ok":
            progress.step += 1
            progress.items += window.num_items
            progress.epoch_means.add(values, window.num_items)
            if self.ema is not None:
                self.ema.update(self.model)
        else:
            self.buffers.restore()
        return StepResult(outcome, values.pop("loss"), self.updater.learning_rate, window.num_items, values)

    def _forget_window(self) -> None:
        self.updater.forget_gradients()
        self.buffers.restore()

    def _gradients(self, batch: Any, scale: float) -> GradientResult:
        return self.compute_gradients(to_device(batch, self.device), scale)

    def _validate(self, batch: Any) -> GradientResult:
        on_device = to_device(batch, self.device)
        return self.compilation.attempt(lambda: self.validation_step(on_device))

    def _evaluate_if_due(self, session: Session) -> None:
        every, step = self.config.eval_every, self.progress.step
        if every is not None and step > 0 and step % every == 0 and self.progress.evaluated_step != step:
            self._evaluate(session)

    def _evaluate(self, session: Session) -> None:
        """Validate, and let everything know that waits for it."""
        progress = self.progress
        train = progress.epoch_means.means()
        val: dict[str, float] = {}
        if session.val_loader is not None:
            with self.logger.untimed():
                val = self.validate_epoch(session.val_loader)
            self.logger.log_validation(progress.step, val)
        metrics = {f"train_{name}": value for name, value in train.items()}
        metrics |= {f"val_{name}": value for name, value in val.items()}
        progress.metric = self.monitor.observe(metrics, progress.step, self.plan.schedule)
        progress.finish_evaluation(train, val)
        self.callbacks.on_validation_end(self, metrics)

    def _end_epoch(self, session: Session, means: dict[str, float]) -> None:
        progress = self.progress
        if self.config.eval_every is None and progress.evaluated_step != progress.step:
            self._evaluate(session)
        progress.finish_epoch()
        record = {"train": means, "val": progress.validation}
        self.logger.log_epoch(progress.epoch, record, step=progress.step)
        self.callbacks.on_epoch_end(self, record)
        self.saving.save(self)

    def _end(self, stop: Stop) -> TrainingResult:
        self.saving.save_last(self)
        result = result_of(self, stop)
        self.callbacks.on_train_end(self, result)
        self.logger.finish(stop.status, closing(self, stop.reason))
        return result
