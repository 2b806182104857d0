"""Muon: momentum whose direction is made orthogonal (Jordan et al., 2024)."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable
from typing import Any

import torch
from torch import Tensor

# Of the quintic iteration a·X + b·XXᵀX + c·(XXᵀ)²X: steep at zero, afterwards near one rather than at one
# (Jordan et al., 2024).
_COEFFICIENTS = (3.4445, -4.775, 2.0315)
_NUM_ITERATIONS = 5
_SMALLEST_NORM = 1e-7


class Muon(torch.optim.Optimizer):
    """Muon for matrices (A, B), and for filters of convolutions, which count as matrices (outputs, all the rest).

    The rate of a matrix is multiplied by √max(1, A / B). torch's own Muon does the same in bfloat16 on every device
    and takes no filters; here the dtype is a choice, for most processors have no bfloat16, and matrices of one shape go
    through the iteration together.

    Args:
        params: parameters of two dimensions or more, or groups of them.
        lr: learning rate.
        momentum: decay of the running mean of the gradients.
        nesterov: look ahead along the mean.
        weight_decay: decoupled; the shrinking a step is ``lr`` times this.
        dtype: of the products that make a direction orthogonal; bfloat16 is exact enough for them.

    Raises:
        ValueError: a parameter has fewer than two dimensions.
    """

    def __init__(
        self,
        params: Iterable[Tensor] | Iterable[dict[str, Any]],
        lr: float,
        *,
        momentum: float = 0.95,
        nesterov: bool = True,
        weight_decay: float = 0.0,
        dtype: torch.dtype = torch.float32,
    ) -> None:
        defaults = {"lr": lr, "momentum": momentum, "nesterov": nesterov, "weight_decay": weight_decay}
        super().__init__(params, defaults)
        self.dtype = dtype
        for group in self.param_groups:
            for parameter in group["params"]:
                if parameter.ndim < 2:
                    raise ValueError(f"Muon is for matrices; here is a parameter of shape {parameter.shape}")

    @torch.no_grad()
    def step(self, closure: Callable[[], float] | None = None) -> float | None:  # type: ignore[override]
        """One update of every parameter that has a gradient."""
        loss = None
        if closure is not None:
            with torch.enable_grad():
                loss = closure()
        for group in self.param_groups:
            alike: dict[torch.Size, list[tuple[Tensor, Tensor]]] = defaultdict(list)
            for parameter in group["params"]:
                if parameter.grad is not None:
                    direction = self._direction(parameter, group).flatten(1)
                    alike[direction.shape].append((parameter, direction))
            for shape, pairs in alike.items():
                updates = orthogonalise(torch.stack([direction for _, direction in pairs]), self.dtype)
                rate = group["lr"] * max(1.0, shape[0] / shape[1]) ** 0.5
                for (parameter, _), update in zip(pairs, updates, strict=True):
                    parameter.mul_(1 - group["lr"] * group["weight_decay"])
                    parameter.add_(update.view(parameter.shape).to(parameter.dtype), alpha=-rate)
        return loss

    def _direction(self, parameter: Tensor, group: dict[str, Any]) -> Tensor:
        """The running mean m ← β·m + (1 - β)·g; with Nesterov β·m + (1 - β)·g once more."""
        state, gradient = self.state[parameter], parameter.grad
        assert gradient is not None
        if "momentum_buffer" not in state:
            state["momentum_buffer"] = torch.zeros_like(gradient)
        mean: Tensor = state["momentum_buffer"]
        mean.lerp_(gradient, 1 - group["momentum"])
        return gradient.lerp(mean, group["momentum"]) if group["nesterov"] else mean


def orthogonalise(matrices_NAB: Tensor, dtype: torch.dtype = torch.float32) -> Tensor:
    """Matrices (N, A, B) with the same singular vectors, and singular values between about 0.7 and 1.2.

    Five Newton-Schulz iterations of products alone, in `dtype`.
    """
    a, b, c = _COEFFICIENTS
    is_tall = matrices_NAB.shape[1] > matrices_NAB.shape[2]
    x = matrices_NAB.mT if is_tall else matrices_NAB
    x = x.to(dtype)
    # Divided by its Frobenius norm a matrix has no singular value above one, where the iteration would run away.
    x = x / x.norm(dim=(1, 2), keepdim=True).clamp(min=_SMALLEST_NORM)
    for _ in range(_NUM_ITERATIONS):
        gram = x @ x.mT
        x = torch.baddbmm(x, torch.baddbmm(gram, gram, gram, beta=b, alpha=c), x, beta=a)
    return x.mT if is_tall else x
