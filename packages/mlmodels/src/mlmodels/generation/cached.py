"""Text generation with a KV cache that changes nothing but the time it takes.

B batch, T tokens so far, V vocabulary.
"""

from collections.abc import Sequence
from typing import Any, Protocol

import torch
from torch import Tensor

from mlmodels.generation.sampling import SamplingOptions, sample


class Cache(Protocol):
    """Keys and values of the positions seen so far, of one block."""

    length: int


class CachedLanguageModel(Protocol):
    """What generation needs of a model."""

    @property
    def context_length(self) -> int:
        """The longest context, in tokens."""
        ...

    def logits(self, input_ids_BT: Tensor, past: Any = None) -> Tensor: ...

    def new_cache(self, batch_size: int) -> Sequence[Cache]: ...


class NextLogits:
    """Logits of the token after `tokens_BT`, which grows by one column from call to call.

    The context is a sliding window: the last `context_length` tokens. While it is not full, one new position is
    computed a call; once it slides, every token has another position embedding, so nothing cached is valid
    and the whole window is computed.
    """

    def __init__(self, model: CachedLanguageModel, use_cache: bool) -> None:
        self.model = model
        self.use_cache = use_cache
        self.past: Sequence[Cache] | None = None

    def __call__(self, tokens_BT: Tensor) -> Tensor:
        length, longest = tokens_BT.shape[1], self.model.context_length
        if not self.use_cache or length > longest:
            self.past = None
            return self.model.logits(tokens_BT[:, -longest:])[:, -1]
        if self.past is None:
            self.past = self.model.new_cache(tokens_BT.shape[0])
        return self.model.logits(tokens_BT[:, self.past[0].length :], self.past)[:, -1]


@torch.no_grad()
def generate(
    model: CachedLanguageModel,
    input_ids: Tensor,
    *,
    max_new_tokens: int,
    options: SamplingOptions | None = None,
    generator: torch.Generator | None = None,
    seed: int | None = None,
    end_id: int | None = None,
    prompt_lengths: Tensor | None = None,
    use_cache: bool = True,
) -> Tensor:
    """Return `input_ids` (B, T) continued by up to `max_new_tokens` tokens (int64).

    generator, seed: source of randomness (at most one of the two; neither: torch's global generator).
    end_id: a row that has produced it is filled up with it; generation stops early when every row has.
    prompt_lengths: (B,) for prompts of different lengths, padded on the right to T: the rest of a row is
    generated, from its own prompt's end on; the padding is never read. Every row ends with the same total
    length, T + max_new_tokens.
    use_cache: False computes the whole window again for every token: the same result, slower.
    """
    if seed is not None:
        if generator is not None:
            raise ValueError("give a seed or a generator, not both")
        generator = torch.Generator(device=input_ids.device).manual_seed(seed)
    if max_new_tokens < 0:
        raise ValueError(f"max_new_tokens {max_new_tokens} must be 0 or above")
    options = SamplingOptions() if options is None else options
    lengths_B = _checked_lengths(input_ids, prompt_lengths)
    prompt_BT = input_ids.long()
    total, start = prompt_BT.shape[1] + max_new_tokens, int(lengths_B.min())
    tokens_BT = prompt_BT[:, :start]
    next_logits = NextLogits(model, use_cache)
    ended_B = torch.zeros(len(prompt_BT), dtype=torch.bool, device=prompt_BT.device)
    for position in range(start, total):
        logits_BV = next_logits(tokens_BT)
        token_B = sample(logits_BV, _seen(tokens_BT, logits_BV), options, generator)
        if end_id is not None:
            token_B = token_B.masked_fill(ended_B, end_id)
        in_prompt_B = position < lengths_B
        if position < prompt_BT.shape[1]:
            token_B = torch.where(in_prompt_B, prompt_BT[:, position], token_B)
        tokens_BT = torch.cat([tokens_BT, token_B.unsqueeze(1)], dim=1)
        if end_id is not None:
            ended_B |= (token_B == end_id) & ~in_prompt_B
            if bool(ended_B.all()):
                break
    return tokens_BT


def _seen(tokens_BT: Tensor, logits_BV: Tensor) -> Tensor:
    seen_BV = torch.zeros_like(logits_BV, dtype=torch.bool)
    return seen_BV.scatter_(-1, tokens_BT, True)


def _checked_lengths(input_ids: Tensor, prompt_lengths: Tensor | None) -> Tensor:
    if input_ids.dim() != 2 or input_ids.shape[1] == 0 or input_ids.shape[0] == 0:
        raise ValueError(
            f"a prompt needs at least one token: shape (batch, time), not {tuple(input_ids.shape)}"
        )
    num_rows, longest = input_ids.shape
    if prompt_lengths is None:
        return torch.full((num_rows,), longest, device=input_ids.device)
    if prompt_lengths.shape != (num_rows,):
        raise ValueError(f"prompt_lengths {tuple(prompt_lengths.shape)} for {num_rows} prompts")
    if int(prompt_lengths.min()) < 1 or int(prompt_lengths.max()) > longest:
        raise ValueError(f"prompt lengths must lie in 1 … {longest}, not {prompt_lengths.tolist()}")
    return prompt_lengths.to(input_ids.device)
