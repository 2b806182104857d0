"""The same transformer written with torch.nn and autograd: an oracle that shares no line with the ops.

B batch, T time, D features, V vocabulary.
"""

import math
from typing import Self

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from mlmodels.base_model import BaseModel
from mlmodels.custom_transformer.config import CustomTransformerConfig
from mlmodels.custom_transformer.precision import dtype_from_name, wide_dtype


class AutogradTransformer(BaseModel):
    """Same parameter names, shapes and precisions as `CustomTransformer`: state dicts go both ways."""

    def __init__(self, config: CustomTransformerConfig) -> None:
        super().__init__()
        self.config = config
        self.dtype = dtype_from_name(config.dtype)
        wide = wide_dtype(self.dtype)
        self.token_embedding = nn.Embedding(config.vocab_size, config.d_model, dtype=wide)
        self.position_embedding = nn.Embedding(config.max_seq_len, config.d_model, dtype=wide)
        self.dropout = nn.Dropout(config.dropout)
        self.blocks = nn.ModuleList(_Block(config) for _ in range(config.n_blocks))
        self.norm = _norm(config)
        self.head = nn.Linear(config.d_model, config.vocab_size, bias=config.head_bias, dtype=wide)
        if config.tie_weights:
            self.head.weight = self.token_embedding.weight

    @property
    def dim(self) -> int:
        return self.config.d_model

    @classmethod
    def from_config(cls, config: CustomTransformerConfig) -> Self:
        return cls(config)

    def init_weights(self, generator: torch.Generator | None = None) -> None:
        """The scheme of `CustomTransformer.init_weights`, layer by layer."""
        projections = [layer for block in self.blocks for layer in (block.project, block.down)]
        for module in self.modules():
            if isinstance(module, nn.Linear | nn.Embedding):
                deviation = 0.02 / math.sqrt(2 * len(self.blocks)) if module in projections else 0.02
                nn.init.normal_(module.weight, 0.0, deviation, generator=generator)
            if isinstance(module, nn.Linear) and module.bias is not None:
                nn.init.zeros_(module.bias)

    def forward(self, tokens_BT: Tensor) -> Tensor:
        """Return logits_BTV, in float32 or wider."""
        positions_T = torch.arange(tokens_BT.shape[1], device=tokens_BT.device)
        x_BTD = self.dropout(self.token_embedding(tokens_BT) + self.position_embedding(positions_T))
        for block in self.blocks:
            x_BTD = block(x_BTD)
        return _linear(self.norm(x_BTD), self.head, self.dtype).to(wide_dtype(self.dtype))

    def loss(self, tokens_BT: Tensor, targets_BT: Tensor, label_smoothing: float = 0.0) -> Tensor:
        """Mean cross-entropy over targets that are not -100."""
        logits_NV = self(tokens_BT).flatten(0, 1)
        return F.cross_entropy(logits_NV, targets_BT.flatten(), label_smoothing=label_smoothing)


class _Block(nn.Module):
    def __init__(self, config: CustomTransformerConfig) -> None:
        super().__init__()
        self.config = config
        self.dtype = dtype_from_name(config.dtype)
        wide, width = wide_dtype(self.dtype), config.d_model
        self.norm_1 = _norm(config)
        self.qkv = nn.Linear(width, 3 * width, dtype=wide)
        self.project = nn.Linear(width, width, dtype=wide)
        self.norm_2 = _norm(config)
        self.up = nn.Linear(width, config.d_ffn, dtype=wide)
        self.down = nn.Linear(config.d_ffn, width, dtype=wide)
        self.dropout = nn.Dropout(config.dropout)

    def forward(self, x_BTD: Tensor) -> Tensor:
        x_BTD = x_BTD + self.dropout(self._attention(self.norm_1(x_BTD)))
        activation = F.gelu if self.config.activation == "gelu" else F.relu
        hidden = activation(_linear(self.norm_2(x_BTD), self.up, self.dtype))
        return x_BTD + self.dropout(_linear(hidden, self.down, self.dtype))

    def _attention(self, x_BTD: Tensor) -> Tensor:
        heads = (self.config.n_heads, -1)
        qkv = _linear(x_BTD, self.qkv, self.dtype).split(self.config.d_model, dim=2)
        q, k, v = (part.unflatten(2, heads).transpose(1, 2) for part in qkv)
        p = self.config.dropout if self.training else 0.0
        attended = F.scaled_dot_product_attention(q, k, v, is_causal=True, dropout_p=p)
        return _linear(attended.transpose(1, 2).flatten(2), self.project, self.dtype)


def _norm(config: CustomTransformerConfig) -> nn.LayerNorm:
    return nn.LayerNorm(
        config.d_model,
        eps=config.layer_norm_epsilon,
        elementwise_affine=config.elementwise_affine,
        dtype=wide_dtype(dtype_from_name(config.dtype)),
    )


def _linear(x: Tensor, layer: nn.Linear, dtype: torch.dtype) -> Tensor:
    bias = None if layer.bias is None else layer.bias.to(dtype)
    return F.linear(x.to(dtype), layer.weight.to(dtype), bias)
