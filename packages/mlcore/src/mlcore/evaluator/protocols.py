"""What the evaluator asks of a model and of a tokenizer. mlcore imports neither mlmodels nor mldata.

Shape suffixes: B batch, T tokens, V vocabulary.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    import numpy as np
    from torch import Generator, Tensor


class LanguageModel(Protocol):
    """A causal language model."""

    def logits(self, input_ids: Tensor) -> Tensor:
        """Unnormalised log-probabilities (B, T, V) of the token after each position of `input_ids` (B, T)."""
        ...

    def generate(
        self,
        input_ids: Tensor,
        *,
        max_new_tokens: int,
        temperature: float,
        top_k: int | None,
        top_p: float | None = None,
        repetition_penalty: float = 1.0,
        generator: Generator | None = None,
        end_id: int | None = None,
    ) -> Tensor:
        """The prompt `input_ids` (B, T) followed by at most `max_new_tokens` sampled tokens."""
        ...


class Tokenizer(Protocol):
    """Text to token ids and back."""

    @property
    def vocab_size(self) -> int: ...

    @property
    def end_of_text_id(self) -> int | None: ...

    def encode(self, text: str) -> list[int]: ...

    def decode(self, ids: Sequence[int]) -> str: ...

    def byte_lengths(self) -> np.ndarray:
        """Number of UTF-8 bytes (V,) that each token stands for; 0 for specials such as end of text."""
        ...
