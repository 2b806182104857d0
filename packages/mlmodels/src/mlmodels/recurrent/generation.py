"""Text generation that carries the state along: the prompt is read once, then one step makes one token.

B batch, T tokens so far, V vocabulary.
"""

from typing import Protocol

import torch
from torch import Tensor

from mlmodels.generation.sampling import SamplingOptions, sample
from mlmodels.recurrent.state import State


class StatefulLanguageModel(Protocol):
    """What generation needs of a model."""

    def next_logits(self, input_ids: Tensor, state: State | None) -> tuple[Tensor, State]: ...


@torch.no_grad()
def generate(
    model: StatefulLanguageModel,
    input_ids: Tensor,
    *,
    max_new_tokens: int,
    options: SamplingOptions | None = None,
    generator: torch.Generator | None = None,
    seed: int | None = None,
    end_id: int | None = None,
) -> Tensor:
    """Return `input_ids` (B, T) continued by up to `max_new_tokens` tokens (int64).

    generator, seed: source of randomness (at most one of the two; neither: torch's global generator).
    end_id: a row that has produced it is filled up with it; generation stops early when every row has.

    Raises:
        ValueError: an empty prompt, a negative number of tokens, or a generator and a seed.
    """
    if seed is not None:
        if generator is not None:
            raise ValueError("give a seed or a generator, not both")
        generator = torch.Generator(device=input_ids.device).manual_seed(seed)
    if max_new_tokens < 0:
        raise ValueError(f"max_new_tokens {max_new_tokens} must be 0 or above")
    if input_ids.dim() != 2 or input_ids.numel() == 0:
        raise ValueError(
            f"a prompt needs at least one token: shape (batch, time), not {tuple(input_ids.shape)}"
        )
    options = SamplingOptions() if options is None else options
    tokens_BT, state = [input_ids.long()], None
    ended_B = torch.zeros(len(input_ids), dtype=torch.bool, device=input_ids.device)
    seen_BV: Tensor | None = None
    for _ in range(max_new_tokens):
        logits_BTV, state = model.next_logits(tokens_BT[-1], state)
        logits_BV = logits_BTV[:, -1].float()
        if seen_BV is None:
            seen_BV = torch.zeros_like(logits_BV, dtype=torch.bool)
        seen_BV.scatter_(-1, tokens_BT[-1], True)
        token_B = sample(logits_BV, seen_BV, options, generator)
        if end_id is not None:
            token_B = token_B.masked_fill(ended_B, end_id)
            ended_B |= token_B == end_id
        tokens_BT.append(token_B.unsqueeze(1))
        if end_id is not None and bool(ended_B.all()):
            break
    return torch.cat(tokens_BT, dim=1)
