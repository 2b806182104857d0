"""From logits to the next token: repetition penalty, temperature, top-k, top-p, draw.

B batch, V vocabulary, T tokens so far.
"""

import math
from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True)
class SamplingOptions:
    """How the next token is chosen.

    temperature: logits are divided by it; 0 takes the most probable token (greedy, no randomness).
    top_k: only the k most probable tokens stay; None or 0: all.
    top_p: only the fewest tokens whose probabilities reach p together stay (Holtzman et al., 2020); None or
    1: all.
    repetition_penalty: logits of tokens that occurred are divided by it if positive, else multiplied (Keskar
    et al., 2019); 1: none.
    """

    temperature: float = 1.0
    top_k: int | None = None
    top_p: float | None = None
    repetition_penalty: float = 1.0

    def __post_init__(self) -> None:
        if not (math.isfinite(self.temperature) and self.temperature >= 0.0):
            raise ValueError(f"temperature {self.temperature} must be 0 (greedy) or above")
        if self.top_k is not None and self.top_k < 0:
            raise ValueError(f"top_k {self.top_k} must be 1 or above, or 0 for all tokens")
        if self.top_p is not None and not 0.0 < self.top_p <= 1.0:
            raise ValueError(f"top_p {self.top_p} must be above 0 and at most 1")
        if not (math.isfinite(self.repetition_penalty) and self.repetition_penalty > 0.0):
            raise ValueError(f"repetition_penalty {self.repetition_penalty} must be above 0; 1 is none")


def penalise_repetition(logits_BV: Tensor, seen_BV: Tensor, penalty: float) -> Tensor:
    """Make tokens marked in `seen_BV` (bool) less probable for a penalty above 1, more probable below 1."""
    if penalty == 1.0:
        return logits_BV
    penalised_BV = torch.where(logits_BV > 0, logits_BV / penalty, logits_BV * penalty)
    return torch.where(seen_BV, penalised_BV, logits_BV)


def keep_top_k(logits_BV: Tensor, k: int | None) -> Tensor:
    """Set all but the k largest logits of each row to -inf; exactly k stay, also among equals."""
    if not k or k >= logits_BV.shape[-1]:
        return logits_BV
    values_BK, indices_BK = logits_BV.topk(k, dim=-1)
    return torch.full_like(logits_BV, -math.inf).scatter(-1, indices_BK, values_BK)


def keep_top_p(logits_BV: Tensor, p: float | None) -> Tensor:
    """Set logits to -inf outside the smallest set of tokens whose probability reaches p; the first always
    stays.
    """
    if p is None or p >= 1.0:
        return logits_BV
    sorted_BV, order_BV = logits_BV.sort(dim=-1, descending=True, stable=True)
    probabilities_BV = sorted_BV.softmax(dim=-1)
    before_BV = probabilities_BV.cumsum(dim=-1) - probabilities_BV
    kept_BV = sorted_BV.masked_fill(before_BV >= p, -math.inf)
    return torch.empty_like(logits_BV).scatter(-1, order_BV, kept_BV)


def next_token_probabilities(logits_BV: Tensor, seen_BV: Tensor, options: SamplingOptions) -> Tensor:
    """The distribution that is drawn from: one-hot at temperature 0."""
    logits_BV = penalise_repetition(logits_BV, seen_BV, options.repetition_penalty)
    if options.temperature == 0.0:
        return torch.nn.functional.one_hot(logits_BV.argmax(dim=-1), logits_BV.shape[-1]).to(logits_BV.dtype)
    # The largest logit is taken off first, so that a tiny temperature cannot overflow.
    logits_BV = (logits_BV - logits_BV.amax(dim=-1, keepdim=True)) / options.temperature
    return keep_top_p(keep_top_k(logits_BV, options.top_k), options.top_p).softmax(dim=-1)


def sample(
    logits_BV: Tensor, seen_BV: Tensor, options: SamplingOptions, generator: torch.Generator | None = None
) -> Tensor:
    """Draw one token for every row: tokens_B (int64). Greedy choice draws nothing from `generator`."""
    probabilities_BV = next_token_probabilities(logits_BV, seen_BV, options)
    if options.temperature == 0.0:
        return probabilities_BV.argmax(dim=-1)
    return torch.multinomial(probabilities_BV, 1, generator=generator).squeeze(-1)
