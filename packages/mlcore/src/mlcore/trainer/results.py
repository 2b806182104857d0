"""What the parts of the loop hand to one another and to the caller."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True)
class GradientResult:
    """One batch, after its gradients have been added to ``.grad`` (or only looked at, in validation).

    Attributes:
        loss: mean over the batch's items, unscaled.
        num_items: items of the batch; None where ``count_items`` has said it already.
        metrics: other means over the batch's items, by name.
    """

    loss: float | Tensor
    num_items: int | None = None
    metrics: Mapping[str, float | Tensor] = field(default_factory=dict)


@dataclass(frozen=True)
class UpdateOutcome:
    """What became of the gradients of one window.

    Attributes:
        status: "ok", "nan_detected" (the loss was not finite) or "nan_gradient".
        grad_norm: Euclidean norm before clipping; NaN where it was not computed.
        curable: whether a smaller loss scale, which is set now, may cure a bad status.
    """

    status: str
    grad_norm: float
    curable: bool = False


@dataclass(frozen=True)
class StepResult:
    """One window: an optimizer update, or the reason why there was none.

    Attributes:
        outcome: status and gradient norm.
        loss: mean over all items of the window, over all processes.
        learning_rate: rate of the first parameter group in the last update.
        num_items: items of the window, over all processes.
        metrics: further means over the window's items, by name.
    """

    outcome: UpdateOutcome
    loss: float
    learning_rate: float
    num_items: int
    metrics: Mapping[str, float] = field(default_factory=dict)

    @property
    def status(self) -> str:
        """ "ok", "nan_detected" or "nan_gradient"."""
        return self.outcome.status

    @property
    def grad_norm(self) -> float:
        """Euclidean norm before clipping."""
        return self.outcome.grad_norm

    def as_metrics(self) -> dict[str, Any]:
        """A log record."""
        return {
            "loss": self.loss,
            "lr": self.learning_rate,
            "grad_norm": self.grad_norm,
            "status": self.status,
            **self.metrics,
        }


@dataclass(frozen=True)
class TrainingResult:
    """How a run ended.

    Attributes:
        status: "completed" or "early_stopped" (interrupted and diverged runs end with an exception).
        step: optimizer updates done.
        epoch: epochs finished.
        best_metric: best value of ``training.monitor``; None where nothing was monitored.
        best_step: the update after which it was seen.
        reason: one sentence: why training ended.
        history: one entry an evaluation: {"step", "epoch", "train": {...}, "val": {...}}.
    """

    status: str
    step: int
    epoch: int
    best_metric: float | None
    best_step: int | None
    reason: str
    history: list[dict[str, Any]]
