"""The one protocol of all tokenizers, and what they share: checks of text, counting of bytes."""

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from mldata.errors import TokenizerError

END_OF_TEXT = "<|endoftext|>"
UNKNOWN = "<unk>"
PADDING = "<pad>"


@runtime_checkable
class Tokenizer(Protocol):
    """Text to ids and back. Immutable once made; `fingerprint` names its content."""

    name: str

    @property
    def kind(self) -> str:
        """ "character", "word" or "byte_bpe"."""
        ...

    @property
    def vocab_size(self) -> int:
        """Number of ids, special ones included."""
        ...

    @property
    def end_of_text_id(self) -> int | None:
        """The id that stands after every document, if there is one."""
        ...

    @property
    def unknown_id(self) -> int | None:
        """The id for what the vocabulary lacks, if there is one."""
        ...

    @property
    def fingerprint(self) -> str:
        """SHA-256 (hex) over the content: kind, tokens in the order of their ids, merges, specials."""
        ...

    def encode(self, text: str, *, allow_special: bool = False) -> list[int]:
        """Ids of `text`. Special tokens written in it are ordinary text unless `allow_special`."""
        ...

    def encode_batch(self, texts: Sequence[str]) -> list[list[int]]:
        """`encode` of every text, in parallel where that helps."""
        ...

    def encode_array(self, text: str) -> NDArray[np.uint32]:
        """`encode` as an array: the fast way for whole corpora."""
        ...

    def decode(self, ids: Iterable[int]) -> str:
        """Text of the ids; special tokens are written out."""
        ...

    def byte_lengths(self) -> NDArray[np.int32]:
        """(vocab_size,) number of UTF-8 bytes that each id stands for; 0 for special tokens."""
        ...

    def save(self, folder: str | Path, metadata: Mapping[str, Any] | None = None) -> Path:
        """Write `tokenizer.json` and `metadata.json` into `folder` (made if it is missing)."""
        ...


def fingerprint_of(content: Mapping[str, Any]) -> str:
    """SHA-256 (hex) of JSON-able content, independent of how a file of it is laid out."""
    canonical = json.dumps(content, sort_keys=True, ensure_ascii=True, separators=(",", ":"))
    return hashlib.sha256(canonical.encode("ascii")).hexdigest()


def check_text(text: str) -> str:
    """Refuse half a surrogate pair: such a string has no UTF-8 form, so it could not survive a round trip."""
    try:
        text.encode("utf-8")
    except UnicodeEncodeError as error:
        where = f"character {error.start} is {text[error.start]!r}"
        raise TokenizerError(f"text cannot be written as UTF-8: {where}, half a surrogate pair") from None
    return text


def out_of_range(ids: Iterable[int], vocab_size: int) -> TokenizerError:
    """The error for ids that are no ids of a vocabulary."""
    worst = next((i for i in ids if not 0 <= i < vocab_size), None)
    return TokenizerError(f"token id {worst} is not in the vocabulary (0 to {vocab_size - 1})")
