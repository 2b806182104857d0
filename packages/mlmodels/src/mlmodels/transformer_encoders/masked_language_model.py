"""BERT as a masked language model (Devlin et al., 2019): which tokens stand where tokens were hidden?

B batch, T time, D features, V vocabulary.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional

from mlmodels.base_model import BaseModel
from mlmodels.transformer_encoders.bert import BertBody, initialise
from mlmodels.transformer_encoders.config import BertConfig
from mlmodels.transformer_encoders.size import flops_per_token
from mlmodels.transformer_eras.norms import make_norm


class Bert(BaseModel):
    """Logits of the token at every position, told from both sides. `config.mask_id` hides one.

    It has no `generate`: a text has no right side while it is being written.
    """

    def __init__(self, config: BertConfig) -> None:
        super().__init__()
        self.config = config
        self.body = BertBody(config)
        self.transform = nn.Linear(config.d_model, config.d_model)
        self.transform_norm = make_norm(config)
        self.head = None if config.tie_weights else nn.Linear(config.d_model, config.vocab_size, bias=False)
        self.head_bias = nn.Parameter(torch.empty(config.vocab_size))

    @property
    def dim(self) -> int:
        return self.config.d_model

    @property
    def context_length(self) -> int:
        """The longest text, in tokens."""
        return self.config.max_seq_len

    @torch.no_grad()
    def init_weights(self, generator: torch.Generator | None = None) -> None:
        """As in 2019, see `bert.initialise`."""
        initialise(self, self.config.init_std, generator)
        nn.init.zeros_(self.head_bias)

    def forward(
        self, tokens_BT: Tensor, is_token_BT: Tensor | None = None, segments_BT: Tensor | None = None
    ) -> Tensor:
        """Logits (B, T, V); see `BertBody.forward` for the arguments. The mask itself is never an answer."""
        hidden_BTD = self.body(tokens_BT, is_token_BT, segments_BT)
        features_BTD = self.transform_norm(functional.gelu(self.transform(hidden_BTD)))
        if self.head is not None:
            return self.head(features_BTD) + self.head_bias
        weight_VD = self.body.token_embedding.weight[: self.config.vocab_size]
        return functional.linear(features_BTD, weight_VD, self.head_bias)

    @torch.no_grad()
    def logits(self, input_ids: Tensor) -> Tensor:
        """Inference: as `forward`, without dropout in either mode and without a graph."""
        was_training = self.training
        self.eval()
        try:
            return self(input_ids)
        finally:
            self.train(was_training)

    def parameter_roles(self) -> dict[str, list[Tensor]]:
        """Each parameter once, by what it does: matrices, embeddings, head, scalars and vectors."""
        embeddings = [m.weight for m in self.body.modules() if isinstance(m, nn.Embedding)]
        head = [] if self.head is None else [self.head.weight]
        placed = {id(parameter) for parameter in (*embeddings, *head)}
        rest: list[Tensor] = [parameter for parameter in self.parameters() if id(parameter) not in placed]
        return {
            "matrices": [parameter for parameter in rest if parameter.ndim >= 2],
            "embeddings": embeddings,
            "head": head,
            "scalars": [parameter for parameter in rest if parameter.ndim < 2],
        }

    def flops_per_token(self, context: int | None = None) -> float:
        """Operations of one token in training, see `size.flops_per_token`."""
        return flops_per_token(self.config, context or self.config.max_seq_len)
