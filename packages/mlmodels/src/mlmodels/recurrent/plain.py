"""The reference: a layer as a loop over time, differentiated by autograd.

T time, B batch, I inputs, H hidden units, G gates.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional

from mlmodels.recurrent.state import Tensors
from mlmodels.recurrent.steps import Cell
from mlmodels.recurrent.weights import Weights


def pre_activation(x: Tensor, weight: Tensor, norm: nn.LayerNorm | None, bias: Tensor) -> Tensor:
    """x·weightᵀ + bias; with `norm` (Ba et al., 2016) between product and bias. (…, inputs) → (…, G)."""
    if norm is None:
        return functional.linear(x, weight, bias)
    return norm(functional.linear(x, weight)) + bias


def run_step(cell: Cell, weights: Weights, x_BI: Tensor, state: Tensors) -> Tensors:
    """The state after one input."""
    x_BG = pre_activation(x_BI, weights.weight_ih_GI, weights.norm_ih, weights.bias_ih_G)
    h_BG = pre_activation(state[0], weights.weight_hh_GH, weights.norm_hh, weights.bias_hh_G)
    return cell.step(x_BG, h_BG, state)


def run_layer(
    cell: Cell, weights: Weights, x_TBI: Tensor, state: Tensors, *, reverse: bool
) -> tuple[Tensor, Tensors]:
    """Outputs (T, B, H) and the state after the last step; with `reverse` the last step is the first input."""
    x_TBG = pre_activation(x_TBI, weights.weight_ih_GI, weights.norm_ih, weights.bias_ih_G)
    outputs = []
    for x_BG in reversed(x_TBG.unbind()) if reverse else x_TBG.unbind():
        h_BG = pre_activation(state[0], weights.weight_hh_GH, weights.norm_hh, weights.bias_hh_G)
        state = cell.step(x_BG, h_BG, state)
        outputs.append(state[0])
    return torch.stack(outputs[::-1] if reverse else outputs), state
