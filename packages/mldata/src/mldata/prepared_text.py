"""The text of an experiment, cut into tokens: both splits, their tokenizer, and batches of windows over them."""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Protocol

from mldata.text import TextDataset, load_text
from mldata.token_files import TokenFile, prepare_dataset
from mldata.tokenizers import CharacterTokenizer, Tokenizer, load_tokenizer, read_tokenizer
from mldata.tokenizers.base import END_OF_TEXT, UNKNOWN
from mldata.windows import TokenWindows

OF_THE_TEXT = "character"  # the tokenizer that is made of the training text itself


class TextChoice(Protocol):
    """The part of an experiment's configuration that says which text, and how it is cut into tokens."""

    @property
    def dataset(self) -> str: ...

    @property
    def tokenizer(self) -> str: ...

    @property
    def data_dir(self) -> Path | None: ...

    @property
    def subset_size(self) -> int | None: ...

    @property
    def val_subset_size(self) -> int | None: ...

    @property
    def num_workers(self) -> int: ...


@dataclass(frozen=True)
class PreparedText:
    """Both splits as tokens.

    Attributes:
        train_text: the training documents, for what needs words instead of tokens.
    """

    choice: TextChoice
    tokenizer: Tokenizer
    train_text: TextDataset
    train_tokens: TokenFile
    val_tokens: TokenFile

    def windows(
        self, context_length: int, batch_size: int, *, seed: int, rank: int = 0, world_size: int = 1
    ) -> tuple[TokenWindows, TokenWindows]:
        """Shuffled training windows in full batches, and validation windows in order, both of this rank."""
        windows = partial(
            TokenWindows,
            context_length=context_length,
            batch_size=batch_size,
            num_workers=self.choice.num_workers,
            rank=rank,
            world_size=world_size,
        )
        train = windows(self.train_tokens, seed=seed, mode="random", drop_last=True)
        return train, windows(self.val_tokens, mode="sequential")

    def keep_tokenizer(self, folder: Path) -> None:
        """Save a tokenizer that was made of the training text: it exists nowhere else."""
        if self.choice.tokenizer == OF_THE_TEXT:
            self.tokenizer.save(folder)


def prepare_text(choice: TextChoice, kept_tokenizer: Path | None = None) -> PreparedText:
    """Load both splits and encode them, or open what was encoded before.

    Args:
        kept_tokenizer: folder of a run's own tokenizer; used where it exists and the choice is `character`.

    Raises:
        DataError: the text cannot be found or read, or has too few tokens.
        TokenizerError: no such tokenizer.
    """
    train_text, val_text = load_split(choice, "train"), load_split(choice, "validation")
    tokenizer = tokenizer_of(choice, train_text, kept_tokenizer)
    return PreparedText(
        choice,
        tokenizer,
        train_text,
        train_tokens=prepare_dataset(train_text, tokenizer),
        val_tokens=prepare_dataset(val_text, tokenizer),
    )


def tokenizer_of(
    choice: TextChoice, train_text: Iterable[str] | None = None, kept_tokenizer: Path | None = None
) -> Tokenizer:
    """The chosen tokenizer. `character` is the one kept in a folder, or is made of the training text."""
    if choice.tokenizer != OF_THE_TEXT:
        return load_tokenizer(choice.tokenizer)
    if kept_tokenizer is not None and kept_tokenizer.is_dir():
        return read_tokenizer(kept_tokenizer)
    documents = load_split(choice, "train") if train_text is None else train_text
    return CharacterTokenizer.train(documents, specials=(END_OF_TEXT, UNKNOWN))


def load_split(choice: TextChoice, split: str) -> TextDataset:
    """The chosen part of a split."""
    size = choice.subset_size if split == "train" else choice.val_subset_size
    return load_text(choice.dataset, split, subset_size=size, data_dir=choice.data_dir)
