"""What a run tells its logger."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mlcore.trainer.results import StepResult

if TYPE_CHECKING:
    from mlcore.trainer.base import BaseTrainer


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
