"""A layer over all its steps as one operation with a gradient written by hand: backpropagation through time.

Three ideas make it fast: the products with the inputs of all steps are one; a step is one product and one compiled
pass over gates, normalisation and state; the gradients of the weights are one product for all steps.

T time, B batch, I inputs, H hidden units, G gates, N = T·B.
"""

from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from mlmodels.recurrent.buffer_pool import BufferPool
from mlmodels.recurrent.layer_buffers import Direction, LayerBuffers, Operands, wide
from mlmodels.recurrent.products import multiply, sum_of_outer_products
from mlmodels.recurrent.state import Tensors
from mlmodels.recurrent.step_kernels import load_step_kernels
from mlmodels.recurrent.steps import Cell
from mlmodels.recurrent.weights import Weights


def compute_dtype(x: Tensor) -> torch.dtype:
    """Autocast's dtype where it is on, else that of `x`."""
    if torch.is_autocast_enabled(x.device.type) and x.dtype != torch.float64:
        return torch.get_autocast_dtype(x.device.type)
    return x.dtype


def run_layer(
    cell: Cell, weights: Weights, x_TBI: Tensor, state: Tensors, *, reverse: bool, pool: BufferPool
) -> tuple[Tensor, Tensors]:
    """As `plain.run_layer`, on the CPU, where kernels are available for `compute_dtype(x_TBI)`."""
    dtype = compute_dtype(x_TBI)
    kernels = load_step_kernels(cell.name, dtype)
    assert kernels is not None, "the caller has asked for them"
    direction, real = Direction(cell, kernels, pool, reverse), wide(dtype)
    bias_x_G, bias_h_G = weights.bias_ih_G.to(real), weights.bias_hh_G.to(real)
    scale_x_G = scale_h_G = None
    if weights.norm_ih is not None and weights.norm_hh is not None:
        bias_x_G, bias_h_G = bias_x_G + weights.norm_ih.bias, bias_h_G + weights.norm_hh.bias
        scale_x_G, scale_h_G = weights.norm_ih.weight.to(real), weights.norm_hh.weight.to(real)
    operands = Operands(
        x_TBI.to(dtype),
        state[0].to(dtype),
        state[1].to(real) if cell.num_states == 2 else None,
        weights.weight_ih_GI.to(dtype),
        weights.weight_hh_GH.to(dtype),
        bias_x_G.to(real),
        bias_h_G.to(real),
        scale_x_G,
        scale_h_G,
    )
    tensors = tuple(None if tensor is None else tensor.contiguous() for tensor in operands)
    y_TBH, *final = _Recurrence.apply(direction, torch.is_grad_enabled(), *tensors)
    return y_TBH, tuple(final)


class _Recurrence(torch.autograd.Function):
    """(direction, keep, *Operands) → outputs (T, B, H) and the last state, (B, H) each."""

    @staticmethod
    def forward(ctx: Any, direction: Direction, keep: bool, *tensors: Tensor) -> tuple[Tensor, ...]:
        keep = keep and any(ctx.needs_input_grad)
        with torch.autocast("cpu", enabled=False):
            buffers = LayerBuffers(direction, Operands(*tensors), keep=keep)
            buffers.forward()
        y_TBH = buffers.outputs()
        ctx.set_materialize_grads(False)
        if keep:
            ctx.direction, ctx.buffers = direction, buffers
            ctx.save_for_backward(*tensors, y_TBH)  # autograd notices if any is changed before backward
        final = buffers.final()
        if not keep:
            buffers.release()
        return y_TBH, *final

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, dy_TBH: Tensor | None, *dfinal: Tensor | None) -> tuple[Tensor | None, ...]:
        *tensors, _ = ctx.saved_tensors
        buffers, ctx.buffers = ctx.buffers, None
        with torch.autocast("cpu", enabled=False):
            if buffers is None:  # a second backward: the first wrote its gradients over the gates
                buffers = LayerBuffers(ctx.direction, Operands(*tensors), keep=True)
                buffers.forward()
            gradients = _gradients(buffers, dy_TBH, dfinal, ctx.needs_input_grad[2:])
            buffers.release()
        return None, None, *gradients


def _gradients(
    buffers: LayerBuffers, dy_TBH: Tensor | None, dfinal: tuple[Tensor | None, ...], needed: tuple[bool, ...]
) -> tuple[Tensor | None, ...]:
    """In the order of `Operands`."""
    o, before_TBH = buffers.operands, buffers.before_TBH
    dy_TBH = torch.zeros_like(before_TBH) if dy_TBH is None else dy_TBH.contiguous()
    like = (o.h_BH,) if o.c_BH is None else (o.h_BH, o.c_BH)
    dstate = tuple(
        torch.zeros_like(t) if d is None else d.clone(memory_format=torch.contiguous_format)
        for t, d in zip(like, dfinal, strict=True)
    )
    (dh_BH, *dc), dvectors = buffers.backward(dy_TBH, dstate)
    dx_NG, dh_NG = buffers.x_TBG.flatten(0, 1), buffers.h_TBG.flatten(0, 1)
    wants = Operands(*needed)  # type: ignore[arg-type]
    dx_TBI = dweight_ih_GI = dweight_hh_GH = None
    if wants.x_TBI:
        dx_TBI = torch.empty_like(o.x_TBI)
        multiply(dx_NG, o.weight_ih_GI, dx_TBI.view(-1, dx_TBI.shape[-1]))  # x_gates = x · weight_ihᵀ
    if wants.weight_ih_GI:
        dweight_ih_GI = sum_of_outer_products(dx_NG, o.x_TBI.flatten(0, 1), torch.empty_like(o.weight_ih_GI))
    if wants.weight_hh_GH:  # h_gates = h · weight_hhᵀ
        dweight_hh_GH = sum_of_outer_products(
            dh_NG, before_TBH.flatten(0, 1), torch.empty_like(o.weight_hh_GH)
        )
    dscales = (None, None) if o.scale_x_G is None else (dvectors[2], dvectors[3])
    dc_BH = dc[0] if dc else None
    return dx_TBI, dh_BH, dc_BH, dweight_ih_GI, dweight_hh_GH, dvectors[0], dvectors[1], *dscales
