"""BERT without a head (Devlin et al., 2019): embeddings, and blocks in which every token sees the whole text.

B batch, T time, D features.
"""

import torch
from torch import Tensor, nn

from mlmodels.transformer_encoders.config import BertClassifierConfig, BertConfig
from mlmodels.transformer_encoders.encoder import Encoder
from mlmodels.transformer_eras.initialisation import reset_biases_and_norms
from mlmodels.transformer_eras.norms import make_norm
from mlmodels.transformer_eras.positions import Rotation, rotation_tables


class BertBody(nn.Module):
    """Tokens, positions and segments are embedded, added and normalised; then the blocks."""

    def __init__(self, config: BertConfig | BertClassifierConfig) -> None:
        super().__init__()
        self.config = config
        width, is_learned = config.d_model, config.positions == "learned"
        self.token_embedding = nn.Embedding(config.vocab_size + config.num_own_tokens, width)
        self.position_embedding = nn.Embedding(config.num_positions, width) if is_learned else None
        self.segment_embedding = nn.Embedding(config.num_segments, width) if config.num_segments else None
        self.embedding_norm = make_norm(config)
        self.dropout = nn.Dropout(config.dropout)
        self.encoder = Encoder(config)
        if not is_learned:
            tables = rotation_tables(config.num_positions, config.head_width, config.rope_base)
            self.register_buffer("cosines", tables.cosines_TK, persistent=False)
            self.register_buffer("sines", tables.sines_TK, persistent=False)

    def forward(
        self, tokens_BT: Tensor, is_token_BT: Tensor | None = None, segments_BT: Tensor | None = None
    ) -> Tensor:
        """(B, T, D) of integer tokens.

        Args:
            is_token_BT: false where there is padding, which changes no other position's output; None: nowhere.
            segments_BT: 0 to `num_segments` - 1; None: 0 everywhere.

        Raises:
            ValueError: more positions than the config has, or segments for a model that knows none.
        """
        x_BTD = self.dropout(self._embedded(tokens_BT, segments_BT))
        return self.encoder(x_BTD, is_token_BT, self._rotation(tokens_BT.shape[1]))

    def _embedded(self, tokens_BT: Tensor, segments_BT: Tensor | None) -> Tensor:
        num_positions = tokens_BT.shape[1]
        if num_positions > self.config.num_positions:
            raise ValueError(
                f"{num_positions} tokens, but the model has {self.config.num_positions} positions"
            )
        x_BTD = self.token_embedding(tokens_BT)
        if self.position_embedding is not None:
            x_BTD = x_BTD + self.position_embedding.weight[:num_positions]
        if self.segment_embedding is not None:
            segments_BT = torch.zeros_like(tokens_BT) if segments_BT is None else segments_BT
            x_BTD = x_BTD + self.segment_embedding(segments_BT)
        elif segments_BT is not None:
            raise ValueError("segments for a model without any: see num_segments")
        return self.embedding_norm(x_BTD)

    def _rotation(self, num_positions: int) -> Rotation | None:
        if self.config.positions != "rope":
            return None
        return Rotation(self.get_buffer("cosines")[:num_positions], self.get_buffer("sines")[:num_positions])


@torch.no_grad()
def initialise(model: nn.Module, std: float, generator: torch.Generator | None = None) -> None:
    """Matrices and embeddings N(0, std), biases 0, norms 1 and 0, as in 2019; in the order of the layers."""
    reset_biases_and_norms(model)
    for module in model.modules():
        if isinstance(module, nn.Linear | nn.Embedding):
            nn.init.normal_(module.weight, 0.0, std, generator=generator)
