"""One step of each cell, from the two pre-activations to the new state: the readable mathematics.

B batch, H hidden units, G gates (4H, 3H or H). x_BG comes from below, h_BG from the state before; both already have
their biases and, where asked for, their normalisation.
"""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from mlmodels.recurrent.config import CellName
from mlmodels.recurrent.state import Tensors


def lstm_step(x_BG: Tensor, h_BG: Tensor, state: Tensors) -> Tensors:
    """(h, c) of a long short-term memory (Hochreiter and Schmidhuber, 1997; forget gate: Gers et al., 2000)."""
    i_BH, f_BH, g_BH, o_BH = (x_BG + h_BG).chunk(4, dim=-1)
    c_BH = f_BH.sigmoid() * state[1] + i_BH.sigmoid() * g_BH.tanh()
    return o_BH.sigmoid() * c_BH.tanh(), c_BH


def gru_step(x_BG: Tensor, h_BG: Tensor, state: Tensors) -> Tensors:
    """(h,) of a gated recurrent unit (Cho et al., 2014), in cuDNN's and torch's form: the reset gate multiplies the
    product of the state, not the state.
    """
    xr_BH, xz_BH, xn_BH = x_BG.chunk(3, dim=-1)
    hr_BH, hz_BH, hn_BH = h_BG.chunk(3, dim=-1)
    r_BH, z_BH = (xr_BH + hr_BH).sigmoid(), (xz_BH + hz_BH).sigmoid()
    n_BH = (xn_BH + r_BH * hn_BH).tanh()
    return (n_BH + z_BH * (state[0] - n_BH),)


def rnn_step(x_BG: Tensor, h_BG: Tensor, state: Tensors) -> Tensors:
    """(h,) of a plain recurrent network (Elman, 1990)."""
    return (torch.tanh(x_BG + h_BG),)


@dataclass(frozen=True)
class Cell:
    """What tells the cells apart.

    Attributes:
        name: as in a config.
        num_gates: G / H.
        num_states: tensors of the state: 2 with a memory beside h.
        splits: x_BG and h_BG are needed apart, not only their sum.
        step: see above.
    """

    name: CellName
    num_gates: int
    num_states: int
    splits: bool
    step: Callable[[Tensor, Tensor, Tensors], Tensors]


CELLS: dict[CellName, Cell] = {
    "lstm": Cell("lstm", num_gates=4, num_states=2, splits=False, step=lstm_step),
    "gru": Cell("gru", num_gates=3, num_states=1, splits=True, step=gru_step),
    "rnn": Cell("rnn", num_gates=1, num_states=1, splits=False, step=rnn_step),
}
