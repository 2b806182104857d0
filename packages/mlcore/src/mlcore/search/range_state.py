"""Borrow a trainer: whatever is done with it inside, afterwards it is bit for bit as it was."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch

from mlcore.trainer.base import BaseTrainer
from mlcore.trainer.callbacks import CallbackList
from mlcore.trainer.loader_position import LoaderPosition
from mlcore.trainer.nan_guard import NanGuard
from mlcore.trainer.optimizer_set import parts_of
from mlcore.trainer.progress import Progress
from mlcore.trainer.protocols import Loader, SilentLogger
from mlcore.trainer.random_state import preserved_rng

# The parts of a trainer that its loop changes; inside they are replaced, afterwards the old ones are back.
_REPLACED = ("callbacks", "logger", "progress", "loader_position", "guard", "plan", "ema")


@contextmanager
def borrowed(trainer: BaseTrainer, loader: Loader) -> Iterator[None]:
    """Inside, the trainer is silent, saves and averages nothing, stands at step 0, and one bad update ends it.

    Parameters, buffers, optimizer, loss scale, random generators and the loader's position are put back.
    """
    kept = {name: getattr(trainer, name) for name in _REPLACED}
    tensors = [*trainer.model.parameters(), *trainer.model.buffers()]
    values = [tensor.detach().clone() for tensor in tensors]
    optimizer = _OptimizerState(trainer.updater.optimizer)
    scaler = copy.deepcopy(trainer.precision.state_dict())
    progress = trainer.progress
    # The trainer's own count of batches is the one that holds; a loader may not know where it stands.
    position = trainer.loader_position.state_dict(loader, progress.epoch, progress.position)
    was_training, carried = trainer.model.training, trainer.carried_state()
    trainer.callbacks, trainer.logger, trainer.progress = CallbackList([]), SilentLogger(), Progress()
    trainer.loader_position, trainer.guard, trainer.ema = LoaderPosition(), NanGuard(1), None
    try:
        with preserved_rng():
            yield
    finally:
        for name, part in kept.items():
            setattr(trainer, name, part)
        trainer.updater.forget_gradients()
        with torch.no_grad():
            for tensor, value in zip(tensors, values, strict=True):
                tensor.copy_(value)
        optimizer.restore()
        trainer.precision.load_state_dict(scaler)
        trainer.model.train(was_training)
        trainer.restore_carried_state(carried)
        if hasattr(loader, "load_state_dict"):
            loader.load_state_dict(position)


class _OptimizerState:
    """A copy of what an optimizer remembers.

    Not by `load_state_dict`, which turns the state into the parameters' type: an optimizer may keep float32 for
    parameters of half precision.
    """

    def __init__(self, optimizer: torch.optim.Optimizer) -> None:
        self._optimizer = optimizer
        self._states = [
            (part, {parameter: copy.deepcopy(state) for parameter, state in part.state.items()})
            for part in parts_of(optimizer)
        ]
        self._options: list[dict[str, Any]] = [
            {name: copy.deepcopy(value) for name, value in group.items() if name != "params"}
            for group in optimizer.param_groups
        ]

    def restore(self) -> None:
        """Put it back."""
        for part, state in self._states:
            part.state.clear()
            part.state.update(state)
        for group, options in zip(self._optimizer.param_groups, self._options, strict=True):
            group.update(options)
