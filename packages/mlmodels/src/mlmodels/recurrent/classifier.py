"""A recurrent classifier of whole sequences, in one direction or two (Schuster and Paliwal, 1997).

B batch, T time, E embedding, H hidden units, D directions, K classes.
"""

import torch
from torch import Tensor, nn

from mlmodels.base_model import BaseModel
from mlmodels.recurrent.config import RecurrentClassifierConfig
from mlmodels.recurrent.construction import make_stack
from mlmodels.recurrent.padding import checked_lengths, is_valid, lengths_without_padding
from mlmodels.recurrent.size import flops_per_token


class RecurrentClassifier(BaseModel):
    """Embedding, recurrent layers, pooling over what is no padding, linear head."""

    def __init__(self, config: RecurrentClassifierConfig) -> None:
        super().__init__()
        self.config = config
        self.embedding = nn.Embedding(config.vocab_size, config.embedding_size)
        self.embedding_dropout = nn.Dropout(config.embedding_dropout)
        self.recurrent = make_stack(config)
        self.output_dropout = nn.Dropout(config.output_dropout)
        self.head = nn.Linear(self.recurrent.output_size, config.num_classes)

    @property
    def dim(self) -> int:
        return self.recurrent.output_size

    @property
    def flops_per_token(self) -> float:
        """Operations of one token in training, see `size.flops_per_token`."""
        return flops_per_token(self.config)

    @torch.no_grad()
    def init_weights(self, generator: torch.Generator | None = None) -> None:
        """As `RecurrentLanguageModel.init_weights`."""
        nn.init.normal_(self.embedding.weight, generator=generator)
        self.recurrent.reset_parameters(generator)
        nn.init.xavier_uniform_(self.head.weight, generator=generator)
        nn.init.zeros_(self.head.bias)

    def forward(self, tokens_BT: Tensor, lengths_B: Tensor | None = None) -> Tensor:
        """Logits (B, K) of sequences padded on the right.

        `lengths_B` (1 … T) says how long each is; None: up to its last token that is not `pad_id`, and at least one.

        Raises:
            ValueError: lengths that do not fit the tokens.
        """
        return self.head(self.output_dropout(self.features(tokens_BT, lengths_B)))

    def features(self, tokens_BT: Tensor, lengths_B: Tensor | None = None) -> Tensor:
        """What the head sees: (B, D·H)."""
        num_steps = tokens_BT.shape[1]
        if lengths_B is None:
            lengths_B = lengths_without_padding(tokens_BT, self.config.pad_id)
        else:
            lengths_B = checked_lengths(lengths_B, len(tokens_BT), num_steps).to(tokens_BT.device)
        x_BTE = self.embedding_dropout(self.embedding(tokens_BT))
        y_BTH, _ = self.recurrent(x_BTE, lengths_B=lengths_B)
        return self._pooled(y_BTH, lengths_B)

    def _pooled(self, y_BTH: Tensor, lengths_B: Tensor) -> Tensor:
        if self.config.pooling == "mean":  # outputs beyond a sequence's end are 0
            return y_BTH.sum(dim=1) / lengths_B.unsqueeze(1)
        if self.config.pooling == "max":
            valid_BT = is_valid(lengths_B, y_BTH.shape[1]).T
            return y_BTH.masked_fill(~valid_BT.unsqueeze(-1), float("-inf")).amax(dim=1)
        hidden = self.config.hidden_size
        rows_B = torch.arange(len(y_BTH), device=y_BTH.device)
        last_BH = y_BTH[rows_B, lengths_B - 1, :hidden]
        if not self.config.bidirectional:
            return last_BH
        return torch.cat(
            [last_BH, y_BTH[:, 0, hidden:]], dim=1
        )  # the backward direction ends at the beginning
