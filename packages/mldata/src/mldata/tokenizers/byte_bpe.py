"""Byte-level BPE (GPT-2, 2019): every Unicode string can be encoded, and decoding gives it back byte for
byte.

Encoding goes through `tiktoken` with the trained merges: three times the speed of `tokenizers`, the same ids.
"""

import itertools
from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mldata.errors import TokenizerError
from mldata.tokenizers.base import END_OF_TEXT, check_text, fingerprint_of, out_of_range
from mldata.tokenizers.bpe_training import count_words, train_merges
from mldata.tokenizers.byte_alphabet import byte_to_character, to_bytes, to_characters
from mldata.tokenizers.hf_format import hf_tokenizer_json
from mldata.tokenizers.storage import write_tokenizer
from mldata.tokenizers.threads import default_threads

# GPT-2's pre-tokenisation for tiktoken's engine. It cut every code point of Unicode as `tokenizers` does
# (tokenizers 0.23.3, tiktoken 0.14.0); test_byte_bpe repeats that.
_PATTERN = r"""'(?:[sdmt]|ll|ve|re)| ?\p{L}++| ?\p{N}++| ?[^\s\p{L}\p{N}]++|\s++$|\s+(?!\S)|\s"""


class ByteBPETokenizer:
    """Tokens in the order of ids, merges in the order of ranks, both in the printable byte alphabet."""

    kind = "byte_bpe"
    unknown_id: int | None = None  # every byte has a token: nothing is unknown

    def __init__(
        self,
        tokens: Sequence[str],
        merges: Sequence[tuple[str, str]],
        *,
        specials: Sequence[str] = (END_OF_TEXT,),
        name: str = "byte_bpe",
    ) -> None:
        self.name = name
        self.tokens = tuple(tokens)
        self.merges = tuple(tuple(pair) for pair in merges)
        self.specials = tuple(specials)
        ids = {token: index for index, token in enumerate(self.tokens)}
        _check_vocabulary(ids, self.tokens, self.merges, self.specials)
        self._special_ids = {special: ids[special] for special in self.specials}
        self._bytes = [t.encode() if t in self._special_ids else to_bytes(t) for t in self.tokens]
        self.end_of_text_id: int | None = self._special_ids.get(END_OF_TEXT)

    @classmethod
    def train(
        cls,
        texts: Iterable[str],
        vocab_size: int,
        *,
        specials: Sequence[str] = (END_OF_TEXT,),
        name: str = "byte_bpe",
    ) -> "ByteBPETokenizer":
        """Train on documents; ids: specials, the 256 bytes in the order of their characters, then the merges.

        `vocab_size` counts all three. A corpus with too few repeated pairs gives a smaller vocabulary. Ties
        between equally frequent pairs go to the greater bytes, see `bpe_training`.
        """
        num_merges = vocab_size - 256 - len(specials)
        if num_merges < 0:
            raise ValueError(f"vocab_size {vocab_size} is too small: {256 + len(specials)} is the least")
        words = {to_bytes(word): count for word, count in count_words(map(check_text, texts)).items()}
        chosen = [(to_characters(a), to_characters(b)) for a, b in train_merges(words, num_merges)]
        tokens = [*specials, *sorted(byte_to_character().values()), *(a + b for a, b in chosen)]
        return cls(tokens, chosen, specials=specials, name=name)

    @property
    def vocab_size(self) -> int:
        """Number of ids, special ones included."""
        return len(self.tokens)

    @cached_property
    def fingerprint(self) -> str:
        """SHA-256 (hex) over kind, tokens, merges and specials."""
        return fingerprint_of(
            {"kind": self.kind, "tokens": self.tokens, "merges": self.merges, "specials": self.specials}
        )

    @cached_property
    def _encoding(self) -> Any:
        import tiktoken

        ranks = {
            data: index
            for index, data in enumerate(self._bytes)
            if self.tokens[index] not in self._special_ids
        }
        # Without special tokens of its own, whatever the text holds is ordinary text.
        return tiktoken.Encoding(self.name, pat_str=_PATTERN, mergeable_ranks=ranks, special_tokens={})

    def encode(self, text: str, *, allow_special: bool = False) -> list[int]:
        """Ids of `text`; `<|endoftext|>` in it is ordinary text unless `allow_special`."""
        check_text(text)
        if not allow_special:
            return self._encoding.encode_ordinary(text)
        ids: list[int] = []
        for piece, special in _split_at_specials(text, self._special_ids):
            ids += self._encoding.encode_ordinary(piece) if special is None else [special]
        return ids

    def encode_batch(self, texts: Sequence[str]) -> list[list[int]]:
        """Ids of every text; threads share the work, since encoding leaves Python's lock."""
        return self._encoding.encode_ordinary_batch(
            [check_text(text) for text in texts], num_threads=default_threads()
        )

    def encode_array(self, text: str) -> NDArray[np.uint32]:
        """Ids of `text` as an array, without a Python object for each."""
        return self._encoding.encode_to_numpy(check_text(text), disallowed_special=())

    def decode_bytes(self, ids: Iterable[int]) -> bytes:
        """The bytes that the ids stand for: exact also where they end inside a character."""
        numbers = [int(i) for i in ids]
        if any(i < 0 or i >= len(self._bytes) for i in numbers):
            raise out_of_range(numbers, self.vocab_size)
        return b"".join([self._bytes[i] for i in numbers])

    def decode(self, ids: Iterable[int]) -> str:
        """Text of the ids; bytes that are no UTF-8 (a sequence cut inside a character) become U+FFFD."""
        return self.decode_bytes(ids).decode("utf-8", errors="replace")

    def byte_lengths(self) -> NDArray[np.int32]:
        """(vocab_size,) number of bytes each id stands for; 0 for special tokens."""
        lengths = np.array([len(data) for data in self._bytes], dtype=np.int32)
        lengths[list(self._special_ids.values())] = 0
        return lengths

    def save(self, folder: str | Path, metadata: Mapping[str, Any] | None = None) -> Path:
        """Write `tokenizer.json`, which the `tokenizers` library reads too, and `metadata.json`."""
        content = hf_tokenizer_json(self.tokens, self.merges, self.specials)
        return write_tokenizer(folder, content, self, self.specials, metadata)

    def __repr__(self) -> str:
        return f"ByteBPETokenizer({self.name!r}, vocab_size={self.vocab_size}, {self.fingerprint[:12]})"


def _split_at_specials(text: str, specials: Mapping[str, int]) -> Iterable[tuple[str, int | None]]:
    """Pieces of text with None, and special tokens with their ids, in the order of the text."""
    import re

    if not specials:
        return [(text, None)]
    longest_first = sorted(specials, key=len, reverse=True)
    pieces = re.split("(" + "|".join(map(re.escape, longest_first)) + ")", text)
    return [(piece, specials[piece] if index % 2 else None) for index, piece in enumerate(pieces) if piece]


def _check_vocabulary(
    ids: Mapping[str, int], tokens: Sequence[str], merges: Sequence[Sequence[str]], specials: Sequence[str]
) -> None:
    """Refuse content that is no byte-level BPE: a hole would turn up only much later, as another encoding."""
    if len(ids) != len(tokens):
        raise TokenizerError("tokenizer names a token twice")
    if missing := [special for special in specials if special not in ids]:
        raise TokenizerError(f"tokenizer lacks its special token {missing[0]!r}")
    known = set(byte_to_character().values())
    if not known <= ids.keys():
        raise TokenizerError("tokenizer lacks some of the 256 bytes")
    for pair in merges:
        if len(pair) != 2 or not set(pair) <= known:
            raise TokenizerError(f"tokenizer merges {tuple(pair)!r}, which are no tokens at that point")
        known.add(pair[0] + pair[1])
    ordered = [ids.get(a + b, -1) for a, b in merges]
    if known | set(specials) != ids.keys() or any(x >= y for x, y in itertools.pairwise(ordered)):
        raise TokenizerError("tokenizer's tokens are not its bytes, merges and special tokens, in that order")
