"""Cross-entropy of logits with token ids, in nats, averaged over the targets that count.

N targets, V vocabulary, 1 a kept dimension of length one.
"""

from typing import NamedTuple

import torch
from torch import Tensor

from mlmodels.custom_transformer.precision import wide_dtype


class Cache(NamedTuple):
    shifted_NV: Tensor
    log_sum_N1: Tensor
    safe_targets_N1: Tensor
    counts_N1: Tensor
    num_counted: Tensor
    label_smoothing: float
    logits_dtype: torch.dtype


def forward(
    logits_NV: Tensor, targets_N: Tensor, ignore_index: int = -100, label_smoothing: float = 0.0
) -> tuple[Tensor, Cache]:
    """Return the mean loss (a scalar, float32 or wider) over the targets that are not `ignore_index`.

    With `label_smoothing` ε the target is (1 - ε) of the true token and ε of all V tokens evenly (Szegedy et
    al., 2016). Where no target counts the loss is 0, not NaN, so that an empty micro-batch adds nothing.
    """
    wide_NV = logits_NV.to(wide_dtype(logits_NV.dtype))
    # Shifted so that the largest logit is 0: the sum cannot overflow, and a large common offset costs no
    # digits.
    shifted_NV = wide_NV - wide_NV.amax(dim=-1, keepdim=True)
    log_sum_N1 = torch.log(torch.exp(shifted_NV).sum(dim=-1, keepdim=True))
    counts_N1 = (targets_N != ignore_index).unsqueeze(-1)
    num_counted = counts_N1.sum().clamp(min=1)
    safe_targets_N1 = targets_N.unsqueeze(-1).masked_fill(~counts_N1, 0)
    expected_N1 = shifted_NV.gather(-1, safe_targets_N1)
    if label_smoothing:
        mean_N1 = shifted_NV.mean(dim=-1, keepdim=True)
        expected_N1 = (1.0 - label_smoothing) * expected_N1 + label_smoothing * mean_N1
    losses_N1 = torch.where(counts_N1, log_sum_N1 - expected_N1, 0.0)
    loss = losses_N1.sum() / num_counted
    cache = Cache(
        shifted_NV, log_sum_N1, safe_targets_N1, counts_N1, num_counted, label_smoothing, logits_NV.dtype
    )
    return loss, cache


def backward(dloss: Tensor, cache: Cache) -> Tensor:
    """Return dlogits_NV: (softmax - target distribution) / count, and 0 where the target is ignored."""
    smoothing, vocab_size = cache.label_smoothing, cache.shifted_NV.shape[-1]
    dloss = dloss.to(cache.shifted_NV.dtype)
    # loss = where(counts, losses, 0).sum() / num_counted
    dlosses_N1 = (dloss / cache.num_counted) * cache.counts_N1
    # losses = log_sum(shifted) - expected
    dlogits_NV = torch.exp(cache.shifted_NV - cache.log_sum_N1) * dlosses_N1
    dexpected_N1 = -dlosses_N1  # losses = log_sum(shifted) - expected
    # expected = (1 - ε) * shifted[target] + ε * mean(shifted)
    dlogits_NV += smoothing / vocab_size * dexpected_N1
    # expected = (1 - ε) * shifted[target] + …; y does not change with the shift
    dlogits_NV.scatter_add_(-1, cache.safe_targets_N1, (1.0 - smoothing) * dexpected_N1)
    return dlogits_NV.to(cache.logits_dtype)
