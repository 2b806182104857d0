"""How well a tokenizer fits a text. (Byte-level BPE always "covers" 100 %: other figures say more.)"""

import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from mldata.tokenizers.base import Tokenizer

# A word: letters and digits, with an apostrophe inside ("don't"); punctuation is not part of it.
_WORD = re.compile(r"\w+(?:['’]\w+)*")


@dataclass(frozen=True)
class Coverage:
    """Figures of one tokenizer on one text.

    `words_within[k]` is the share of running words that take at most k tokens, each encoded with the space
    before it, as in the middle of a sentence; `distinct_words_within[k]` counts each different word once.
    Rates are in [0, 1].
    """

    tokenizer: str
    vocab_size: int
    num_documents: int
    num_bytes: int
    num_tokens: int
    num_words: int
    num_distinct_words: int
    words_within: dict[int, float]
    distinct_words_within: dict[int, float]
    unknown_rate: float
    bytes_per_token: float
    tokens_per_word: float
    round_trip_rate: float
    vocabulary_used: float


def measure_coverage(tokenizer: Tokenizer, texts: Iterable[str], *, most: int = 4) -> Coverage:
    """Measure a tokenizer on documents, for words of 1 to `most` tokens.

    Raises:
        ValueError: the texts hold no word.
    """
    words: Counter[str] = Counter()
    num_documents = num_bytes = num_tokens = num_unknown = num_exact = 0
    used: set[int] = set()
    for text in texts:
        ids = tokenizer.encode(text)
        words.update(_WORD.findall(text))
        used.update(ids)
        num_documents += 1
        num_bytes += len(text.encode())
        num_tokens += len(ids)
        num_unknown += 0 if tokenizer.unknown_id is None else ids.count(tokenizer.unknown_id)
        num_exact += tokenizer.decode(ids) == text
    if not words:
        raise ValueError("the texts hold no word to measure")
    lengths = {word: len(tokenizer.encode(f" {word}")) for word in words}
    running = words.total()
    return Coverage(
        tokenizer=tokenizer.name,
        vocab_size=tokenizer.vocab_size,
        num_documents=num_documents,
        num_bytes=num_bytes,
        num_tokens=num_tokens,
        num_words=running,
        num_distinct_words=len(words),
        words_within={
            k: sum(count for word, count in words.items() if lengths[word] <= k) / running
            for k in range(1, most + 1)
        },
        distinct_words_within={
            k: sum(length <= k for length in lengths.values()) / len(words) for k in range(1, most + 1)
        },
        unknown_rate=num_unknown / num_tokens,
        bytes_per_token=num_bytes / num_tokens,
        tokens_per_word=sum(lengths[word] * count for word, count in words.items()) / running,
        round_trip_rate=num_exact / num_documents,
        vocabulary_used=len(used) / tokenizer.vocab_size,
    )
