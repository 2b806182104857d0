"""Max-pooling, and GELU with what is before it, in kernels of our own: what SpeedNet has between its convolutions.

In bfloat16 with channels last torch takes a third of a training step for them: its pooling fills and scatters, and
every stage goes to memory and back. B batch, C channels, H height, W width, R channels of several positions.
"""

import ctypes
import warnings
from functools import cache
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.autograd.function import once_differentiable

from mlmodels.native import NativeUnavailableError, load_library

_SOURCE = Path(__file__).parent / "kernels" / "blocks.cpp"
_SUFFIXES = {torch.float32: "f32", torch.float64: "f64", torch.bfloat16: "bf16"}


def max_pool(x_BCHW: Tensor) -> Tensor:
    """The largest values of windows of 2 × 2: `F.max_pool2d(x, 2)`."""
    if min(x_BCHW.shape[2:]) < 2 or not _is_ours(x_BCHW):
        return F.max_pool2d(x_BCHW, 2)
    return _MaxPool.apply(x_BCHW)


def norm_gelu(x_BCHW: Tensor, norm: nn.BatchNorm2d) -> Tensor:
    """`F.gelu(norm(x))` for a norm with a shift and no scale; in training it updates the norm's running statistics."""
    num_values = x_BCHW.numel() // x_BCHW.shape[1]
    if num_values < 2 or not _is_plain(norm, x_BCHW.dtype) or not _is_ours(x_BCHW):
        return F.gelu(norm(x_BCHW))
    y_BCHW, mean_C, variance_C = _NormGelu.apply(x_BCHW, norm.bias, norm.eps)
    _update(norm, mean_C, variance_C * (num_values / (num_values - 1)))
    return y_BCHW


def shift_gelu(x_BCHW: Tensor, shift_C: Tensor) -> Tensor:
    """`F.gelu(x + shift)`, the shift one number a channel; the kernels are for an x that wants no gradient."""
    is_shift = shift_C.dtype == _real(x_BCHW.dtype) and not x_BCHW.requires_grad
    if not is_shift or not _is_ours(x_BCHW):
        return F.gelu(x_BCHW + shift_C.to(x_BCHW.dtype).view(-1, 1, 1))
    return _ShiftGelu.apply(x_BCHW, shift_C)


@torch.no_grad()
def _update(norm: nn.BatchNorm2d, mean_C: Tensor, variance_C: Tensor) -> None:
    """A batch's statistics into the running ones."""
    assert norm.running_mean is not None, "a norm without running statistics is torch's"
    assert norm.running_var is not None, "both or none"
    assert norm.momentum is not None, "a cumulative average is torch's"
    norm.running_mean.lerp_(mean_C, norm.momentum)
    norm.running_var.lerp_(variance_C, norm.momentum)
    if norm.num_batches_tracked is not None:
        norm.num_batches_tracked += 1


class _MaxPool(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x_BCHW: Tensor) -> Tensor:
        batch, channels, height, width = x_BCHW.shape
        y_BCHW = _channels_last(x_BCHW, (batch, channels, height // 2, width // 2))
        choice_BCHW = torch.empty_like(y_BCHW, dtype=torch.uint8)
        sizes = (batch, height, width, channels)
        _call("max_pool_forward", x_BCHW.dtype, x_BCHW, y_BCHW, choice_BCHW, *sizes)
        ctx.save_for_backward(choice_BCHW)
        ctx.sizes = sizes
        return y_BCHW

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, dy_BCHW: Tensor) -> Tensor:
        (choice_BCHW,) = ctx.saved_tensors
        batch, height, width, channels = ctx.sizes
        dy_BCHW = dy_BCHW.contiguous(memory_format=torch.channels_last)
        dx_BCHW = _channels_last(dy_BCHW, (batch, channels, height, width))
        _call("max_pool_backward", dy_BCHW.dtype, dy_BCHW, choice_BCHW, dx_BCHW, *ctx.sizes)
        return dx_BCHW


class _NormGelu(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x_BCHW: Tensor, shift_C: Tensor, epsilon: float) -> tuple[Tensor, Tensor, Tensor]:
        mean_C, variance_C = torch.empty_like(shift_C), torch.empty_like(shift_C)
        rows, channels = x_BCHW.numel() // len(shift_C), len(shift_C)
        _call("moments", x_BCHW.dtype, x_BCHW, mean_C, variance_C, rows, channels)
        rate_C = torch.rsqrt(variance_C + epsilon)
        y_BCHW = torch.empty_like(x_BCHW)
        _call("norm_gelu_forward", x_BCHW.dtype, x_BCHW, mean_C, rate_C, shift_C, y_BCHW, rows, channels)
        ctx.save_for_backward(x_BCHW, mean_C, rate_C, shift_C)
        ctx.mark_non_differentiable(mean_C, variance_C)
        return y_BCHW, mean_C, variance_C

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, dy_BCHW: Tensor, *_: Any) -> tuple[Tensor, Tensor, None]:
        x_BCHW, mean_C, rate_C, shift_C = ctx.saved_tensors
        dy_BCHW = dy_BCHW.contiguous(memory_format=torch.channels_last)
        dx_BCHW, dshift_C = torch.empty_like(x_BCHW), torch.empty_like(shift_C)
        rows, channels = x_BCHW.numel() // len(shift_C), len(shift_C)
        inputs = (dy_BCHW, x_BCHW, mean_C, rate_C, shift_C)
        _call("norm_gelu_backward", x_BCHW.dtype, *inputs, dx_BCHW, dshift_C, rows, channels)
        return dx_BCHW, dshift_C, None


class _ShiftGelu(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x_BCHW: Tensor, shift_C: Tensor) -> Tensor:
        # Few channels are short rows, of which a processor's vectors cover a part: several rows are taken as one.
        positions = x_BCHW.numel() // len(shift_C)
        together = next(count for count in (8, 4, 2, 1) if positions % count == 0)
        shift_R = shift_C.repeat(together)
        sizes = (positions // together, len(shift_R))
        y_BCHW = torch.empty_like(x_BCHW)
        as_they_are = (torch.zeros_like(shift_R), torch.ones_like(shift_R))
        _call("norm_gelu_forward", x_BCHW.dtype, x_BCHW, *as_they_are, shift_R, y_BCHW, *sizes)
        ctx.save_for_backward(x_BCHW, shift_R)
        ctx.sizes, ctx.channels = sizes, len(shift_C)
        return y_BCHW

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, dy_BCHW: Tensor) -> tuple[None, Tensor]:
        x_BCHW, shift_R = ctx.saved_tensors
        dy_BCHW = dy_BCHW.contiguous(memory_format=torch.channels_last)
        dshift_R = torch.empty_like(shift_R)
        _call("shift_gelu_backward", x_BCHW.dtype, dy_BCHW, x_BCHW, shift_R, dshift_R, *ctx.sizes)
        return None, dshift_R.view(-1, ctx.channels).sum(dim=0)


def _real(dtype: torch.dtype) -> torch.dtype:
    """What the kernels compute in."""
    return torch.float64 if dtype == torch.float64 else torch.float32


def _is_plain(norm: nn.Module, dtype: torch.dtype) -> bool:
    """Whether the kernels do what this norm would: BatchNorm of one process, a shift and no scale, running averages."""
    if not isinstance(norm, nn.BatchNorm2d):
        return False
    own = {name: parameter.dtype for name, parameter in norm.named_parameters()}
    is_shift = own == {"bias": _real(dtype)}
    has_averages = norm.running_mean is not None and norm.momentum is not None
    return norm.training and is_shift and has_averages


def _is_ours(x_BCHW: Tensor) -> bool:
    """Whether the kernels take this tensor: in training, on a CPU, channels last, and where they can be compiled."""
    return (
        torch.is_grad_enabled()
        and x_BCHW.device.type == "cpu"
        and x_BCHW.dtype in _SUFFIXES
        and x_BCHW.is_contiguous(memory_format=torch.channels_last)
        and not torch.compiler.is_compiling()
        and _is_compiled()
    )


@cache
def _is_compiled() -> bool:
    """Whether there is a library, compiled at first use; where there is none, one line says so, once."""
    try:
        load_library(_SOURCE)
    except NativeUnavailableError as error:
        warnings.warn(
            f"no kernels for pooling and BatchNorm ({error}): torch's own run, with the same results, slower",
            stacklevel=2,
        )
        return False
    return True


def _channels_last(like: Tensor, shape: tuple[int, int, int, int]) -> Tensor:
    return torch.empty(shape, dtype=like.dtype, memory_format=torch.channels_last)


def _call(name: str, dtype: torch.dtype, *arguments: Tensor | int) -> None:
    """Tensors go as addresses, sizes as numbers; the number of threads is torch's."""
    function = load_library(_SOURCE)[f"{name}_{_SUFFIXES[dtype]}"]
    function.restype = None
    function(
        *(
            ctypes.c_void_p(argument.data_ptr()) if isinstance(argument, Tensor) else ctypes.c_long(argument)
            for argument in arguments
        ),
        ctypes.c_int(torch.get_num_threads()),
    )
