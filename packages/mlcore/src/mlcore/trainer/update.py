"""One optimizer update from the gradients that lie in ``.grad``: guard, clip, rate, step."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import torch

from mlcore import advice
from mlcore.errors import UserError
from mlcore.trainer.precision import MixedPrecision
from mlcore.trainer.results import UpdateOutcome


class NoGradientError(UserError):
    """No parameter received a gradient."""


class Updater:
    """Holds the optimizer and what surrounds its step.

    Args:
        optimizer: any ``torch.optim.Optimizer``; the rates that it has now are the full rates of its groups.
        precision: unscales what fp16 scaled.
        max_grad_norm: clip to this; None: never.
    """

    def __init__(
        self, optimizer: torch.optim.Optimizer, precision: MixedPrecision, max_grad_norm: float | None
    ) -> None:
        self.optimizer = optimizer
        self._precision = precision
        self._max_grad_norm = max_grad_norm
        self._full_rates = [float(group["lr"]) for group in optimizer.param_groups]

    def apply(self, loss: float, rate_factor: float) -> UpdateOutcome:
        """Update the parameters if loss and gradients are finite; the gradients are gone afterwards either
        way.

        Args:
            loss: mean loss of the window.
            rate_factor: share of the full rates.

        Raises:
            NoGradientError: nothing was differentiated.
        """
        if not math.isfinite(loss):
            self.forget_gradients()
            return UpdateOutcome("nan_detected", math.nan)
        gradients = self._gradients()
        self._precision.unscale(self.optimizer)
        norm = total_norm(gradients)
        if math.isfinite(norm):
            if self._max_grad_norm is not None and norm > self._max_grad_norm:
                self._clip(gradients, norm)
            self.set_rate(rate_factor)
            self.optimizer.step()
        curable = self._precision.adjust()
        self.forget_gradients()
        return UpdateOutcome("ok" if math.isfinite(norm) else "nan_gradient", norm, curable)

    def forget_gradients(self) -> None:
        """Leave no parameter a gradient."""
        self.optimizer.zero_grad(set_to_none=True)

    @property
    def parameters(self) -> list[torch.nn.Parameter]:
        """All parameters of the optimizer, in its order."""
        return [parameter for group in self.optimizer.param_groups for parameter in group["params"]]

    def set_rate(self, factor: float) -> None:
        """Give every group its share of its full rate."""
        for group, full_rate in zip(self.optimizer.param_groups, self._full_rates, strict=True):
            group["lr"] = full_rate * factor

    @property
    def learning_rate(self) -> float:
        """Rate of the first group."""
        return float(self.optimizer.param_groups[0]["lr"])

    @property
    def full_learning_rate(self) -> float:
        """Rate of the first group before any schedule."""
        return self._full_rates[0]

    def state_dict(self) -> dict[str, Any]:
        """The optimizer's state."""
        return self.optimizer.state_dict()

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Restore the optimizer's memory. Rates, decay and the like are those of this run, not of the
        checkpoint.
        """
        options = [
            {name: value for name, value in group.items() if name != "params"}
            for group in self.optimizer.param_groups
        ]
        self.optimizer.load_state_dict(dict(state))
        for group, own in zip(self.optimizer.param_groups, options, strict=True):
            group.update(own)

    def _gradients(self) -> list[torch.Tensor]:
        found = [parameter.grad for parameter in self.parameters if parameter.grad is not None]
        if not found:
            raise NoGradientError(f"no parameter received a gradient: {advice.NO_GRADIENTS}")
        return found

    def _clip(self, gradients: list[torch.Tensor], norm: float) -> None:
        assert self._max_grad_norm is not None
        torch._foreach_mul_(gradients, self._max_grad_norm / (norm + 1e-6))


def total_norm(tensors: list[torch.Tensor]) -> float:
    """Euclidean norm of all elements together, summed in float32 where they are of half precision."""
    half = any(tensor.dtype in (torch.bfloat16, torch.float16) for tensor in tensors)
    norms = torch._foreach_norm(tensors, 2.0, torch.float32 if half else None)
    return float(torch.linalg.vector_norm(torch.stack([norm.to(norms[0].dtype) for norm in norms])))
