"""Causal multi-head attention: y = dropout(softmax(mask(q kᵀ / √K))) v (Vaswani et al., 2017).

B batch, S queries, T keys (T ≥ S: the queries are the last S of T positions), D features, H heads, K = D / H.
"""

import math
from typing import NamedTuple

import torch
from torch import Tensor

from mlmodels.custom_transformer.ops import dropout, softmax


class Cache(NamedTuple):
    q_BHSK: Tensor
    k_BHTK: Tensor
    v_BHTK: Tensor
    weights_BHST: Tensor
    softmax: softmax.Cache
    dropout: dropout.Cache


def forward(
    q_BSD: Tensor,
    k_BTD: Tensor,
    v_BTD: Tensor,
    num_heads: int,
    dropout_probability: float = 0.0,
    generator: torch.Generator | None = None,
) -> tuple[Tensor, Cache]:
    """Return y_BSD in q's dtype, in which the products are made; the softmax is float32 or wider."""
    q_BHSK, k_BHTK, v_BHTK = (x.unflatten(-1, (num_heads, -1)).transpose(1, 2) for x in (q_BSD, k_BTD, v_BTD))
    num_queries, num_keys = q_BSD.shape[1], k_BTD.shape[1]
    scale = 1.0 / math.sqrt(q_BHSK.shape[-1])
    scores_BHST = (q_BHSK @ k_BHTK.mT) * scale
    everything_ST = torch.ones(num_queries, num_keys, dtype=torch.bool, device=q_BSD.device)
    future_ST = everything_ST.triu(num_keys - num_queries + 1)
    masked_BHST = scores_BHST.masked_fill(future_ST, -math.inf)
    probabilities_BHST, softmax_cache = softmax.forward(masked_BHST)
    weights_BHST, dropout_cache = dropout.forward(probabilities_BHST, dropout_probability, generator)
    y_BSD = (weights_BHST @ v_BHTK).transpose(1, 2).flatten(-2)
    return y_BSD, Cache(q_BHSK, k_BHTK, v_BHTK, weights_BHST, softmax_cache, dropout_cache)


def backward(dy_BSD: Tensor, cache: Cache) -> tuple[Tensor, Tensor, Tensor]:
    """Return dq_BSD, dk_BTD, dv_BTD."""
    num_heads, head_size, dtype = cache.q_BHSK.shape[1], cache.q_BHSK.shape[-1], cache.q_BHSK.dtype
    scale = 1.0 / math.sqrt(head_size)
    dy_BHSK = dy_BSD.to(dtype).unflatten(-1, (num_heads, -1)).transpose(1, 2)  # y = join_heads(…)
    dweights_BHST = dy_BHSK @ cache.v_BHTK.mT  # y = weights @ v
    dv_BHTK = cache.weights_BHST.mT @ dy_BHSK  # y = weights @ v
    dprobabilities_BHST = dropout.backward(dweights_BHST, cache.dropout)  # weights = dropout(probabilities)
    dmasked_BHST = softmax.backward(dprobabilities_BHST, cache.softmax)  # probabilities = softmax(masked)
    # masked = fill(scores, future, -inf) needs no line: the future has probability 0, so dmasked is 0 there
    # already.
    dscores_BHST = dmasked_BHST * scale  # scores = q @ k.T * scale
    dq_BHSK = dscores_BHST @ cache.k_BHTK  # scores = q @ k.T * scale
    dk_BHTK = dscores_BHST.mT @ cache.q_BHSK  # scores = q @ k.T * scale
    dq_BSD, dk_BTD, dv_BTD = (
        d.transpose(1, 2).flatten(-2) for d in (dq_BHSK, dk_BHTK, dv_BHTK)
    )  # q = split_heads(q)
    return dq_BSD, dk_BTD, dv_BTD
