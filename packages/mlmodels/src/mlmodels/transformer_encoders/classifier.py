"""BERT as a classifier of whole texts (Devlin et al., 2019).

B batch, T time, D features, K classes.
"""

import torch
from torch import Tensor, nn

from mlmodels.base_model import BaseModel
from mlmodels.recurrent.padding import checked_lengths, lengths_without_padding
from mlmodels.transformer_encoders.bert import BertBody, initialise
from mlmodels.transformer_encoders.config import BertClassifierConfig
from mlmodels.transformer_encoders.size import flops_per_token


class BertClassifier(BaseModel):
    """The body reads the whole text; the pooler (linear, tanh) and a linear head read its class token or its mean."""

    def __init__(self, config: BertClassifierConfig) -> None:
        super().__init__()
        self.config = config
        self.body = BertBody(config)
        self.pooler = nn.Linear(config.d_model, config.d_model)
        self.dropout = nn.Dropout(config.dropout)
        self.head = nn.Linear(config.d_model, config.num_classes)

    @property
    def dim(self) -> int:
        return self.config.d_model

    @property
    def flops_per_token(self) -> float:
        """Operations of one token in training, in texts as long as the model reads; see `size.flops_per_token`."""
        return flops_per_token(self.config, self.config.max_seq_len)

    def init_weights(self, generator: torch.Generator | None = None) -> None:
        """As in 2019, see `bert.initialise`."""
        initialise(self, self.config.init_std, generator)

    def forward(
        self, tokens_BT: Tensor, lengths_B: Tensor | None = None, segments_BT: Tensor | None = None
    ) -> Tensor:
        """Logits (B, K) of texts padded on the right.

        `lengths_B` (1 … T) says how long each is; None: up to its last token that is not `pad_id`, and at least one.

        Raises:
            ValueError: lengths that do not fit the tokens; a text that is longer than `max_seq_len`.
        """
        return self.head(self.dropout(self.features(tokens_BT, lengths_B, segments_BT)))

    def features(
        self, tokens_BT: Tensor, lengths_B: Tensor | None = None, segments_BT: Tensor | None = None
    ) -> Tensor:
        """What the head sees: (B, D)."""
        num_texts, num_tokens = tokens_BT.shape
        if lengths_B is None:
            lengths_B = lengths_without_padding(tokens_BT, self.config.pad_id)
        else:
            lengths_B = checked_lengths(lengths_B, num_texts, num_tokens).to(tokens_BT.device)
        has_class_token = self.config.pooling == "class_token"
        if has_class_token:
            tokens_BT = torch.cat(
                [tokens_BT.new_full((num_texts, 1), self.config.class_id), tokens_BT], dim=1
            )
            lengths_B = lengths_B + 1
            if segments_BT is not None:
                segments_BT = torch.cat([segments_BT[:, :1], segments_BT], dim=1)
        is_token_BT = torch.arange(tokens_BT.shape[1], device=tokens_BT.device) < lengths_B[:, None]
        hidden_BTD = self.body(tokens_BT, is_token_BT, segments_BT)
        if has_class_token:
            pooled_BD = hidden_BTD[:, 0]
        else:
            pooled_BD = hidden_BTD.masked_fill(~is_token_BT[..., None], 0).sum(dim=1) / lengths_B[:, None]
        return torch.tanh(self.pooler(pooled_BD))
