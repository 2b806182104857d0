"""One pre-LayerNorm transformer block: the same calls forwards, and reversed.

    x = x + dropout(project(attention(qkv(norm_1(x)))))
    x = x + dropout(down(activation(up(norm_2(x)))))

B batch, T time, D features, E = 3·D.
"""

from typing import NamedTuple

import torch
from torch import Tensor, nn

from mlmodels.custom_transformer.config import CustomTransformerConfig
from mlmodels.custom_transformer.gradients import add_gradient
from mlmodels.custom_transformer.layers import Linear, Norm
from mlmodels.custom_transformer.ops import attention, dropout, gelu, layer_norm, linear, relu, residual
from mlmodels.custom_transformer.precision import dtype_from_name, wide_dtype
from mlmodels.generation.key_values import KeyValues


class BlockCache(NamedTuple):
    """One cache a call, in the order of the calls."""

    norm_1: layer_norm.Cache
    qkv: linear.Cache
    attention: attention.Cache
    project: linear.Cache
    dropout_1: dropout.Cache
    residual_1: residual.Cache
    norm_2: layer_norm.Cache
    up: linear.Cache
    activation: gelu.Cache | relu.Cache
    down: linear.Cache
    dropout_2: dropout.Cache
    residual_2: residual.Cache


class Block(nn.Module):
    """Attention, then a feed-forward network, each on a residual branch behind a LayerNorm."""

    def __init__(self, config: CustomTransformerConfig) -> None:
        super().__init__()
        self.config = config
        self.dtype = dtype_from_name(config.dtype)
        wide, width = wide_dtype(self.dtype), config.d_model
        self.norm_1 = Norm(width, wide, affine=config.elementwise_affine)
        self.qkv = Linear(width, 3 * width, wide)
        self.project = Linear(width, width, wide)
        self.norm_2 = Norm(width, wide, affine=config.elementwise_affine)
        self.up = Linear(width, config.d_ffn, wide)
        self.down = Linear(config.d_ffn, width, wide)

    @torch.no_grad()
    def forward(
        self,
        x_BTD: Tensor,
        dropout_probability: float = 0.0,
        generator: torch.Generator | None = None,
        past: KeyValues | None = None,
    ) -> tuple[Tensor, BlockCache]:
        """Return the block's output, in x's shape and dtype, and what `backward` needs.

        With `past` the queries are x's positions, the keys all positions so far: inference only.
        """
        c, dtype, p = self.config, self.dtype, dropout_probability
        n1_BTD, c1 = layer_norm.forward(x_BTD, self.norm_1.weight, self.norm_1.bias, c.layer_norm_epsilon)
        qkv_BTE, c2 = linear.forward(n1_BTD, self.qkv.weight, self.qkv.bias, dtype)
        q_BTD, k_BTD, v_BTD = qkv_BTE.chunk(3, dim=-1)
        if past is not None:
            k_BTD, v_BTD = past.extend(k_BTD, v_BTD)
        a_BTD, c3 = attention.forward(q_BTD, k_BTD, v_BTD, c.n_heads, p, generator)
        a_BTD, c4 = linear.forward(a_BTD, self.project.weight, self.project.bias, dtype)
        a_BTD, c5 = dropout.forward(a_BTD, p, generator)
        x_BTD, c6 = residual.forward(x_BTD, a_BTD)
        n2_BTD, c7 = layer_norm.forward(x_BTD, self.norm_2.weight, self.norm_2.bias, c.layer_norm_epsilon)
        h_BTF, c8 = linear.forward(n2_BTD, self.up.weight, self.up.bias, dtype)
        h_BTF, c9 = gelu.forward(h_BTF) if c.activation == "gelu" else relu.forward(h_BTF)
        f_BTD, c10 = linear.forward(h_BTF, self.down.weight, self.down.bias, dtype)
        f_BTD, c11 = dropout.forward(f_BTD, p, generator)
        x_BTD, c12 = residual.forward(x_BTD, f_BTD)
        return x_BTD, BlockCache(c1, c2, c3, c4, c5, c6, c7, c8, c9, c10, c11, c12)

    @torch.no_grad()
    def backward(self, dx_BTD: Tensor, cache: BlockCache) -> Tensor:
        """Add the gradients of all parameters of the block; return the gradient of its input."""
        dx_BTD, df_BTD = residual.backward(dx_BTD, cache.residual_2)
        df_BTD = dropout.backward(df_BTD, cache.dropout_2)
        dh_BTF, dweight, dbias = linear.backward(df_BTD, cache.down)
        add_gradient(self.down.weight, dweight)
        add_gradient(self.down.bias, dbias)
        if isinstance(cache.activation, gelu.Cache):
            dh_BTF = gelu.backward(dh_BTF, cache.activation)
        else:
            dh_BTF = relu.backward(dh_BTF, cache.activation)
        dn2_BTD, dweight, dbias = linear.backward(dh_BTF, cache.up)
        add_gradient(self.up.weight, dweight)
        add_gradient(self.up.bias, dbias)
        dx2_BTD, dnorm_weight, dnorm_bias = layer_norm.backward(dn2_BTD, cache.norm_2)
        add_gradient(self.norm_2.weight, dnorm_weight)
        add_gradient(self.norm_2.bias, dnorm_bias)
        dx_BTD = dx_BTD + dx2_BTD  # x went two ways: the stream and the feed-forward branch

        dx_BTD, da_BTD = residual.backward(dx_BTD, cache.residual_1)
        da_BTD = dropout.backward(da_BTD, cache.dropout_1)
        da_BTD, dweight, dbias = linear.backward(da_BTD, cache.project)
        add_gradient(self.project.weight, dweight)
        add_gradient(self.project.bias, dbias)
        dqkv_BTE = torch.cat(attention.backward(da_BTD, cache.attention), dim=-1)  # q, k, v = qkv.chunk(3)
        dn1_BTD, dweight, dbias = linear.backward(dqkv_BTE, cache.qkv)
        add_gradient(self.qkv.weight, dweight)
        add_gradient(self.qkv.bias, dbias)
        dx1_BTD, dnorm_weight, dnorm_bias = layer_norm.backward(dn1_BTD, cache.norm_1)
        add_gradient(self.norm_1.weight, dnorm_weight)
        add_gradient(self.norm_1.bias, dnorm_bias)
        return dx_BTD + dx1_BTD  # x went two ways: the stream and the attention branch
