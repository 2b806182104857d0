"""Single cells, for loops of one's own: the same calls and state dicts as torch's LSTMCell, GRUCell and RNNCell.

B batch, I inputs, H hidden units.
"""

from typing import ClassVar

import torch
from torch import Tensor, nn

from mlmodels.recurrent.config import CellName
from mlmodels.recurrent.plain import run_step
from mlmodels.recurrent.state import State, checked_tensors, state_of
from mlmodels.recurrent.steps import CELLS
from mlmodels.recurrent.weights import Weights, initialise, new_parameters


class _SingleCell(nn.Module):
    """What the cells share: parameters, their start, and one step."""

    cell_name: ClassVar[CellName]
    weight_ih: nn.Parameter
    weight_hh: nn.Parameter
    bias_ih: nn.Parameter
    bias_hh: nn.Parameter

    def __init__(self, input_size: int, hidden_size: int, layer_norm: bool = False) -> None:
        super().__init__()
        self.input_size = input_size
        self.hidden_size = hidden_size
        self.cell = CELLS[self.cell_name]
        for name, parameter in new_parameters(self.cell, input_size, hidden_size).items():
            self.register_parameter(name, parameter)
        num_gates = self.cell.num_gates * hidden_size
        self.ln_ih = nn.LayerNorm(num_gates) if layer_norm else None
        self.ln_hh = nn.LayerNorm(num_gates) if layer_norm else None
        self.reset_parameters()

    def reset_parameters(self, generator: torch.Generator | None = None) -> None:
        """Set the starting values, see `weights.initialise`."""
        initialise(self.cell, self.weights(), generator)

    def weights(self) -> Weights:
        """The parameters, not copied."""
        return Weights(self.weight_ih, self.weight_hh, self.bias_ih, self.bias_hh, self.ln_ih, self.ln_hh)

    def _step(self, x_BI: Tensor, state: State | None) -> State:
        if x_BI.dim() != 2 or x_BI.shape[1] != self.input_size:
            raise ValueError(f"an input of shape {tuple(x_BI.shape)}; needed: (batch, {self.input_size})")
        shape = (x_BI.shape[0], self.hidden_size)
        if state is None:
            tensors = (x_BI.new_zeros(shape),) * self.cell.num_states
        else:
            tensors = checked_tensors(state, self.cell.num_states, shape)
        return state_of(run_step(self.cell, self.weights(), x_BI, tensors))


class LSTMCell(_SingleCell):
    """(h, c) after one input (Hochreiter and Schmidhuber, 1997).

    Args:
        layer_norm: normalise the 4H pre-activations of input and state separately, biases after it (Ba et al., 2016).
    """

    cell_name = "lstm"

    def forward(self, x_BI: Tensor, state: tuple[Tensor, Tensor] | None = None) -> tuple[Tensor, Tensor]:
        """`x_BI` (B, I) and the state before, two of (B, H) (None: zeros) → the state after."""
        h_BH, c_BH = self._step(x_BI, state)
        return h_BH, c_BH


class GRUCell(_SingleCell):
    """h after one input (Cho et al., 2014); arguments as for `LSTMCell`, with 3H pre-activations."""

    cell_name = "gru"

    def forward(self, x_BI: Tensor, state: Tensor | None = None) -> Tensor:
        """`x_BI` (B, I) and the state before (B, H) (None: zeros) → the state after."""
        h_BH = self._step(x_BI, state)
        assert isinstance(h_BH, Tensor)
        return h_BH


class RNNCell(_SingleCell):
    """h = tanh(…) after one input (Elman, 1990); arguments as for `LSTMCell`, with H pre-activations."""

    cell_name = "rnn"

    def forward(self, x_BI: Tensor, state: Tensor | None = None) -> Tensor:
        """`x_BI` (B, I) and the state before (B, H) (None: zeros) → the state after."""
        h_BH = self._step(x_BI, state)
        assert isinstance(h_BH, Tensor)
        return h_BH
