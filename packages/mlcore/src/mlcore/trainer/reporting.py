"""What a run tells its logger."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mlcore.errors import InterruptedRun
from mlcore.trainer.results import StepResult, TrainingResult

if TYPE_CHECKING:
    from mlcore.trainer.base import BaseTrainer
    from mlcore.trainer.stopping import Stop


def opening(trainer: BaseTrainer) -> dict[str, Any]:
    """The head of a run: where and how it computes, and what the project added in ``trainer.info``."""
    return {
        "device": str(trainer.device),
        "precision": trainer.precision.choice.name,
        "processes": trainer.distributed.world_size,
        "parameters": sum(parameter.numel() for parameter in trainer.model.parameters()),
        "total_steps": trainer.plan.total_steps,
        **trainer.info,
    }


def log_window(trainer: BaseTrainer, result: StepResult) -> None:
    """A record every ``log_every`` updates; a warning for each update that was skipped."""
    progress = trainer.progress
    if result.status != "ok":
        row = trainer.guard.bad_in_a_row + 1
        trainer.logger.warn(f"update skipped after step {progress.step}: {result.status} ({row} in a row)")
    elif progress.step % trainer.config.log_every == 0:
        record = {**result.as_metrics(), "skipped": trainer.guard.num_skipped, **trainer.precision.metrics()}
        trainer.logger.log_step(progress.step, record, progress.items - progress.logged_items)
        progress.logged_items = progress.items


def closing(trainer: BaseTrainer, reason: str) -> dict[str, Any]:
    """The summary of a run."""
    best = trainer.monitor.best
    return {
        "reason": reason,
        "steps": trainer.progress.step,
        "epochs": trainer.progress.epoch,
        "best": None if best.value is None else {trainer.config.monitor: best.value, "step": best.step},
        "statuses": dict(trainer.guard.counts),
    }


def result_of(trainer: BaseTrainer, stop: Stop) -> TrainingResult:
    """How a run ended that has just saved its last state.

    Raises:
        InterruptedRun: by a signal.
    """
    progress, best = trainer.progress, trainer.monitor.best
    if stop.exit_code is not None:
        saved = "the state is saved, --resume goes on" if trainer.saving.is_saved else "nothing was saved"
        raise InterruptedRun(f"{stop.reason} after step {progress.step}; {saved}", stop.exit_code)
    return TrainingResult(
        stop.status, progress.step, progress.epoch, best.value, best.step, stop.reason, progress.history
    )
