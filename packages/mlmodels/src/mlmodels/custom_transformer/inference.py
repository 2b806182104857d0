"""Inference by torch's fused operations, on weights that stand in the compute dtype already.

A generated token reads every weight once. In bfloat16 the ops of training would round them all for every token, and
each op is several calls; `CustomTransformer.logits` is the reference.

B batch, S new positions, T positions so far (T ≥ S), D features, E = 3·D, H heads, K = D / H, V vocabulary.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import torch
import torch.nn.functional as F
from torch import Tensor

from mlmodels.custom_transformer.layers import Linear, Norm
from mlmodels.custom_transformer.precision import wide_dtype
from mlmodels.generation.causality import causal_arguments
from mlmodels.generation.key_values import KeyValues

if TYPE_CHECKING:
    from mlmodels.custom_transformer.block import Block
    from mlmodels.custom_transformer.model import CustomTransformer


class InferenceModel:
    """A model's weights as they are now: what is trained later does not reach it, unless the dtypes are equal."""

    def __init__(self, model: CustomTransformer) -> None:
        self._model = model
        self._norm = _FusedNorm(model.norm, model.config.layer_norm_epsilon)
        self._head = _FusedLinear(model.head, model.dtype)
        self._blocks = [_FusedBlock(block) for block in model.blocks]

    @property
    def context_length(self) -> int:
        """The longest context, in tokens."""
        return self._model.context_length

    def new_cache(self, batch_size: int) -> list[KeyValues]:
        """An empty KV cache for every block, with room for `context_length` positions."""
        config, device = self._model.config, self._model.head.weight.device
        dtype = _attention_dtype(self._model.dtype, device)
        return [
            KeyValues(batch_size, config.max_seq_len, config.d_model, dtype, device) for _ in self._blocks
        ]

    @torch.no_grad()
    def logits(self, tokens_BS: Tensor, past: Sequence[KeyValues] | None = None) -> Tensor:
        """As `CustomTransformer.logits`, whose checks of the tokens are left to the caller."""
        start = 0 if past is None else past[0].length
        positions_SD = self._model.position_embedding.weight[start : start + tokens_BS.shape[1]]
        x_BSD = F.embedding(tokens_BS, self._model.token_embedding.weight) + positions_SD
        for i, block in enumerate(self._blocks):
            x_BSD = block(x_BSD, None if past is None else past[i])
        return self._head(self._norm(x_BSD)).to(wide_dtype(self._model.dtype))


class _FusedBlock:
    def __init__(self, block: Block) -> None:
        self._num_heads = block.config.n_heads
        self._activation = F.gelu if block.config.activation == "gelu" else F.relu
        epsilon = block.config.layer_norm_epsilon
        self._norm_1, self._norm_2 = _FusedNorm(block.norm_1, epsilon), _FusedNorm(block.norm_2, epsilon)
        layers = (block.qkv, block.project, block.up, block.down)
        self._qkv, self._project, self._up, self._down = (_FusedLinear(one, block.dtype) for one in layers)

    def __call__(self, x_BSD: Tensor, past: KeyValues | None) -> Tensor:
        qkv_BSE = self._qkv(self._norm_1(x_BSD))
        q_BSD, k_BTD, v_BTD = qkv_BSE.to(_attention_dtype(qkv_BSE.dtype, x_BSD.device)).chunk(3, dim=-1)
        if past is not None:
            k_BTD, v_BTD = past.extend(k_BTD, v_BTD)
        x_BSD = x_BSD + self._project(self._attended(q_BSD, k_BTD, v_BTD))
        return x_BSD + self._down(self._activation(self._up(self._norm_2(x_BSD))))

    def _attended(self, q_BSD: Tensor, k_BTD: Tensor, v_BTD: Tensor) -> Tensor:
        q_BHSK, k_BHTK, v_BHTK = (
            x.unflatten(-1, (self._num_heads, -1)).transpose(1, 2) for x in (q_BSD, k_BTD, v_BTD)
        )
        causal = causal_arguments(q_BSD.shape[1], k_BTD.shape[1], q_BSD.device)
        return F.scaled_dot_product_attention(q_BHSK, k_BHTK, v_BHTK, **causal).transpose(1, 2).flatten(2)


def _attention_dtype(dtype: torch.dtype, device: torch.device) -> torch.dtype:
    """On a CPU torch's attention takes four to five times as long in bfloat16 as in float32."""
    return wide_dtype(dtype) if device.type == "cpu" else dtype


class _FusedNorm:
    def __init__(self, norm: Norm, epsilon: float) -> None:
        self._norm, self._epsilon = norm, epsilon

    def __call__(self, x: Tensor) -> Tensor:
        return F.layer_norm(x, x.shape[-1:], self._norm.weight, self._norm.bias, self._epsilon)


class _FusedLinear:
    """Weights in the compute dtype: those of the model themselves where they are in it already."""

    def __init__(self, layer: Linear, dtype: torch.dtype) -> None:
        self._weight = layer.weight.to(dtype)
        self._bias = None if layer.bias is None else layer.bias.to(dtype)

    def __call__(self, x: Tensor) -> Tensor:
        return F.linear(x.to(self._weight.dtype), self._weight, self._bias)
