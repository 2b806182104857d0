"""The memory of one layer in one direction, and its time steps in compiled code.

T time, B batch, I inputs, H hidden units, G gates. The last letters of "x gates" are its axes as everywhere; what
stands in a buffer when is told in kernels/steps.h.
"""

import ctypes
from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor

from mlmodels.recurrent.buffer_pool import BufferPool
from mlmodels.recurrent.products import add_product, multiply
from mlmodels.recurrent.state import Tensors
from mlmodels.recurrent.step_kernels import StepKernels, Steps
from mlmodels.recurrent.steps import Cell

# Hidden units times rows that are worth a thread of their own: waking one costs some microseconds.
_UNITS_A_THREAD = 8192


class Operands(NamedTuple):
    """What a layer computes from, contiguous: storage dtype, or `wide` for memory, biases and scales.

    `bias_x_G` and `bias_h_G` are all that is added to the product of x and of h; scales are None without
    normalisation, `c_BH` is None without memory.
    """

    x_TBI: Tensor
    h_BH: Tensor
    c_BH: Tensor | None
    weight_ih_GI: Tensor
    weight_hh_GH: Tensor
    bias_x_G: Tensor
    bias_h_G: Tensor
    scale_x_G: Tensor | None
    scale_h_G: Tensor | None


@dataclass(frozen=True)
class Direction:
    """Which cell, whose kernels, whose memory, and whether the last input comes first."""

    cell: Cell
    kernels: StepKernels
    pool: BufferPool
    reverse: bool


def wide(dtype: torch.dtype) -> torch.dtype:
    """The dtype of arithmetic for a storage dtype."""
    return torch.float64 if dtype == torch.float64 else torch.float32


class LayerBuffers:
    """Everything between forward and backward of one layer in one direction.

    Args:
        keep: for a backward; otherwise the products of h share the memory of one step.
    """

    def __init__(self, direction: Direction, operands: Operands, *, keep: bool) -> None:
        cell, x_TBI = direction.cell, operands.x_TBI
        self.direction, self.operands = direction, operands
        self.num_steps, self.num_rows, _ = x_TBI.shape
        num_gates, self.hidden_size = operands.weight_hh_GH.shape
        self.wide = wide(x_TBI.dtype)
        self.num_threads = max(
            1, min(torch.get_num_threads(), self.num_rows * self.hidden_size // _UNITS_A_THREAD)
        )
        shape = (self.num_steps, self.num_rows, num_gates)
        is_normed, take = operands.scale_x_G is not None, direction.pool.take
        self.is_merged = not cell.splits and not is_normed  # both products in one buffer
        self.x_TBG = take(shape, x_TBI.dtype)
        self.h_TBG = self.x_TBG if self.is_merged else take(shape if keep else (1, *shape[1:]), x_TBI.dtype)
        self.states = x_TBI.new_empty(self.num_steps + 1, self.num_rows, self.hidden_size)
        self.memories = take(tuple(self.states.shape) if cell.num_states == 2 else (0,), self.wide)
        self.moments = take((*shape[:2], 4) if is_normed else (0,), self.wide)
        self.steps = self._steps()

    def outputs(self) -> Tensor:
        """The state after each input, at the input's place: (T, B, H), in the memory of `states`, but no view of it
        to autograd, which would forbid any change in place.
        """
        y_TBH = self.states[:-1] if self.direction.reverse else self.states[1:]
        storage, offset = y_TBH.untyped_storage(), y_TBH.storage_offset()
        return y_TBH.new_empty(0).set_(storage, offset, y_TBH.shape, y_TBH.stride())

    @property
    def before_TBH(self) -> Tensor:
        """The state before each input, at the input's place."""
        return self.states[1:] if self.direction.reverse else self.states[:-1]

    def final(self) -> Tensors:
        """Copies of the last state, in the storage dtype, and memory."""
        last = 0 if self.direction.reverse else -1
        if self.direction.cell.num_states == 2:
            return self.states[last].clone(), self.memories[last].clone()
        return (self.states[last].clone(),)

    def order(self) -> range:
        """The inputs in the order in which they are read."""
        return range(self.num_steps - 1, -1, -1) if self.direction.reverse else range(self.num_steps)

    def forward(self) -> None:
        """Fill outputs and gates."""
        o, (num_steps, num_rows, num_gates) = self.operands, self.x_TBG.shape
        first = -1 if self.direction.reverse else 0
        self.states[first] = o.h_BH
        if o.c_BH is not None:
            self.memories[first] = o.c_BH
        multiply(o.x_TBI.flatten(0, 1), o.weight_ih_GI.T, self.x_TBG.view(num_steps * num_rows, num_gates))
        keeps_all, step, pointer = (
            self.h_TBG.shape[0] > 1,
            self.direction.kernels.forward,
            ctypes.byref(self.steps),
        )
        before_TBH, weight_HG = self.before_TBH, o.weight_hh_GH.T
        product = add_product if self.is_merged else multiply
        for t in self.order():
            product(before_TBH[t], weight_HG, self.h_TBG[t if keeps_all else 0])
            step(pointer, t)

    def backward(self, dy_TBH: Tensor, dstate: Tensors) -> tuple[Tensors, Tensor]:
        """Put the products' gradients in the place of the gates, from those of the outputs and of the last state.

        `dstate` is overwritten. Returns the gradient of the first state (the same memory), and (4, G): those of
        bias_x, bias_h, scale_x and scale_h.
        """
        dh_BH, num_gates = dstate[0], self.x_TBG.shape[-1]
        dvectors = dh_BH.new_zeros(self.num_threads, 4, num_gates, dtype=self.wide)
        self._point(dy=dy_TBH, dh=dh_BH, dc=dstate[-1], dvectors=dvectors)
        step, pointer = self.direction.kernels.backward, ctypes.byref(self.steps)
        product = (
            add_product if self.direction.cell.splits else multiply
        )  # with a direct way to the state before
        for t in reversed(self.order()):
            step(pointer, t)
            product(self.h_TBG[t], self.operands.weight_hh_GH, dh_BH)
        return dstate, dvectors.sum(dim=0)

    def release(self) -> None:
        """Give everything back that nobody outside has seen; this object is of no use any more."""
        parts = [self.x_TBG, self.memories, self.moments]
        self.direction.pool.give_back(*parts, *([] if self.is_merged else [self.h_TBG]))

    def _steps(self) -> Steps:
        o = self.operands
        steps = Steps(
            rows=self.num_rows,
            hidden=self.hidden_size,
            keeps_all=int(self.h_TBG.shape[0] > 1),
            reverse=int(self.direction.reverse),
            threads=self.num_threads,
        )
        self.steps = steps
        self._point(
            x_gates=self.x_TBG, h_gates=self.h_TBG, h=self.states, c=self.memories, moments=self.moments
        )
        self._point(bias_x=o.bias_x_G, bias_h=o.bias_h_G, scale_x=o.scale_x_G, scale_h=o.scale_h_G)
        return steps

    def _point(self, **tensors: Tensor | None) -> None:
        for name, tensor in tensors.items():
            assert tensor is None or tensor.is_contiguous(), name
            setattr(self.steps, name, None if tensor is None else tensor.data_ptr())
