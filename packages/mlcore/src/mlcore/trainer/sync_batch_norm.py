"""BatchNorm whose statistics are those of the batches of all processes together.

torch's own `SyncBatchNorm` refuses tensors on a CPU. This one exchanges one short vector a layer forwards and one
backwards through whatever connects the processes, gloo or NCCL; the vectors are added up in float64.
"""

from __future__ import annotations

from functools import cache
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

from mlcore.trainer.distributed import Processes


def synchronise_batch_norms(model: nn.Module, processes: Processes) -> bool:
    """Put a `SyncBatchNorm` in the place of every BatchNorm inside `model`: the names stay, and the parameters.

    A subclass whose forward pass is not BatchNorm's is left alone.

    Returns:
        Whether `model` has any.
    """
    found = False
    for module in list(model.modules()):
        for name, child in module.named_children():
            if isinstance(child, _BatchNorm) and type(child).forward is _BatchNorm.forward:
                setattr(module, name, SyncBatchNorm(child, processes))
            found = found or isinstance(getattr(module, name), SyncBatchNorm)
    return found


class SyncBatchNorm(_BatchNorm):
    """Takes the place of `norm`, with its parameters and buffers themselves.

    Args:
        norm: BatchNorm of any number of dimensions.
        processes: each must train with its copy of the layer equally often, or all wait for one another.
    """

    def __init__(self, norm: _BatchNorm, processes: Processes) -> None:
        _leave_to_eager_mode()
        super().__init__(norm.num_features, norm.eps, norm.momentum, affine=False, track_running_stats=False)
        self.affine, self.track_running_stats = norm.affine, norm.track_running_stats
        self._parameters, self._buffers = norm._parameters, norm._buffers
        self.training = norm.training
        self._check = norm._check_input_dim
        self._processes = processes

    def _check_input_dim(self, input: Tensor) -> None:
        self._check(input)

    def forward(self, input: Tensor) -> Tensor:
        """(B, C, ...) of this process, normalised with the statistics of all; in evaluation the usual BatchNorm."""
        if not self.training:
            return super().forward(input)
        self._check_input_dim(input)
        output, mean, variance = _Normalise.apply(input, self.weight, self.bias, self.eps, self._processes)
        if self.track_running_stats:
            self._remember(mean, variance)
        return output

    @torch.no_grad()
    def _remember(self, mean: Tensor, variance: Tensor) -> None:
        running_mean, running_variance = self.running_mean, self.running_var
        assert running_mean is not None
        assert running_variance is not None
        assert self.num_batches_tracked is not None
        self.num_batches_tracked += 1
        share = 1.0 / float(self.num_batches_tracked) if self.momentum is None else self.momentum
        running_mean.lerp_(mean.to(running_mean.dtype), share)
        running_variance.lerp_(variance.to(running_variance.dtype), share)


@cache
def _leave_to_eager_mode() -> None:
    """No compiler is to look into the exchange. Not a decorator: that would load the compiler with this file, and cost
    every command seconds at its start."""
    SyncBatchNorm.forward = torch.compiler.disable(SyncBatchNorm.forward)  # type: ignore[method-assign]


class _Normalise(torch.autograd.Function):
    """y = weight · x̂ + bias with x̂ = (x - mean) / √(variance + eps), both over the values of all processes.

    Gives y, the mean, and the variance as running statistics have it (divided by n - 1).
    """

    @staticmethod
    def forward(
        ctx: Any, x: Tensor, weight: Tensor | None, bias: Tensor | None, eps: float, processes: Processes
    ) -> tuple[Tensor, Tensor, Tensor]:
        exact = x if x.dtype == torch.float64 else x.float()
        variance, mean = torch.var_mean(exact, dim=_all_but_channels(x), correction=0)
        num_own = x.numel() // x.shape[1]
        # Sums over processes: of ones, of x and of x². In float64 their difference below loses nothing.
        own_mean, own_variance = mean.double(), variance.double()
        means = torch.cat((own_mean.new_ones(1), own_mean, own_variance + own_mean.square()))
        sums = processes.sum_vector(means * num_own)
        num, (total_mean, total_squares) = sums[0], (sums[1:] / sums[0]).chunk(2)
        total_variance = (total_squares - total_mean.square()).clamp_(min=0)
        mean, variance = total_mean.to(exact.dtype), total_variance.to(exact.dtype)
        ctx.processes = processes
        ctx.save_for_backward(x, weight, mean, (variance + eps).rsqrt(), num)
        unbiased = (total_variance * num / (num - 1)).to(exact.dtype)
        ctx.mark_non_differentiable(mean, unbiased)
        return F.batch_norm(x, mean, variance, weight, bias, False, 0.0, eps), mean, unbiased

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:
        x, weight, mean, inverse, num = ctx.saved_tensors
        dy = gradients[0].to(mean.dtype)
        axes = _all_but_channels(x)
        by_channel = (1, -1, *([1] * (x.dim() - 2)))
        normalised = (x - mean.view(by_channel)) * inverse.view(by_channel)
        d_bias, d_weight = dy.sum(axes), (dy * normalised).sum(axes)
        dx = None
        if ctx.needs_input_grad[0]:
            means = (ctx.processes.sum_vector(torch.cat((d_bias, d_weight)).double()) / num).to(dy.dtype)
            mean_dy, mean_product = (values.view(by_channel) for values in means.chunk(2))
            factor = inverse if weight is None else inverse * weight
            dx = (factor.view(by_channel) * (dy - mean_dy - normalised * mean_product)).to(x.dtype)
        wanted = ctx.needs_input_grad
        return dx, d_weight if wanted[1] else None, d_bias if wanted[2] else None, None, None


def _all_but_channels(x: Tensor) -> tuple[int, ...]:
    return (0, *range(2, x.dim()))
