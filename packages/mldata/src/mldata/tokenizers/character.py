"""One id for each character: 65 for tinyshakespeare, 67 with padding and unknown beside them."""

from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mldata.errors import TokenizerError
from mldata.tokenizers.base import END_OF_TEXT, UNKNOWN, check_text, fingerprint_of, out_of_range
from mldata.tokenizers.storage import plain_content, write_tokenizer

_NO_ID = np.iinfo(np.uint32).max


class CharacterTokenizer:
    """Characters in the order of their ids (training sorts them), then the special tokens."""

    kind = "character"

    def __init__(
        self, characters: Sequence[str], *, specials: Sequence[str] = (), name: str = "character"
    ) -> None:
        self.name = name
        self.characters = tuple(characters)
        self.specials = tuple(specials)
        if any(len(character) != 1 for character in self.characters):
            raise TokenizerError("a character tokenizer's tokens are single characters")
        self._symbols = self.characters + self.specials
        if len(set(self._symbols)) != len(self._symbols):
            raise TokenizerError("tokenizer names a token twice")
        special_ids = {s: len(self.characters) + index for index, s in enumerate(self.specials)}
        self.end_of_text_id: int | None = special_ids.get(END_OF_TEXT)
        self.unknown_id: int | None = special_ids.get(UNKNOWN)

    @classmethod
    def train(
        cls, texts: Iterable[str], *, specials: Sequence[str] = (), name: str = "character"
    ) -> "CharacterTokenizer":
        """All characters of the texts, sorted by code point; special tokens only if they are asked for."""
        seen: set[str] = set()
        for text in texts:
            seen.update(check_text(text))
        if not seen:
            raise ValueError("no text to take characters from")
        return cls(sorted(seen), specials=specials, name=name)

    @property
    def vocab_size(self) -> int:
        """Number of ids, special ones included."""
        return len(self._symbols)

    @cached_property
    def fingerprint(self) -> str:
        """SHA-256 (hex) over kind, characters and specials."""
        return fingerprint_of({"kind": self.kind, "tokens": self.characters, "specials": self.specials})

    @cached_property
    def _id_of_code_point(self) -> NDArray[np.uint32]:
        table = np.full(0x110000, _NO_ID if self.unknown_id is None else self.unknown_id, dtype=np.uint32)
        table[[ord(character) for character in self.characters]] = np.arange(len(self.characters))
        return table

    def encode_array(self, text: str) -> NDArray[np.uint32]:
        """Ids of `text` as an array; a character that is not among ours is `<unk>`, without it an error."""
        code_points = np.frombuffer(check_text(text).encode("utf-32-le"), dtype="<u4")
        ids = self._id_of_code_point[code_points]
        if self.unknown_id is None and (ids == _NO_ID).any():
            where = int(np.argmax(ids == _NO_ID))
            raise TokenizerError(
                f"character {text[where]!r} (position {where}) is not among the {len(self.characters)} of "
                f"{self.name!r}; a vocabulary with {UNKNOWN!r} takes any"
            )
        return ids

    def encode(self, text: str, *, allow_special: bool = False) -> list[int]:
        """Ids of `text`. Special tokens have no characters of their own: they cannot be written in a text."""
        return self.encode_array(text).tolist()

    def encode_batch(self, texts: Sequence[str]) -> list[list[int]]:
        """`encode` of every text."""
        return [self.encode(text) for text in texts]

    def decode(self, ids: Iterable[int]) -> str:
        """Text of the ids; special tokens are written out."""
        numbers = [int(i) for i in ids]
        if any(i < 0 or i >= len(self._symbols) for i in numbers):
            raise out_of_range(numbers, self.vocab_size)
        return "".join([self._symbols[i] for i in numbers])

    def byte_lengths(self) -> NDArray[np.int32]:
        """(vocab_size,) number of UTF-8 bytes each id stands for; 0 for special tokens."""
        lengths = [len(c.encode()) for c in self.characters] + [0] * len(self.specials)
        return np.array(lengths, dtype=np.int32)

    def save(self, folder: str | Path, metadata: Mapping[str, Any] | None = None) -> Path:
        """Write `tokenizer.json` and `metadata.json` into `folder`."""
        content = plain_content(self.kind, self.characters, self.specials)
        return write_tokenizer(folder, content, self, self.specials, metadata)

    def __repr__(self) -> str:
        return f"CharacterTokenizer({self.name!r}, vocab_size={self.vocab_size}, {self.fingerprint[:12]})"
