"""One block: attention, then the feed-forward network, each added to the stream, with the norm after or before it."""

from torch import Tensor, nn

from mlmodels.generation.key_values import KeyValues
from mlmodels.transformer_eras.attention import Attention, Mask
from mlmodels.transformer_eras.feed_forward import FeedForward
from mlmodels.transformer_eras.norms import make_norm
from mlmodels.transformer_eras.positions import Rotation
from mlmodels.transformer_eras.shape import BlockShape


class Block(nn.Module):
    """Post-norm is that of 2017; pre-norm keeps the stream itself unnormalised (Xiong et al., 2020).

    B batch, T time, D features, E features of the value heads.
    """

    def __init__(self, config: BlockShape, *, mixes_values: bool = False) -> None:
        super().__init__()
        self.is_post_norm = config.norm_position == "post"
        self.attention = Attention(config, mixes_values=mixes_values)
        self.feed_forward = FeedForward(config)
        self.norm_1, self.norm_2 = make_norm(config), make_norm(config)
        self.dropout = nn.Dropout(config.dropout)

    def forward(
        self,
        x_BTD: Tensor,
        mask: Mask,
        rotation: Rotation | None = None,
        value_embedding_BTE: Tensor | None = None,
        past: KeyValues | None = None,
    ) -> Tensor:
        """(B, T, D). Who sees whom says `mask`, see `attention.Attention`."""
        if self.is_post_norm:
            attended_BTD = self.attention(x_BTD, mask, rotation, value_embedding_BTE, past)
            x_BTD = self.norm_1(x_BTD + self.dropout(attended_BTD))
            return self.norm_2(x_BTD + self.dropout(self.feed_forward(x_BTD)))
        attended_BTD = self.attention(self.norm_1(x_BTD), mask, rotation, value_embedding_BTE, past)
        x_BTD = x_BTD + self.dropout(attended_BTD)
        return x_BTD + self.dropout(self.feed_forward(self.norm_2(x_BTD)))
