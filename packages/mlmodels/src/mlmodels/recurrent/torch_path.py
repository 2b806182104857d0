"""A whole stack in torch's own operation: oneDNN or ATen on the CPU, cuDNN on CUDA. Without normalisation only.

T time, B batch, I inputs, H hidden units, L layers times directions, D directions.
"""

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

from mlmodels.recurrent.config import CellName
from mlmodels.recurrent.state import Tensors

_MODULES: dict[CellName, type[nn.LSTM | nn.GRU | nn.RNN]] = {"lstm": nn.LSTM, "gru": nn.GRU, "rnn": nn.RNN}


class TorchStack:
    """Runs weights that belong to somebody else; has none of its own."""

    def __init__(
        self,
        cell: CellName,
        input_size: int,
        hidden_size: int,
        num_layers: int,
        dropout: float,
        bidirectional: bool,
    ) -> None:
        self.module = _MODULES[cell](
            input_size, hidden_size, num_layers, dropout=dropout, bidirectional=bidirectional, device="meta"
        )

    def run(
        self,
        weights: Sequence[Tensor],
        x_TBI: Tensor,
        state: Tensors | None,
        *,
        training: bool,
        lengths_B: Tensor | None = None,
    ) -> tuple[Tensor, Tensors]:
        """Outputs (T, B, D·H) and final states (L, B, H) of `weights`, in the order of torch's names.

        With `lengths_B` outputs beyond a sequence's length are 0.
        """
        module = self.module.train(training)
        module._flat_weights = list(weights)
        try:
            if x_TBI.is_cuda and len({w.untyped_storage().data_ptr() for w in weights}) > 1:
                module.flatten_parameters()  # into one piece of memory, which cuDNN wants; the tensors stay the same
            hx = state if state is None or len(state) == 2 else state[0]
            if lengths_B is None:
                y_TBH, final = module(x_TBI, hx)
            else:
                packed = pack_padded_sequence(x_TBI, lengths_B.cpu(), enforce_sorted=False)
                packed_y, final = module(packed, hx)
                y_TBH, _ = pad_packed_sequence(packed_y, total_length=x_TBI.shape[0])
        finally:
            module._flat_weights = []
        return y_TBH, final if isinstance(final, tuple) else (final,)


def is_available(x: Tensor) -> bool:
    """torch's operation has no kernels for float16 on the CPU."""
    return not (x.device.type == "cpu" and x.dtype == torch.float16)
