"""The words, and the pairs of neighbouring words, of a training text."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import pairwise

_WORD = re.compile(r"[^\W_]+(?:['’-][^\W_]+)*")
_SENTENCE = re.compile(r"[^.!?…]+[.!?…]*[\"”’')\]]*")


def split_words(text: str) -> list[str]:
    """Words in lower case; digits count as words, apostrophes and hyphens inside words stay."""
    return _WORD.findall(text.replace("’", "'").lower())


def split_sentences(text: str) -> list[str]:
    """Sentences with their closing punctuation; what follows the last full stop is a sentence too."""
    return [sentence.strip() for sentence in _SENTENCE.findall(text) if _WORD.search(sentence)]


@dataclass(frozen=True)
class WordList:
    """Known words and known pairs of neighbouring words (never across a sentence's end).

    Without pairs (`pairs` empty) the order of words cannot be judged.
    """

    words: frozenset[str]
    pairs: frozenset[tuple[str, str]] = frozenset()

    @classmethod
    def from_texts(
        cls, texts: Iterable[str], *, min_count: int = 1, max_characters: int | None = None
    ) -> WordList:
        """Words and pairs that occur at least `min_count` times in `texts`, or in their first `max_characters`. Give
        it training text only: the text that is to be judged must not stand in it."""
        words: Counter[str] = Counter()
        pairs: Counter[tuple[str, str]] = Counter()
        for text in texts if max_characters is None else _beginning(texts, max_characters):
            for sentence in split_sentences(text):
                found = split_words(sentence)
                words.update(found)
                pairs.update(pairwise(found))
        return cls(
            frozenset(word for word, count in words.items() if count >= min_count),
            frozenset(pair for pair, count in pairs.items() if count >= min_count),
        )


def _beginning(texts: Iterable[str], max_characters: int) -> Iterator[str]:
    """The first texts, and of the last of them the part, that make up so many characters."""
    for text in texts:
        yield text[:max_characters]
        max_characters -= len(text)
        if max_characters <= 0:
            return
