"""The transformer of any era: which parts it is made of stands in its config.

B batch, T time, D features, E features of the value heads, L layers, V vocabulary.
"""

import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn

from mlmodels.base_model import BaseModel
from mlmodels.generation.cached import generate
from mlmodels.generation.key_values import KeyValues
from mlmodels.generation.sampling import SamplingOptions
from mlmodels.transformer_eras.block import Block
from mlmodels.transformer_eras.config import EraTransformerConfig
from mlmodels.transformer_eras.initialisation import initialise
from mlmodels.transformer_eras.norms import make_norm
from mlmodels.transformer_eras.positions import Rotation, rotation_tables, sinusoids
from mlmodels.transformer_eras.size import flops_per_token


class EraTransformer(BaseModel):
    """A decoder-only language model: logits of the token after each position."""

    def __init__(self, config: EraTransformerConfig) -> None:
        super().__init__()
        self.config = config
        self.token_embedding = nn.Embedding(config.vocab_size, config.d_model)
        self.value_embeddings = nn.ModuleDict(
            {
                str(layer): nn.Embedding(config.vocab_size, config.kv_width)
                for layer in config.value_embedding_layers
            }
        )
        is_learned = config.positions == "learned"
        self.position_embedding = nn.Embedding(config.max_seq_len, config.d_model) if is_learned else None
        self.embedding_norm = make_norm(config) if config.embedding_norm else None
        self.dropout = nn.Dropout(config.dropout)
        mixing = config.value_embedding_layers
        blocks = nn.ModuleList(Block(config, mixes_values=i in mixing) for i in range(config.n_layers))
        self.blocks: Sequence[Block] = blocks  # type: ignore[assignment]
        has_scalars, num_layers = config.residual_scalars, config.n_layers
        self.stream_scalars = nn.Parameter(torch.empty(num_layers)) if has_scalars else None
        self.embedding_scalars = nn.Parameter(torch.empty(num_layers)) if has_scalars else None
        self.norm = make_norm(config) if config.norm_position == "pre" else None
        self.head = nn.Linear(config.d_model, config.vocab_size, bias=config.head_bias)
        if config.tie_weights:
            self.head.weight = self.token_embedding.weight
        self._add_positions()

    def _add_positions(self) -> None:
        """Tables that follow the model to its device, and that no checkpoint needs."""
        config = self.config
        if config.positions == "sinusoidal":
            self.register_buffer("sinusoids", sinusoids(config.max_seq_len, config.d_model), persistent=False)
        elif config.positions == "rope":
            tables = rotation_tables(config.max_seq_len, config.head_width, config.rope_base)
            self.register_buffer("cosines", tables.cosines_TK, persistent=False)
            self.register_buffer("sines", tables.sines_TK, persistent=False)

    @property
    def dim(self) -> int:
        return self.config.d_model

    @property
    def context_length(self) -> int:
        """The longest context, in tokens."""
        return self.config.max_seq_len

    def init_weights(self, generator: torch.Generator | None = None) -> None:
        """The era's own scheme, see `initialisation.initialise`."""
        initialise(self, generator)

    def parameter_roles(self) -> dict[str, list[Tensor]]:
        """Each parameter once, by what it does: matrices of the blocks, embeddings, head, scalars and vectors."""
        embeddings = [self.token_embedding.weight, *self.value_embeddings.parameters()]
        embeddings += [] if self.position_embedding is None else [self.position_embedding.weight]
        head = [] if self.config.tie_weights else [self.head.weight]
        placed = {id(parameter) for parameter in (*embeddings, *head)}
        rest: list[Tensor] = [parameter for parameter in self.parameters() if id(parameter) not in placed]
        return {
            "matrices": [parameter for parameter in rest if parameter.ndim >= 2],
            "embeddings": embeddings,
            "head": head,
            "scalars": [parameter for parameter in rest if parameter.ndim < 2],
        }

    def forward(self, tokens_BT: Tensor, past: Sequence[KeyValues] | None = None) -> Tensor:
        """Logits (B, T, V) of integer tokens; with `past` they follow the positions that it holds.

        Raises:
            ValueError: more positions than `max_seq_len`.
        """
        start = 0 if past is None else past[0].length
        end = start + tokens_BT.shape[1]
        if end > self.config.max_seq_len:
            raise ValueError(f"{end} tokens, but max_seq_len is {self.config.max_seq_len}")
        x_BTD = embedding_BTD = self.dropout(self._embedded(tokens_BT, start, end))
        rotation = self._rotation(start, end)
        for layer, block in enumerate(self.blocks):
            if self.stream_scalars is not None and self.embedding_scalars is not None:
                x_BTD = self.stream_scalars[layer] * x_BTD + self.embedding_scalars[layer] * embedding_BTD
            key = str(layer)
            values_BTE = self.value_embeddings[key](tokens_BT) if key in self.value_embeddings else None
            x_BTD = block(x_BTD, "causal", rotation, values_BTE, None if past is None else past[layer])
        logits_BTV = self.head(x_BTD if self.norm is None else self.norm(x_BTD))
        cap = self.config.logit_soft_cap
        return logits_BTV if cap is None else cap * torch.tanh(logits_BTV / cap)

    def _embedded(self, tokens_BT: Tensor, start: int, end: int) -> Tensor:
        x_BTD = self.token_embedding(tokens_BT)
        if self.config.positions == "sinusoidal":
            x_BTD = x_BTD * math.sqrt(self.config.d_model) + self.get_buffer("sinusoids")[start:end]
        if self.position_embedding is not None:
            x_BTD = x_BTD + self.position_embedding.weight[start:end]
        return x_BTD if self.embedding_norm is None else self.embedding_norm(x_BTD)

    def _rotation(self, start: int, end: int) -> Rotation | None:
        if self.config.positions != "rope":
            return None
        return Rotation(self.get_buffer("cosines")[start:end], self.get_buffer("sines")[start:end])

    @torch.no_grad()
    def logits(self, input_ids: Tensor, past: Sequence[KeyValues] | None = None) -> Tensor:
        """Inference: as `forward`, without dropout in either mode and without a graph."""
        was_training = self.training
        self.eval()
        try:
            return self(input_ids, past)
        finally:
            self.train(was_training)

    def new_cache(self, batch_size: int) -> list[KeyValues]:
        """An empty KV cache for every block."""
        config, weight = self.config, self.token_embedding.weight
        return [
            KeyValues(batch_size, config.max_seq_len, config.kv_width, weight.dtype, weight.device)
            for _ in self.blocks
        ]

    def generate(
        self,
        input_ids: Tensor,
        *,
        max_new_tokens: int,
        temperature: float = 1.0,
        top_k: int | None = None,
        top_p: float | None = None,
        repetition_penalty: float = 1.0,
        generator: torch.Generator | None = None,
        seed: int | None = None,
        end_id: int | None = None,
        use_cache: bool = True,
    ) -> Tensor:
        """Continue the prompts (B, T); see `generation.cached.generate` and `SamplingOptions` for the options."""
        return generate(
            self,
            input_ids,
            max_new_tokens=max_new_tokens,
            options=SamplingOptions(temperature, top_k, top_p, repetition_penalty),
            generator=generator,
            seed=seed,
            end_id=end_id,
            use_cache=use_cache,
        )

    def flops_per_token(self, context: int | None = None) -> float:
        """Operations of one token in training, see `size.flops_per_token`."""
        return flops_per_token(self.config, context or self.config.max_seq_len)
