"""Which split a document belongs to: a function of its content alone, so that no text lies in two."""

import hashlib
from collections.abc import Iterable, Iterator

HELD_OUT_RULE = (
    "a document is held out for validation if the first 64 bits of its SHA-256, "
    "as a fraction of 2^64, are below {share}"
)


def content_hash(document: str) -> bytes:
    """SHA-256 of the document's UTF-8 bytes."""
    return hashlib.sha256(document.encode("utf-8")).digest()


def is_held_out(document: str, share: float) -> bool:
    """Whether the document belongs to validation where a data set has only a train split."""
    return int.from_bytes(content_hash(document)[:8], "big") < share * 2**64


def held_out_split(documents: Iterable[str], split: str, share: float) -> Iterator[str]:
    """The documents of `split` ("train" or "validation") out of one stream of all."""
    assert split in ("train", "validation"), split
    return (document for document in documents if is_held_out(document, share) == (split == "validation"))


class Deduplicator:
    """Passes on each document once, and none whose hash is among `excluded` (the other splits' documents)."""

    def __init__(self, excluded: Iterable[bytes] = ()) -> None:
        self._excluded = frozenset(digest[:16] for digest in excluded)
        self._seen: set[bytes] = set()
        self.num_read = self.num_duplicates = self.num_excluded = 0

    def __call__(self, documents: Iterable[str]) -> Iterator[str]:
        for document in documents:
            self.num_read += 1
            digest = content_hash(document)[:16]
            if digest in self._excluded:
                self.num_excluded += 1
            elif digest in self._seen:
                self.num_duplicates += 1
            else:
                self._seen.add(digest)
                yield document
