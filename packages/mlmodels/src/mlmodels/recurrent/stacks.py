"""LSTM, GRU and VanillaRNN: layers on top of one another, with the names and calls of torch's.

T time, B batch, I inputs, H hidden units, D directions, L layers times directions.
"""

from functools import partial
from typing import ClassVar

import torch
from torch import Tensor, nn
from torch.nn import functional

from mlmodels.recurrent import fast_path, plain
from mlmodels.recurrent.buffer_pool import BufferPool
from mlmodels.recurrent.config import CellName, Kernels
from mlmodels.recurrent.padding import checked_lengths, is_valid, reverse_within_lengths
from mlmodels.recurrent.paths import Path, choose_path
from mlmodels.recurrent.state import State, Tensors, checked_tensors, state_of
from mlmodels.recurrent.steps import CELLS
from mlmodels.recurrent.torch_path import TorchStack
from mlmodels.recurrent.weights import Weights, initialise, new_parameters


class RecurrentStack(nn.Module):
    """A stack of one kind of cell; state dicts are interchangeable with torch's (without normalisation).

    Args:
        input_size: I.
        hidden_size: H, of each direction.
        dropout: between two layers, in training.
        bidirectional: a second direction reads from the end; outputs have 2H features.
        layer_norm: normalise the pre-activations of input and state separately (Ba et al., 2016).
        batch_first: inputs and outputs are (B, T, …) instead of (T, B, …); states stay (L, B, H).
        kernels: see the configs.
    """

    cell_name: ClassVar[CellName]

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        num_layers: int = 1,
        *,
        dropout: float = 0.0,
        bidirectional: bool = False,
        layer_norm: bool = False,
        batch_first: bool = False,
        kernels: Kernels = "auto",
    ) -> None:
        super().__init__()
        self.input_size, self.hidden_size, self.num_layers = input_size, hidden_size, num_layers
        self.dropout, self.bidirectional, self.layer_norm = dropout, bidirectional, layer_norm
        self.batch_first = batch_first
        self.kernels: Kernels = kernels
        self.cell = CELLS[self.cell_name]
        self._suffixes = [
            [f"_l{layer}{end}" for end in ("", "_reverse")[: self.num_directions]]
            for layer in range(num_layers)
        ]
        for layer, suffixes in enumerate(self._suffixes):
            for suffix in suffixes:
                self._add_weights(input_size if layer == 0 else self.output_size, suffix)
        # A plain object, not a submodule: it has no weights of its own.
        self._torch_stack = TorchStack(
            self.cell_name, input_size, hidden_size, num_layers, dropout, bidirectional
        )
        self._pool = BufferPool()
        self.reset_parameters()

    @property
    def num_directions(self) -> int:
        return 2 if self.bidirectional else 1

    @property
    def output_size(self) -> int:
        """Features of an output: D·H."""
        return self.num_directions * self.hidden_size

    def reset_parameters(self, generator: torch.Generator | None = None) -> None:
        """Set the starting values, see `weights.initialise`."""
        for suffixes in self._suffixes:
            for suffix in suffixes:
                initialise(self.cell, self.weights(suffix), generator)

    def weights(self, suffix: str) -> Weights:
        """The parameters of one layer and direction (`suffix` as in torch's names: _l0, _l0_reverse), not copied."""
        names = ("weight_ih", "weight_hh", "bias_ih", "bias_hh")
        norms = ("ln_ih", "ln_hh") if self.layer_norm else ()
        return Weights(*(getattr(self, name + suffix) for name in (*names, *norms)))

    def path(self, x: Tensor) -> Path:
        """How an input would be computed: plain, fast or torch."""
        return choose_path(self.kernels, self.cell_name, self.layer_norm, x)

    def forward(
        self, x: Tensor, state: State | None = None, lengths_B: Tensor | None = None
    ) -> tuple[Tensor, State | None]:
        """Outputs of the last layer, (T, B, D·H), and the final state, (L, B, H) or a pair of them.

        Args:
            x: (T, B, I), or (B, T, I) with `batch_first`.
            state: the state before the first step; None: zeros.
            lengths_B: sequences are padded on the right beyond these. The padding influences nothing, outputs
                there are 0, and no state is returned: such sequences do not continue.

        Raises:
            ValueError: shapes that do not fit.
        """
        x_TBI = x.transpose(0, 1) if self.batch_first and x.dim() == 3 else x
        if x_TBI.dim() != 3 or x_TBI.shape[0] == 0 or x_TBI.shape[2] != self.input_size:
            axes = "batch, time" if self.batch_first else "time, batch"
            raise ValueError(f"an input of shape {tuple(x.shape)}; needed: ({axes}, {self.input_size})")
        num_steps, batch_size, _ = x_TBI.shape
        shape = (self.num_layers * self.num_directions, batch_size, self.hidden_size)
        tensors = None if state is None else checked_tensors(state, self.cell.num_states, shape)
        if lengths_B is not None:
            lengths_B = checked_lengths(lengths_B, batch_size, num_steps).to(x.device)
        path = self.path(x_TBI)
        if path == "torch":
            y_TBH, final = self._run_torch(x_TBI, tensors, lengths_B)
        else:
            if tensors is None:
                tensors = (x_TBI.new_zeros(shape),) * self.cell.num_states
            y_TBH, final = self._run_layers(path, x_TBI, tensors, lengths_B)
        y = y_TBH.transpose(0, 1) if self.batch_first else y_TBH
        return y, None if lengths_B is not None else state_of(final)

    def _run_torch(
        self, x_TBI: Tensor, state: Tensors | None, lengths_B: Tensor | None
    ) -> tuple[Tensor, Tensors]:
        flat = [tensor for suffixes in self._suffixes for s in suffixes for tensor in self.weights(s)[:4]]
        return self._torch_stack.run(flat, x_TBI, state, training=self.training, lengths_B=lengths_B)

    def _run_layers(
        self, path: Path, x_TBI: Tensor, state: Tensors, lengths_B: Tensor | None
    ) -> tuple[Tensor, Tensors]:
        finals: list[Tensors] = []
        for layer, suffixes in enumerate(self._suffixes):
            if layer:
                x_TBI = functional.dropout(x_TBI, self.dropout, self.training)
            outputs = []
            for suffix in suffixes:
                start = tuple(tensor_LBH[len(finals)] for tensor_LBH in state)
                y_TBH, final = self._run_direction(path, suffix, x_TBI, start, lengths_B)
                outputs.append(y_TBH)
                finals.append(final)
            x_TBI = outputs[0] if len(outputs) == 1 else torch.cat(outputs, dim=-1)
        if lengths_B is not None:
            x_TBI = x_TBI * is_valid(lengths_B, x_TBI.shape[0]).unsqueeze(-1)
        return x_TBI, tuple(torch.stack(tensors).to(state[0].dtype) for tensors in zip(*finals, strict=True))

    def _run_direction(
        self, path: Path, suffix: str, x_TBI: Tensor, state: Tensors, lengths_B: Tensor | None
    ) -> tuple[Tensor, Tensors]:
        weights, reverse = self.weights(suffix), suffix.endswith("_reverse")
        run_layer = partial(fast_path.run_layer, pool=self._pool) if path == "fast" else plain.run_layer
        if lengths_B is None or not reverse:
            return run_layer(self.cell, weights, x_TBI, state, reverse=reverse)
        mirrored_TBI = reverse_within_lengths(x_TBI, lengths_B)
        y_TBH, final = run_layer(self.cell, weights, mirrored_TBI, state, reverse=False)
        return reverse_within_lengths(y_TBH, lengths_B), final

    def _add_weights(self, input_size: int, suffix: str) -> None:
        for name, parameter in new_parameters(self.cell, input_size, self.hidden_size).items():
            self.register_parameter(name + suffix, parameter)
        if self.layer_norm:
            num_gates = self.cell.num_gates * self.hidden_size
            self.add_module(f"ln_ih{suffix}", nn.LayerNorm(num_gates))
            self.add_module(f"ln_hh{suffix}", nn.LayerNorm(num_gates))


class LSTM(RecurrentStack):
    """Long short-term memory (Hochreiter and Schmidhuber, 1997); its state is a pair (h, c)."""

    cell_name = "lstm"


class GRU(RecurrentStack):
    """Gated recurrent units (Cho et al., 2014)."""

    cell_name = "gru"


class VanillaRNN(RecurrentStack):
    """Plain recurrent network with tanh (Elman, 1990)."""

    cell_name = "rnn"
