"""A stack of blocks in which every position sees all others.

B batch, T positions, D features.
"""

from collections.abc import Sequence

from torch import Tensor, nn

from mlmodels.transformer_encoders.config import EncoderConfig
from mlmodels.transformer_eras.block import Block
from mlmodels.transformer_eras.norms import make_norm
from mlmodels.transformer_eras.positions import Rotation


class Encoder(nn.Module):
    """The blocks, and with norms before the parts one more at the end (Vaswani et al., 2017; Xiong et al., 2020)."""

    def __init__(self, config: EncoderConfig) -> None:
        super().__init__()
        self.blocks: Sequence[Block] = nn.ModuleList(Block(config) for _ in range(config.n_layers))  # type: ignore[assignment]
        self.norm = make_norm(config) if config.norm_position == "pre" else None

    def forward(
        self, x_BTD: Tensor, is_token_BT: Tensor | None = None, rotation: Rotation | None = None
    ) -> Tensor:
        """(B, T, D); nobody sees positions that are false in `is_token_BT`, and what stands there means nothing."""
        for block in self.blocks:
            x_BTD = block(x_BTD, is_token_BT, rotation)
        return x_BTD if self.norm is None else self.norm(x_BTD)
