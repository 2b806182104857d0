"""Cross-entropy of logits with token ids, in nats, averaged over the targets that count.

N targets, V vocabulary, 1 a kept dimension of length one.
"""

from typing import NamedTuple

import torch
from torch import Tensor

from mlmodels.custom_transformer.precision import wide_dtype


class Cache(NamedTuple):
    logits_NV: Tensor
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

    With `label_smoothing` ε the target is (1 - ε) of the true token and ε of all V tokens evenly (Szegedy et al., 2016).
    Where no target counts the loss is 0, not NaN, so that an empty micro-batch adds nothing.
    """
    wide_NV = logits_NV.to(wide_dtype(logits_NV.dtype))
    log_sum_N1 = wide_NV.logsumexp(dim=-1, keepdim=True)
    counts_N1 = (targets_N != ignore_index).unsqueeze(-1)
    num_counted = counts_N1.sum().clamp(min=1)
    safe_targets_N1 = targets_N.unsqueeze(-1).masked_fill(~counts_N1, 0)
    expected_N1 = wide_NV.gather(-1, safe_targets_N1)
    if label_smoothing:
        expected_N1 = (1.0 - label_smoothing) * expected_N1 + label_smoothing * wide_NV.mean(dim=-1, keepdim=True)
    losses_N1 = torch.where(counts_N1, log_sum_N1 - expected_N1, 0.0)
    loss = losses_N1.sum() / num_counted
    cache = Cache(
        wide_NV, log_sum_N1, safe_targets_N1, counts_N1, num_counted, label_smoothing, logits_NV.dtype
    )
    return loss, cache


def backward(dloss: Tensor, cache: Cache) -> Tensor:
    """Return dlogits_NV: (softmax - target distribution) / count, and 0 where the target is ignored."""
    dlosses_N1 = (dloss / cache.num_counted) * cache.counts_N1  # loss = where(counts, losses, 0).sum() / num_counted
    dlog_sum_NV = torch.exp(cache.logits_NV - cache.log_sum_N1)  # log_sum = log(sum(exp(logits))): softmax
    dexpected_N1 = torch.full_like(dlosses_N1, 1.0 - cache.label_smoothing)  # expected = (1 - ε) * logits[target] + …
    dlogits_NV = dlog_sum_NV - cache.label_smoothing / cache.logits_NV.shape[-1]  # expected = … + ε * mean(logits)
    dlogits_NV = dlogits_NV.scatter_add(-1, cache.safe_targets_N1, -dexpected_N1)  # losses = log_sum - expected
    return (dlogits_NV * dlosses_N1).to(cache.logits_dtype)  # chain through losses
