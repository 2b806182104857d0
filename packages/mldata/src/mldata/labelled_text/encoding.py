"""Labelled texts as token ids: cut to a greatest length, unknown words counted."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mldata.errors import DataError
from mldata.labelled_text.dataset import LabelledTexts
from mldata.tokenizers.base import Tokenizer


@dataclass(frozen=True, eq=False)
class EncodedTexts:
    """Ids of every text of a split.

    Attributes:
        name, split: of the data set.
        tokens: N arrays of at least one id, uint32.
        labels: (N,) int64.
        pad_id: the id that fills batches: end of text, which no text holds.
        num_truncated: texts that lost their ends.
        unknown_share: unknown tokens among all, before the cut.
    """

    name: str
    split: str
    tokens: tuple[NDArray[np.uint32], ...]
    labels: NDArray[np.int64]
    pad_id: int
    num_truncated: int
    unknown_share: float

    def __len__(self) -> int:
        return len(self.tokens)

    @property
    def lengths(self) -> NDArray[np.int64]:
        """(N,) tokens of each text."""
        return np.array([len(tokens) for tokens in self.tokens], dtype=np.int64)


def encode_texts(
    texts: LabelledTexts, tokenizer: Tokenizer, *, max_length: int, lowercase: bool = False
) -> EncodedTexts:
    """The first `max_length` tokens of every text. A text without any is one end-of-text token.

    Raises:
        DataError: the tokenizer has no end-of-text token to fill batches with.
        ValueError: `max_length` below 1.
    """
    if max_length < 1:
        raise ValueError(f"max_length is {max_length}; 1 is the least")
    pad_id = tokenizer.end_of_text_id
    if pad_id is None:
        raise DataError(f"tokenizer {tokenizer.name!r} has no end-of-text token to fill batches with")
    tokens, num_truncated, num_unknown, num_tokens = [], 0, 0, 0
    for text in texts:
        ids = tokenizer.encode_array(text.lower() if lowercase else text)
        num_tokens += len(ids)
        if tokenizer.unknown_id is not None:
            num_unknown += int((ids == tokenizer.unknown_id).sum())
        num_truncated += len(ids) > max_length
        tokens.append(ids[:max_length] if len(ids) else np.array([pad_id], dtype=np.uint32))
    return EncodedTexts(
        texts.name,
        texts.split,
        tuple(tokens),
        np.array(texts.labels, dtype=np.int64),
        pad_id,
        num_truncated,
        num_unknown / max(1, num_tokens),
    )
