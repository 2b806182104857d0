"""One id for each of the most frequent words; what is not among them is `<unk>`."""

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mldata.errors import TokenizerError
from mldata.tokenizers.base import END_OF_TEXT, UNKNOWN, check_text, fingerprint_of, out_of_range
from mldata.tokenizers.storage import plain_content, write_tokenizer

# Every character falls into exactly one piece, so known words decode to the text that they came from.
_PIECE = re.compile(r" ?\w+| ?[^\w\s]|\s")
_SPECIALS = (END_OF_TEXT, UNKNOWN)


class WordTokenizer:
    """Special tokens (`<|endoftext|>`, `<unk>`), then words with the space before them, frequent first."""

    kind = "word"

    def __init__(
        self, words: Sequence[str], *, specials: Sequence[str] = _SPECIALS, name: str = "word"
    ) -> None:
        self.name = name
        self.words = tuple(words)
        self.specials = tuple(specials)
        self._symbols = self.specials + self.words
        self._ids = {symbol: index for index, symbol in enumerate(self._symbols)}
        if len(self._ids) != len(self._symbols):
            raise TokenizerError("tokenizer names a token twice")
        if UNKNOWN not in self.specials:
            raise TokenizerError(f"a word tokenizer needs {UNKNOWN!r} among its special tokens")
        self.unknown_id: int | None = self._ids[UNKNOWN]
        self.end_of_text_id: int | None = self._ids[END_OF_TEXT] if END_OF_TEXT in self.specials else None
        # A special token written in a text is text, which these pieces can never spell: see `_PIECE`.
        self._word_ids = {word: self._ids[word] for word in self.words}

    @classmethod
    def train(
        cls,
        texts: Iterable[str],
        vocab_size: int,
        *,
        min_count: int = 1,
        specials: Sequence[str] = _SPECIALS,
        name: str = "word",
    ) -> "WordTokenizer":
        """The `vocab_size - len(specials)` most frequent words, or fewer; ties in alphabetical order.

        `min_count`: words that are rarer stay unknown, so that a model learns what to do with unknown ones.
        """
        num_words = vocab_size - len(specials)
        if num_words < 1:
            raise ValueError(f"vocab_size {vocab_size} is too small: {len(specials) + 1} is the least")
        counts: Counter[str] = Counter()
        for text in texts:
            counts.update(_PIECE.findall(check_text(text)))
        frequent = (word for word, count in counts.items() if count >= min_count)
        ordered = sorted(frequent, key=lambda word: (-counts[word], word))
        return cls(ordered[:num_words], specials=specials, name=name)

    @property
    def vocab_size(self) -> int:
        """Number of ids, special ones included."""
        return len(self._symbols)

    @cached_property
    def fingerprint(self) -> str:
        """SHA-256 (hex) over kind, words and specials."""
        return fingerprint_of({"kind": self.kind, "tokens": self.words, "specials": self.specials})

    def encode(self, text: str, *, allow_special: bool = False) -> list[int]:
        """Ids of `text`; unknown words are `<unk>`, special tokens are text unless `allow_special`."""
        check_text(text)
        if allow_special:
            pieces = re.split("(" + "|".join(map(re.escape, self.specials)) + ")", text)
            return [
                i
                for odd, p in enumerate(pieces)
                for i in ([self._ids[p]] if odd % 2 else self._encode_ordinary(p))
            ]
        return self._encode_ordinary(text)

    def _encode_ordinary(self, text: str) -> list[int]:
        unknown = self.unknown_id
        assert unknown is not None
        return [self._word_ids.get(piece, unknown) for piece in _PIECE.findall(text)]

    def encode_batch(self, texts: Sequence[str]) -> list[list[int]]:
        """`encode` of every text."""
        return [self.encode(text) for text in texts]

    def encode_array(self, text: str) -> NDArray[np.uint32]:
        """`encode` as an array."""
        return np.array(self.encode(text), dtype=np.uint32)

    def decode(self, ids: Iterable[int]) -> str:
        """Text of the ids; special tokens, `<unk>` among them, are written out."""
        numbers = [int(i) for i in ids]
        if any(i < 0 or i >= len(self._symbols) for i in numbers):
            raise out_of_range(numbers, self.vocab_size)
        return "".join([self._symbols[i] for i in numbers])

    def byte_lengths(self) -> NDArray[np.int32]:
        """(vocab_size,) number of UTF-8 bytes each id stands for; 0 for special tokens, `<unk>` too."""
        lengths = [0] * len(self.specials) + [len(word.encode()) for word in self.words]
        return np.array(lengths, dtype=np.int32)

    def save(self, folder: str | Path, metadata: Mapping[str, Any] | None = None) -> Path:
        """Write `tokenizer.json` and `metadata.json` into `folder`."""
        content = plain_content(self.kind, self.words, self.specials)
        return write_tokenizer(folder, content, self, self.specials, metadata)

    def __repr__(self) -> str:
        return f"WordTokenizer({self.name!r}, vocab_size={self.vocab_size}, {self.fingerprint[:12]})"
