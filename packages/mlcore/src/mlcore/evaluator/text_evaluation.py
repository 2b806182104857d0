"""What evaluation.json of a language model holds: its loss, baselines on the same tokens, samples, two judges."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from mlcore.evaluator.advanced_evaluator import AdvancedEvaluator
from mlcore.evaluator.baselines import ngram_baselines, unigram_entropy
from mlcore.evaluator.evaluation_file import FILE_NAME, read_evaluation, write_evaluation
from mlcore.evaluator.protocols import Tokenizer
from mlcore.evaluator.samples import Sample
from mlcore.evaluator.text_config import TextEvaluationConfig

if TYPE_CHECKING:
    from torch import Tensor

BASELINE_TOKENS = 5_000_000  # of the training text; counting more takes minutes and changes the third digit
_JUDGED = ("samples", "heuristic", "coherence")


@dataclass(frozen=True)
class TextData:
    """What a model is measured on.

    Attributes:
        loader: validation windows in the order of the stream; their targets are `val_tokens` from the second on.
        train_tokens, val_tokens: the two streams, (N,) integers.
        orders: of the n-gram baselines.
    """

    loader: Iterable[Sequence[Tensor]]
    train_tokens: NDArray[Any]
    val_tokens: NDArray[Any]
    orders: tuple[int, ...] = (1, 2, 3, 5)


def evaluate_text(
    evaluator: AdvancedEvaluator,
    data: TextData,
    config: TextEvaluationConfig,
    *,
    seed: int,
    checkpoint: str,
    run: Path | None = None,
    max_batches: int | None = None,
    with_samples: bool = True,
) -> dict[str, Any]:
    """Measure a model; with `run` the content is written to its evaluation.json.

    Args:
        seed: of the samples.
        checkpoint: name of the file that the model comes from.
        max_batches: goes before the config's.
        with_samples: without them, what an earlier evaluation of the run wrote and judged stays.
    """
    metrics = evaluator.evaluate(data.loader, max_batches=max_batches or config.max_batches)
    content: dict[str, Any] = {"checkpoint": checkpoint, "split": "validation", "metrics": metrics.as_dict()}
    content |= _baselines(evaluator.tokenizer, data, metrics.num_tokens)
    _add_bits_per_character(content, evaluator.tokenizer, _targets(data, metrics.num_tokens))
    if with_samples:
        samples = write_samples(evaluator, config, seed=seed, samples_per_prompt=config.num_samples)
        content |= {"samples": samples, "heuristic": evaluator.heuristics(samples)}
        if config.evaluate_coherence:
            content["coherence"] = evaluator.score(samples)
    elif run is not None and (run / FILE_NAME).is_file():
        earlier = read_evaluation(run)
        content |= {part: earlier[part] for part in _JUDGED if earlier.get(part)}
    if run is not None:
        write_evaluation(run, **content)
        return read_evaluation(run)
    return {key: value.as_dict() if hasattr(value, "as_dict") else value for key, value in content.items()}


def write_samples(
    evaluator: AdvancedEvaluator, config: TextEvaluationConfig, *, seed: int, samples_per_prompt: int
) -> list[Sample]:
    """Samples with the evaluation section's settings."""
    return evaluator.generate_samples(
        config.generation_prompts,
        max_new_tokens=config.max_generation_length,
        temperature=config.temperature,
        top_k=config.top_k,
        top_p=config.top_p,
        repetition_penalty=config.repetition_penalty,
        samples_per_prompt=samples_per_prompt,
        seed=seed,
    )


def count_characters(tokenizer: Tokenizer, tokens: NDArray[Any]) -> int:
    """Characters that the tokens stand for; special tokens, which stand for no bytes, stand for none."""
    ids = np.asarray(tokens, dtype=np.int64)
    return len(tokenizer.decode(ids[np.asarray(tokenizer.byte_lengths())[ids] > 0].tolist()))


def _targets(data: TextData, num_tokens: int) -> NDArray[Any]:
    """The windows were read in order, and the first token is no target."""
    return data.val_tokens[1 : num_tokens + 1]


def _baselines(tokenizer: Tokenizer, data: TextData, num_tokens: int) -> dict[str, Any]:
    """What guessing, frequencies and n-grams of the training text reach on the same tokens, and their entropy."""
    train_tokens = data.train_tokens[:BASELINE_TOKENS]
    val_tokens = data.val_tokens[: num_tokens + 1]
    found = ngram_baselines(
        train_tokens,
        val_tokens,
        vocab_size=tokenizer.vocab_size,
        orders=data.orders,
        byte_lengths=tokenizer.byte_lengths(),
    )
    counts = np.bincount(val_tokens, minlength=tokenizer.vocab_size)
    return {
        "baselines": {name: baseline.as_dict() for name, baseline in found.items()},
        "baseline_tokens": len(train_tokens),
        "unigram_entropy": unigram_entropy(counts),
    }


def _add_bits_per_character(content: dict[str, Any], tokenizer: Tokenizer, targets: NDArray[Any]) -> None:
    """The same nats per target token, in bits, spread over the characters of the targets."""
    num_characters = count_characters(tokenizer, targets)
    if not num_characters:
        return
    per_nat = len(targets) / math.log(2) / num_characters
    for figures in (content["metrics"], *content["baselines"].values()):
        figures["bits_per_character"] = figures["loss"] * per_nat
