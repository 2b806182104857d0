"""No update from numbers that are not finite: the parameters stay bit for bit, and too many in a row end the
run.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from mlcore import advice
from mlcore.errors import DivergedError

if TYPE_CHECKING:
    from mlcore.trainer.task import Task

STATUSES = ("ok", "nan_detected", "nan_gradient")


class NanGuard:
    """Counts statuses.

    Args:
        max_bad_steps: skipped updates in a row that end the run.
    """

    def __init__(self, max_bad_steps: int) -> None:
        self.max_bad_steps = max_bad_steps
        self.counts = dict.fromkeys(STATUSES, 0)
        self.bad_in_a_row = 0

    @property
    def num_skipped(self) -> int:
        """Updates skipped so far."""
        return sum(self.counts.values()) - self.counts["ok"]

    def record(self, status: str, *, curable: bool = False) -> None:
        """Count one window.

        Args:
            status: one of ``STATUSES``.
            curable: an overflow that a smaller loss scale may cure does not count as one of the bad steps in
                a row.

        Raises:
            DivergedError: there were ``max_bad_steps`` bad ones in a row.
        """
        self.counts[status] += 1
        if status == "ok":
            self.bad_in_a_row = 0
        elif not curable:
            self.bad_in_a_row += 1
        if self.bad_in_a_row >= self.max_bad_steps:
            raise DivergedError(
                f"diverged: {self.bad_in_a_row} updates in a row had a loss or gradient that was not finite "
                f"(the last: {status}); the weights are those of the last good update: {advice.NOT_FINITE}"
            )

    def state_dict(self) -> dict[str, Any]:
        """What a checkpoint keeps."""
        return {"counts": dict(self.counts), "bad_in_a_row": self.bad_in_a_row}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Restore."""
        self.counts = dict(state["counts"])
        self.bad_in_a_row = int(state["bad_in_a_row"])


class BufferKeeper:
    """Keeps the buffers of a task's model, and what the task carries from batch to batch, as they were before a window.

    A forward pass in training mode changes BatchNorm's running statistics, or the state that the next batch begins
    with, and one batch with a NaN would spoil them for good although the update is skipped.
    """

    def __init__(self, task: Task) -> None:
        # Buffers that are not saved (masks, position tables) are constants.
        saved = task.model.state_dict(keep_vars=True)
        self._buffers = [buffer for name, buffer in task.model.named_buffers() if name in saved]
        self._kept: list[Tensor] = []
        self._task, self._carried = task, task.carried_state()

    def keep(self) -> None:
        """Remember them."""
        self._kept = [buffer.detach().clone() for buffer in self._buffers]
        self._carried = self._task.carried_state()

    def restore(self) -> None:
        """Put them back, in place."""
        with torch.no_grad():
            for buffer, before in zip(self._buffers, self._kept, strict=True):
                buffer.copy_(before)
        self._task.restore_carried_state(self._carried)


def all_finite(tensors: list[Tensor]) -> bool:
    """Whether no element of any tensor is NaN or infinite; one transfer for all of them."""
    floating = [tensor for tensor in tensors if tensor.is_floating_point()]
    if not floating:
        return True
    norms = torch._foreach_norm(floating, torch.inf)
    return bool(torch.isfinite(torch.stack([norm.float() for norm in norms])).all())
