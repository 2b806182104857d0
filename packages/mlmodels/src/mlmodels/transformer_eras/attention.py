"""Self-attention, causal or not: as many key heads as query heads or fewer; rotations, norms, value embeddings or not.

B batch, T time, D features of the model, H query heads, G key and value heads, K features of a head, E all features of
the value heads.
"""

from typing import Any, Literal

import torch
from torch import Tensor, nn
from torch.nn import functional

from mlmodels.generation.causality import causal_arguments
from mlmodels.generation.key_values import KeyValues
from mlmodels.native.attention import causal_attention, is_worthwhile
from mlmodels.transformer_eras.positions import Rotation, rotate
from mlmodels.transformer_eras.shape import BlockShape

Mask = Literal["causal"] | Tensor | None


class Attention(nn.Module):
    """Scaled dot-product attention (Vaswani et al., 2017); grouped queries as of Ainslie et al. (2023)."""

    def __init__(self, config: BlockShape, *, mixes_values: bool) -> None:
        super().__init__()
        width, kv_width = config.d_model, config.kv_width
        self.head_width = config.head_width
        self.is_grouped = config.num_kv_heads != config.n_heads
        self.qk_norm = config.qk_norm
        self.query = nn.Linear(width, width, bias=config.bias)
        self.key = nn.Linear(width, kv_width, bias=config.bias)
        self.value = nn.Linear(width, kv_width, bias=config.bias)
        self.output = nn.Linear(width, width, bias=config.bias)
        self.value_scalars = nn.Parameter(torch.empty(2)) if mixes_values else None

    def forward(
        self,
        x_BTD: Tensor,
        mask: Mask,
        rotation: Rotation | None = None,
        value_embedding_BTE: Tensor | None = None,
        past: KeyValues | None = None,
    ) -> Tensor:
        """(B, T, D); with `past` the T positions follow those that it holds, and are added to it.

        `mask` says which positions each one sees: with "causal" itself and those before it, with a boolean (B, T) those
        that are true (the others are padding), with None all.
        """
        value_BTE = self.value(x_BTD)
        if self.value_scalars is not None:
            own, embedded = self.value_scalars
            value_BTE = own * value_BTE + embedded * value_embedding_BTE
        q_BHTK, k_BGTK = self._heads(self.query(x_BTD)), self._heads(self.key(x_BTD))
        if rotation is not None:
            q_BHTK, k_BGTK = rotate(q_BHTK, rotation), rotate(k_BGTK, rotation)
        if self.qk_norm:
            q_BHTK, k_BGTK = (functional.rms_norm(x, (self.head_width,)) for x in (q_BHTK, k_BGTK))
        if past is not None:
            keys_BTE, value_BTE = past.extend(_merged(k_BGTK), value_BTE)
            k_BGTK = self._heads(keys_BTE)
        return self.output(self._attend(q_BHTK, k_BGTK, self._heads(value_BTE), mask))

    def _attend(self, q_BHTK: Tensor, k_BGTK: Tensor, v_BGTK: Tensor, mask: Mask) -> Tensor:
        """(B, T, D), by torch's attention, or by ours where that is the faster one."""
        masking, dtype = _masking(mask, q_BHTK, k_BGTK), _product_dtype(q_BHTK)
        if masking.get("is_causal") and is_worthwhile(dtype, q_BHTK.device):
            repeats = q_BHTK.shape[1] // k_BGTK.shape[1]
            k_BHTK, v_BHTK = (x.repeat_interleave(repeats, dim=1) for x in (k_BGTK, v_BGTK))
            return causal_attention(q_BHTK, k_BHTK, v_BHTK, dtype)
        attended_BHTK = functional.scaled_dot_product_attention(
            q_BHTK, k_BGTK, v_BGTK, **masking, enable_gqa=self.is_grouped
        )
        return _merged(attended_BHTK)

    def _heads(self, x_BTE: Tensor) -> Tensor:
        return x_BTE.unflatten(-1, (-1, self.head_width)).transpose(1, 2)


def _product_dtype(x: Tensor) -> torch.dtype:
    """What products are made in: autocast's dtype, if it is on."""
    kind = x.device.type
    has_autocast = kind != "meta" and torch.is_autocast_enabled(kind)
    return torch.get_autocast_dtype(kind) if has_autocast else x.dtype


def _merged(x_BHTK: Tensor) -> Tensor:
    return x_BHTK.transpose(1, 2).flatten(2)


def _masking(mask: Mask, q_BHTK: Tensor, k_BGTK: Tensor) -> dict[str, Any]:
    """What keeps the queries from the keys that they must not see."""
    if mask is None:
        return {}
    if isinstance(mask, Tensor):
        return {"attn_mask": mask[:, None, None, :]}
    return causal_arguments(q_BHTK.shape[2], k_BGTK.shape[2], q_BHTK.device)
