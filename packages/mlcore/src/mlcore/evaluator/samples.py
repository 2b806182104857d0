"""Text samples of a model: each prompt has a generator of its own, so that adding a prompt changes no other
sample.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from mlcore.evaluator.protocols import LanguageModel, Tokenizer

if TYPE_CHECKING:
    import torch


@dataclass(frozen=True)
class Sample:
    """One sampled continuation.

    Attributes:
        prompt: what the model was given.
        text: what it wrote after the prompt, up to its end of text.
        num_tokens: tokens it wrote (the end of text not counted).
        ended: whether it ended the text by itself.
        seed: seed of this sample's own generator.
    """

    prompt: str
    text: str
    num_tokens: int
    ended: bool
    seed: int

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)


def sample_seed(seed: int, prompt: str, occurrence: int) -> int:
    """Seed of the `occurrence`-th sample of `prompt`: depends on nothing else, whatever the other prompts
    are.
    """
    digest = hashlib.sha256(f"{seed}:{occurrence}:{prompt}".encode("utf-8", "surrogatepass")).digest()
    return int.from_bytes(digest[:8], "big") >> 1  # torch takes 63 bits everywhere


def generate_samples(
    model: LanguageModel,
    tokenizer: Tokenizer,
    prompts: Sequence[str],
    *,
    device: str | torch.device = "cpu",
    max_new_tokens: int = 100,
    temperature: float = 0.8,
    top_k: int | None = 50,
    top_p: float | None = None,
    repetition_penalty: float = 1.0,
    samples_per_prompt: int = 1,
    seed: int = 42,
) -> list[Sample]:
    """Continue every prompt `samples_per_prompt` times.

    One prompt runs at a time: in a batch, padding and other matrix shapes would let prompts change one
        another.

    Raises:
        ValueError: a prompt that encodes to nothing with a tokenizer that has no end-of-text token to start
            from.
    """
    seen: Counter[str] = Counter()
    samples = []
    for prompt in prompts:
        for _ in range(samples_per_prompt):
            own_seed = sample_seed(seed, prompt, seen[prompt])
            seen[prompt] += 1
            new_ids = _continue(
                model,
                tokenizer,
                prompt,
                device=device,
                seed=own_seed,
                max_new_tokens=max_new_tokens,
                temperature=temperature,
                top_k=top_k,
                top_p=top_p,
                repetition_penalty=repetition_penalty,
            )
            samples.append(_as_sample(tokenizer, prompt, new_ids, own_seed))
    return samples


def _continue(
    model: LanguageModel,
    tokenizer: Tokenizer,
    prompt: str,
    *,
    device: str | torch.device,
    seed: int,
    **decoding: Any,
) -> list[int]:
    """The token ids that the model writes after `prompt`."""
    import torch

    prompt_ids = tokenizer.encode(prompt)
    if not prompt_ids:
        if tokenizer.end_of_text_id is None:
            raise ValueError(
                f"prompt {prompt!r} encodes to no token, and the tokenizer has no end of text to start from"
            )
        prompt_ids = [tokenizer.end_of_text_id]
    generator = torch.Generator(device=device)
    generator.manual_seed(seed)
    input_ids = torch.tensor([prompt_ids], dtype=torch.int64, device=device)
    with torch.no_grad():
        output = model.generate(input_ids, generator=generator, end_id=tokenizer.end_of_text_id, **decoding)
    ids: list[int] = output[0].tolist()
    assert ids[: len(prompt_ids)] == prompt_ids, (
        "generate() must return the prompt followed by the new tokens"
    )
    return ids[len(prompt_ids) :]


def _as_sample(tokenizer: Tokenizer, prompt: str, new_ids: list[int], seed: int) -> Sample:
    end = tokenizer.end_of_text_id
    ended = end is not None and end in new_ids
    if end is not None and ended:
        new_ids = new_ids[: new_ids.index(end)]
    return Sample(
        prompt=prompt, text=tokenizer.decode(new_ids), num_tokens=len(new_ids), ended=ended, seed=seed
    )
