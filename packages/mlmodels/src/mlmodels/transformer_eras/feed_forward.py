"""Feed-forward networks: ReLU, GELU (Hendrycks and Gimpel, 2016), SwiGLU (Shazeer, 2020), ReLU² (So et al., 2021)."""

from torch import Tensor, nn
from torch.nn import functional

from mlmodels.transformer_eras.shape import BlockShape


class FeedForward(nn.Module):
    """(…, d_model) -> (…, d_model) through `d_ffn` features."""

    def __init__(self, config: BlockShape) -> None:
        super().__init__()
        self.kind = config.feed_forward
        self.up = nn.Linear(config.d_model, config.d_ffn, bias=config.bias)
        is_gated = config.feed_forward == "swiglu"
        self.gate = nn.Linear(config.d_model, config.d_ffn, bias=config.bias) if is_gated else None
        self.output = nn.Linear(config.d_ffn, config.d_model, bias=config.bias)

    def forward(self, x: Tensor) -> Tensor:
        return self.output(self._activated(x))

    def _activated(self, x: Tensor) -> Tensor:
        if self.gate is not None:
            return functional.silu(self.gate(x)) * self.up(x)
        if self.kind == "gelu":
            return functional.gelu(self.up(x))
        hidden = functional.relu(self.up(x))
        return hidden.square() if self.kind == "relu_squared" else hidden
