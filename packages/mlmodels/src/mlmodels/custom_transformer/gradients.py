"""Gradients of parameters: the one place where they are added, and their norm."""

import math
from collections.abc import Iterable

import torch
from torch import Tensor, nn


def add_gradient(parameter: nn.Parameter | None, gradient: Tensor | None) -> None:
    """Add `gradient` to `parameter.grad`: the only function that does, so sharing a weight needs no special
    case.

    The first gradient is kept without a copy: ops return fresh tensors. Both None: the layer has no such
    parameter.
    """
    if parameter is None or gradient is None:
        assert parameter is gradient, "a parameter without a gradient, or the reverse"
        return
    assert gradient.shape == parameter.shape, f"gradient {gradient.shape} for parameter {parameter.shape}"
    if parameter.grad is None:
        parameter.grad = gradient.to(parameter.dtype)
    else:
        parameter.grad += gradient


@torch.no_grad()
def gradient_norm(parameters: Iterable[nn.Parameter]) -> float:
    """Euclidean norm of all gradients together; 0.0 where there are none; inf or nan if any entry is."""
    norms = [torch.linalg.vector_norm(p.grad) for p in parameters if p.grad is not None]
    return float(torch.linalg.vector_norm(torch.stack(norms))) if norms else 0.0


@torch.no_grad()
def clip_gradients(parameters: Iterable[nn.Parameter], max_norm: float | None) -> float:
    """Scale all gradients so that their norm is at most `max_norm` (None: never) and return the norm before.

    A norm that is not finite is returned and nothing is scaled (Pascanu, Mikolov, Bengio, 2013).
    """
    parameters = list(parameters)
    norm = gradient_norm(parameters)
    if max_norm is not None and math.isfinite(norm) and norm > max_norm:
        for parameter in parameters:
            if parameter.grad is not None:
                parameter.grad *= max_norm / norm
    return norm
