"""What the shared commands ask of a project's wiring, and the small parts that every such wiring needs."""

from collections.abc import Iterable, Mapping, Sized
from pathlib import Path
from typing import Any, Protocol

import torch

from mlcore.errors import ConfigError
from mlcore.evaluator.protocols import Tokenizer
from mlcore.logger import TrainingLogger
from mlcore.runs import RunFolder
from mlcore.trainer.base import BaseTrainer


class FingerprintedTokenizer(Tokenizer, Protocol):
    """A tokenizer that knows which one it is."""

    name: str

    @property
    def fingerprint(self) -> str: ...


class TokenStream(Sized, Protocol):
    """A split as tokens."""

    @property
    def tokens(self) -> Any:
        """(N,) integers."""
        ...


class TokenisedText(Protocol):
    """Both splits of a text as tokens."""

    @property
    def tokenizer(self) -> FingerprintedTokenizer: ...

    @property
    def train_text(self) -> Iterable[str]: ...

    @property
    def train_tokens(self) -> TokenStream: ...

    @property
    def val_tokens(self) -> TokenStream: ...

    def keep_tokenizer(self, folder: Path) -> None:
        """Save a tokenizer that was made of the training text and exists nowhere else."""
        ...


class PreparedExperiment(Protocol):
    """What exists before a run folder does: if anything of this fails, nothing has been written."""

    @property
    def config(self) -> Any:
        """The resolved root section: `name`, `seed`, `deterministic`, `model`, `evaluation`."""
        ...

    @property
    def device(self) -> torch.device: ...

    @property
    def text(self) -> TokenisedText: ...


class Reading(Protocol):
    """A model beside the validation text."""

    def evaluate(
        self,
        prepared: Any,
        *,
        checkpoint: str,
        run: Path | None,
        max_batches: int | None,
        with_samples: bool,
    ) -> dict[str, Any]:
        """What evaluation.json holds; written there where there is a run."""
        ...


class TextWiring(Protocol):
    """A project's `build` module."""

    def prepare(self, config: Any, run: RunFolder | None = None) -> Any:
        """A `PreparedExperiment`."""
        ...

    def make_tokenizer(self, config: Any, run: RunFolder | None = None) -> FingerprintedTokenizer: ...

    def make_model(self, config: Any, device: torch.device, seed: int) -> Any: ...

    def make_loaders(self, prepared: Any, *, rank: int = 0, world_size: int = 1) -> tuple[Any, Any]: ...

    def validation_reading(self, prepared: Any, model: Any) -> Reading:
        """How a model reads the validation text: a `NextTokenReading`, or a `MaskedReading`."""
        ...

    def make_logger(self, prepared: Any, run: RunFolder | None) -> TrainingLogger: ...

    def make_trainer(
        self, prepared: Any, model: Any, *, run: RunFolder | None, logger: TrainingLogger
    ) -> BaseTrainer: ...

    def model_from(self, state: Mapping[str, Any], device: torch.device) -> Any:
        """The model of a checkpoint, ready for inference."""
        ...


def tokenizer_folder(run: RunFolder) -> Path:
    """Where a run keeps a tokenizer that was made of its text."""
    return run.path / "tokenizer"


def kept_tokenizer(run: RunFolder | None) -> Path | None:
    """The folder of a run's own tokenizer, which is there if it was made of the run's text."""
    return None if run is None else tokenizer_folder(run)


def check_vocabulary(model: Any, vocab_size: int, tokenizer: str) -> None:
    """Refuse a model section that states another vocabulary than the tokenizer's.

    Raises:
        ConfigError: names both.
    """
    if "vocab_size" in model.model_fields_set and model.vocab_size != vocab_size:
        raise ConfigError(
            f"model.vocab_size is {model.vocab_size}, but tokenizer {tokenizer!r} has {vocab_size} tokens: "
            "leave model.vocab_size out, or name the tokenizer it belongs to"
        )


def require_batches(loader: Sized, tokens: Sized, length_key: str) -> None:
    """Refuse training windows that do not fill one batch.

    Raises:
        ConfigError: names what to make smaller.
    """
    if not len(loader):
        raise ConfigError(
            f"{len(tokens):,} training tokens are fewer than one batch: "
            f"make training.batch_size or {length_key} smaller"
        )


def checkpoint_extras(prepared: PreparedExperiment) -> dict[str, Any]:
    """What a checkpoint must know besides the training's state: its configuration, its model, its tokenizer."""
    return {
        "config": prepared.config.model_dump(mode="json"),
        "model_config": prepared.config.model.model_dump(mode="json"),
        "tokenizer": prepared.text.tokenizer.fingerprint,
    }
