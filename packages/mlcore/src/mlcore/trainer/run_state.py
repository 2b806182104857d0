"""Everything a run needs to go on as if nothing had happened: collected for a checkpoint, put back from one.

=============== ==============================================================================
key             holds
=============== ==============================================================================
format          number of this layout
model           weights and buffers
ema             averaged weights and their count; None without
optimizer       its state dict
schedule        its memory
scaler          loss scale of fp16; None without
rng             one entry a process: generators now, and at the start of the epoch
loader          epoch, position (batches consumed), and what the loader adds
early_stopping  the policy's memory; None without
best            best monitored value and its step
progress        step, epoch, position, items, running means, history
guard           statuses so far, bad steps in a row
logger          where its files stand
training        the training section, to tell what has changed
carried         one entry a process: what the task carries from batch to batch; may be missing
(others)        ``extra_state`` of the trainer: config, tokenizer fingerprint, ...
=============== ==============================================================================
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from torch import nn

from mlcore.errors import CheckpointError
from mlcore.seeding import capture_rng_state, restore_rng_state

if TYPE_CHECKING:
    from mlcore.trainer.base import BaseTrainer

FORMAT = 1
PIECES = (
    "format",
    "model",
    "ema",
    "optimizer",
    "schedule",
    "scaler",
    "rng",
    "loader",
    "early_stopping",
    "best",
    "progress",
    "guard",
    "logger",
    "training",
)
# Entries of extra_state that must be the same before and after: another tokenizer makes every weight mean
# something else.
FINGERPRINTS = ("tokenizer", "data")


def collect(trainer: BaseTrainer) -> dict[str, Any]:
    """The state of ``trainer``: tensors and plain containers only. Every process of the run calls it
    together.
    """
    loader = trainer.session.train_loader if trainer.session is not None else None
    progress, stopping = trainer.progress, trainer.monitor.early_stopping
    own_rng = {"now": capture_rng_state(), "epoch": trainer.loader_position.rng_state_dict()}
    return {
        "format": FORMAT,
        "model": trainer.model.state_dict(),
        "ema": None if trainer.ema is None else trainer.ema.state_dict(),
        "optimizer": trainer.updater.state_dict(),
        "schedule": trainer.plan.state_dict(),
        "scaler": trainer.precision.state_dict(),
        "rng": trainer.distributed.gather(own_rng),
        "loader": trainer.loader_position.state_dict(loader, progress.epoch, progress.position),
        "early_stopping": None if stopping is None else stopping.state_dict(),
        "best": trainer.monitor.best.state_dict(),
        "progress": progress.state_dict(),
        "guard": trainer.guard.state_dict(),
        "logger": trainer.logger.state_dict(),
        "training": trainer.config.model_dump(mode="json"),
        "carried": trainer.distributed.gather(trainer.carried_state()),
        **trainer.extra_state,
    }


def restore(trainer: BaseTrainer, state: Mapping[str, Any]) -> None:
    """Put ``state`` back.

    Raises:
        CheckpointError: a piece is missing or damaged, or belongs to another model, tokenizer or number of
            processes.
    """
    _check_pieces(state)
    _check_fingerprints(trainer.extra_state, state)
    _check_processes(trainer.distributed.world_size, state["rng"])
    try:
        _load_model(trainer.model, state["model"])
        if trainer.ema is not None:
            trainer.ema.load_state_dict(state["ema"], trainer.model)
        trainer.updater.load_state_dict(state["optimizer"])
        trainer.plan.load_state_dict(state["schedule"])
        trainer.precision.load_state_dict(state["scaler"])
        if trainer.monitor.early_stopping is not None and state["early_stopping"] is not None:
            trainer.monitor.early_stopping.load_state_dict(state["early_stopping"])
        trainer.monitor.best.load_state_dict(state["best"])
        trainer.guard.load_state_dict(state["guard"])
        trainer.progress.load_state_dict(state["progress"])
        _restore_position(trainer, state["loader"])
        if trainer.distributed.is_main:
            trainer.logger.load_state_dict(state["logger"])
        if "carried" in state:
            trainer.restore_carried_state(state["carried"][trainer.distributed.rank])
        own_rng = state["rng"][trainer.distributed.rank]
        trainer.loader_position.load_rng_state_dict(own_rng["epoch"])
        restore_rng_state(own_rng["now"])
    except (KeyError, TypeError, ValueError, IndexError, AttributeError) as error:
        raise CheckpointError(
            f"the checkpoint is not complete, training cannot go on from it: {type(error).__name__}: {error}"
        ) from error


def changes(trainer: BaseTrainer, state: Mapping[str, Any]) -> list[str]:
    """One line for each key of the training section that is not as it was when the checkpoint was written."""
    before = _flatten(state["training"])
    now = _flatten(trainer.config.model_dump(mode="json"))
    return [
        f"training.{key} was {before.get(key)!r} and is {now.get(key)!r} now"
        for key in sorted(before.keys() | now.keys())
        if before.get(key) != now.get(key)
    ]


def _check_pieces(state: Mapping[str, Any]) -> None:
    missing = [piece for piece in PIECES if piece not in state]
    if missing:
        raise CheckpointError(
            f"the checkpoint lacks {', '.join(missing)}: it holds weights to use, not a run to go on with"
        )
    if state["format"] != FORMAT:
        raise CheckpointError(
            f"the checkpoint has format {state['format']!r}, this version reads format {FORMAT}"
        )


def _check_fingerprints(extra: Mapping[str, Any], state: Mapping[str, Any]) -> None:
    for name in FINGERPRINTS:
        before, now = state.get(name), extra.get(name)
        if before is not None and now is not None and before != now:
            raise CheckpointError(
                f"the checkpoint is of another {name}: {str(before)[:16]} then, {str(now)[:16]} now"
            )


def _check_processes(world_size: int, rng: list[Any]) -> None:
    if len(rng) != world_size:
        raise CheckpointError(
            f"the checkpoint was written by {len(rng)} processes, this run has {world_size}: "
            f"start it with torchrun --nproc-per-node {len(rng)}"
        )


def _load_model(model: nn.Module, weights: Mapping[str, Any]) -> None:
    try:
        model.load_state_dict(weights)
    except RuntimeError as error:
        lines = [line.strip() for line in str(error).splitlines()[1:3]]
        raise CheckpointError(
            f"the checkpoint does not fit this {type(model).__name__}: {' '.join(lines)}"
        ) from error


def _restore_position(trainer: BaseTrainer, loader: Mapping[str, Any]) -> None:
    """The loader's piece says where in the data to go on; the two records of it must agree."""
    progress = trainer.progress
    if (loader["epoch"], loader["position"]) != (progress.epoch, progress.position):
        raise CheckpointError(
            f"the checkpoint contradicts itself: the loader stands at batch {loader['position']} of epoch "
            f"{loader['epoch']}, the training at batch {progress.position} of epoch {progress.epoch}"
        )
    trainer.loader_position.load_state_dict(loader)


def _flatten(values: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for key, value in values.items():
        if isinstance(value, Mapping):
            flat.update(_flatten(value, f"{prefix}{key}."))
        else:
            flat[prefix + key] = value
    return flat
