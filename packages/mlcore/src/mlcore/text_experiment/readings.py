"""How a model reads the validation text in an evaluation: token after token, or around gaps."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mlcore.errors import ConfigError
from mlcore.evaluator.masked_evaluation import MaskedData, evaluate_masked
from mlcore.evaluator.text_evaluation import TextData, evaluate_text
from mlcore.text_experiment.evaluators import make_evaluator
from mlcore.text_experiment.wiring import PreparedExperiment


@dataclass(frozen=True)
class NextTokenReading:
    """Which token comes next?

    Attributes:
        reader: gives the logits; the model itself, as a rule.
        batches: the validation windows in the order of the stream.
    """

    reader: Any
    batches: Iterable[Any]

    def evaluate(
        self,
        prepared: PreparedExperiment,
        *,
        checkpoint: str,
        run: Path | None,
        max_batches: int | None,
        with_samples: bool,
    ) -> dict[str, Any]:
        """Loss, n-gram baselines, samples; see `evaluate_text`."""
        config, text = prepared.config, prepared.text
        return evaluate_text(
            make_evaluator(prepared, self.reader),
            TextData(self.batches, text.train_tokens.tokens, text.val_tokens.tokens),
            config.evaluation,
            seed=config.seed,
            checkpoint=checkpoint,
            run=run,
            max_batches=max_batches,
            with_samples=with_samples,
        )


@dataclass(frozen=True)
class MaskedReading:
    """Which tokens stand in the gaps?

    Attributes:
        model: gives logits from both sides.
        masked, alone: see `MaskedData`.
    """

    model: Any
    masked: Iterable[Any]
    alone: Iterable[Any]

    def evaluate(
        self,
        prepared: PreparedExperiment,
        *,
        checkpoint: str,
        run: Path | None,
        max_batches: int | None,
        with_samples: bool,
    ) -> dict[str, Any]:
        """Loss on gaps, pseudo-perplexity, token frequencies; see `evaluate_masked`.

        Raises:
            ConfigError: samples are asked for.
        """
        if with_samples:
            require_writer(self.model)
        text = prepared.text
        return evaluate_masked(
            self.model,
            text.tokenizer,
            MaskedData(self.masked, self.alone, text.train_tokens.tokens),
            device=prepared.device,
            checkpoint=checkpoint,
            run=run,
            max_batches=max_batches or prepared.config.evaluation.max_batches,
        )


def can_write(model: Any) -> bool:
    """Whether a model continues a text."""
    return hasattr(model, "generate")


def require_writer(model: Any) -> None:
    """
    Raises:
        ConfigError: the model fills gaps and cannot continue a text.
    """
    if not can_write(model):
        raise ConfigError(
            f"{type(model).__name__} cannot write: it fills gaps from both sides, and what is being written has no "
            "right side yet; evaluate it without --generate, or train a next-token model"
        )
