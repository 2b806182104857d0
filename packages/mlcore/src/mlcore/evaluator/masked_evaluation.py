"""What evaluation.json of a masked language model holds: its loss on gaps, beside that of mere frequencies."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from mlcore.evaluator.advanced_evaluator import AdvancedEvaluator
from mlcore.evaluator.baselines import ngram_baselines, unigram_entropy
from mlcore.evaluator.evaluation_file import read_evaluation, write_evaluation
from mlcore.evaluator.language_metrics import IGNORE_INDEX
from mlcore.evaluator.text_evaluation import BASELINE_TOKENS

if TYPE_CHECKING:
    from torch import Tensor

    from mlcore.evaluator.protocols import Tokenizer

Batches = Iterable[Sequence["Tensor"]]


@dataclass(frozen=True)
class MaskedData:
    """What a model that fills gaps is measured on.

    Attributes:
        masked: validation windows (inputs, targets) as in training, both (B, T); targets that are no gaps are -100.
        alone: the same windows with one gap at a time: inputs (B, gaps, T), targets (B, gaps · T).
        train_tokens: (N,) integers, for the baselines.
    """

    masked: Batches
    alone: Batches
    train_tokens: NDArray[Any]


class OneGapAtATime:
    """A reader of inputs (B, gaps, T): logits (B, gaps · T, V), a window with its gaps is one observation."""

    def __init__(self, model: Any) -> None:
        self.model = model

    def logits(self, input_ids: Tensor) -> Tensor:
        """Each copy of a window is read by itself."""
        return self.model.logits(input_ids.flatten(0, 1)).unflatten(0, input_ids.shape[:2]).flatten(1, 2)


def evaluate_masked(
    model: Any,
    tokenizer: Tokenizer,
    data: MaskedData,
    *,
    device: Any,
    checkpoint: str,
    run: Path | None = None,
    max_batches: int | None = None,
) -> dict[str, Any]:
    """Measure a model; with `run` the content is written to its evaluation.json.

    `metrics` are those of 15 % of the tokens, hidden together as in training. `one_gap` is of single gaps: its
    perplexity is the pseudo-perplexity (Salazar et al., 2020), which no left-to-right perplexity compares with. Bits
    per byte are given for neither: the pseudo-likelihood of a text is no probability.
    """
    metrics = AdvancedEvaluator(model, tokenizer, device=device).evaluate(
        data.masked, max_batches=max_batches
    )
    reader: Any = OneGapAtATime(model)
    one_gap = AdvancedEvaluator(reader, tokenizer, device=device).evaluate(
        data.alone, max_batches=max_batches
    )
    targets = _targets(data.masked, max_batches)
    train_tokens = data.train_tokens[:BASELINE_TOKENS]
    vocab_size = tokenizer.vocab_size
    baselines = ngram_baselines(train_tokens, targets, vocab_size=vocab_size, orders=(1,))
    content: dict[str, Any] = {
        "checkpoint": checkpoint,
        "split": "validation",
        "metrics": metrics.as_dict() | {"bits_per_byte": None},
        "one_gap": one_gap.as_dict() | {"bits_per_byte": None},
        "baselines": {name: baseline.as_dict() for name, baseline in baselines.items()},
        "baseline_tokens": len(train_tokens),
        "unigram_entropy": unigram_entropy(np.bincount(targets, minlength=vocab_size)),
    }
    if run is None:
        return content
    write_evaluation(run, **content)
    return read_evaluation(run)


def _targets(batches: Batches, max_batches: int | None) -> NDArray[Any]:
    """The hidden tokens, in order."""
    found = [targets[targets != IGNORE_INDEX].numpy() for _, targets in islice(batches, max_batches)]
    return np.concatenate(found)
