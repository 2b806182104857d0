"""The weights of one cell, or of one direction of one layer, and how they start.

H hidden units, G gates, I inputs.
"""

from typing import NamedTuple

import torch
from torch import Tensor, nn

from mlmodels.recurrent.steps import Cell

# Of an LSTM's forget gate. Normalised pre-activations have the gain as their standard deviation, and twice, from x and
# from h; at gain 1 σ(1 + noise) is 0.68 on average, at 0.3 it is 0.724, close to the 0.731 of bias 1. The other gates
# begin at 1: with 0.3 for all of them 120 steps on characters (64 → 128 × 2) ended at 2.33 nats instead of 2.12.
FORGET_GAIN = 0.3


class Weights(NamedTuple):
    """Two bias vectors, as torch has them; a normalisation's own bias comes on top (both after it)."""

    weight_ih_GI: Tensor
    weight_hh_GH: Tensor
    bias_ih_G: Tensor
    bias_hh_G: Tensor
    norm_ih: nn.LayerNorm | None = None
    norm_hh: nn.LayerNorm | None = None


def new_parameters(cell: Cell, input_size: int, hidden_size: int) -> dict[str, nn.Parameter]:
    """Uninitialised parameters under torch's names."""
    num_gates = cell.num_gates * hidden_size
    return {
        "weight_ih": nn.Parameter(torch.empty(num_gates, input_size)),
        "weight_hh": nn.Parameter(torch.empty(num_gates, hidden_size)),
        "bias_ih": nn.Parameter(torch.empty(num_gates)),
        "bias_hh": nn.Parameter(torch.empty(num_gates)),
    }


@torch.no_grad()
def initialise(cell: Cell, weights: Weights, generator: torch.Generator | None = None) -> None:
    """Xavier-uniform weights (Glorot and Bengio, 2010), biases 0, an LSTM's forget bias 1 (Jozefowicz et al., 2015);
    normalisations begin with gain 1, that of the forget gate with `FORGET_GAIN`.

    The biases are added after the normalisation. Inside it the forget bias would be spread over all gates: +1.73 on
    f, -0.58 on the others.
    """
    nn.init.xavier_uniform_(weights.weight_ih_GI, generator=generator)
    nn.init.xavier_uniform_(weights.weight_hh_GH, generator=generator)
    nn.init.zeros_(weights.bias_ih_G)
    nn.init.zeros_(weights.bias_hh_G)
    norms = [norm for norm in (weights.norm_ih, weights.norm_hh) if norm is not None]
    for norm in norms:
        norm.reset_parameters()
    if cell.name == "lstm":
        hidden_size = weights.weight_hh_GH.shape[1]
        forget_gate = slice(hidden_size, 2 * hidden_size)
        nn.init.ones_(weights.bias_ih_G[forget_gate])
        for norm in norms:
            nn.init.constant_(norm.weight[forget_gate], FORGET_GAIN)
