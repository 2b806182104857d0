"""Texts of one split in memory, each with its class."""

import hashlib
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

from mldata.errors import DataError


@dataclass(frozen=True, eq=False)
class LabelledTexts:
    """Texts and labels of one split.

    Args:
        name: of the data set.
        split: "train", "validation" or "test".
        texts: (N,).
        labels: (N,), from 0 to `len(classes) - 1`.
        classes: their names, in the labels' order.
        source: in words, where the texts come from.

    Raises:
        DataError: not one label a text, or a label that is no class.
    """

    name: str
    split: str
    texts: tuple[str, ...]
    labels: tuple[int, ...]
    classes: tuple[str, ...]
    source: str = ""

    def __post_init__(self) -> None:
        if len(self.texts) != len(self.labels):
            raise DataError(f"{self.name!r} has {len(self.texts)} texts and {len(self.labels)} labels")
        wrong = [label for label in self.labels if not 0 <= label < len(self.classes)]
        if wrong:
            raise DataError(f"label {wrong[0]} of {self.name!r} is none of its {len(self.classes)} classes")

    def __len__(self) -> int:
        return len(self.texts)

    def __iter__(self) -> Iterator[str]:
        return iter(self.texts)

    def __repr__(self) -> str:
        return (
            f"LabelledTexts({self.name!r}, {self.split!r}, {len(self)} texts in {len(self.classes)} classes)"
        )

    @cached_property
    def fingerprint(self) -> str:
        """SHA-256 (hex) of texts, labels and classes; where they lie does not change it."""
        digest = hashlib.sha256(repr(self.classes).encode())
        for text, label in zip(self.texts, self.labels, strict=True):
            digest.update(f"{label} {len(text)} {text}\n".encode())
        return digest.hexdigest()

    def class_counts(self) -> list[int]:
        """How many texts each class has."""
        counts = Counter(self.labels)
        return [counts[label] for label in range(len(self.classes))]
