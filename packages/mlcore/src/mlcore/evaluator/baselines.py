"""What a model has to beat: guessing, token frequencies and n-grams, counted on the training tokens only."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from mlcore.evaluator.kneser_ney import Floats, Ints, KneserNey, NgramTable

_NAMES = {1: "unigram", 2: "bigram", 3: "trigram"}


@dataclass(frozen=True)
class Baseline:
    """A baseline on the validation tokens: nats per token, share guessed right, bits per byte if known."""

    name: str
    method: str
    loss: float
    perplexity: float
    token_accuracy: float
    bits_per_byte: float | None
    num_tokens: int

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)


def unigram_entropy(counts: ArrayLike) -> float:
    """Entropy in nats of the distribution proportional to `counts` (V,): the best any context-free model can
    do on the very tokens that were counted."""
    frequencies = np.asarray(counts, dtype=np.float64)
    if frequencies.size == 0 or frequencies.min() < 0 or frequencies.sum() <= 0:
        raise ValueError("counts must be non-negative with a positive sum")
    shares = frequencies[frequencies > 0] / frequencies.sum()
    return float(-(shares * np.log(shares)).sum())


def ngram_baselines(
    train_tokens: ArrayLike,
    val_tokens: ArrayLike,
    *,
    vocab_size: int,
    orders: Sequence[int] = (1, 2, 3, 5),
    byte_lengths: ArrayLike | None = None,
) -> dict[str, Baseline]:
    """Baselines fitted on `train_tokens` (N,) and scored on every token of `val_tokens` (M,).

    "uniform" costs ln V; "unigram" has add-one smoothing (Laplace); "bigram", "trigram", "5-gram" are
    interpolated Kneser-Ney models (see `kneser_ney`). Both token sequences are read as one stream; the first
    validation tokens have shorter contexts.

    Args:
        byte_lengths: bytes (V,) of each token, for bits per byte.

    Raises:
        ValueError: an empty sequence, a token outside the vocabulary, or an order below 1.
    """
    if any(order < 1 for order in orders):
        raise ValueError(f"orders must be 1 or more, got {list(orders)}")
    table = NgramTable(train_tokens, vocab_size, max([1, *orders]))
    validation = np.asarray(val_tokens).astype(np.int64).ravel()
    if not len(validation):
        raise ValueError("there are no validation tokens to score")
    lengths = None if byte_lengths is None else np.asarray(byte_lengths, dtype=np.int64)
    num_bytes = 0 if lengths is None else int(lengths[validation].sum())
    results = {"uniform": _uniform(vocab_size, len(validation), num_bytes)}
    for order in sorted(set(orders)):
        name = _NAMES.get(order, f"{order}-gram")
        if order == 1:
            method = "unigram, add-one smoothing"
            nats, predictions = _score_unigram(table, validation)
        else:
            method = f"interpolated Kneser-Ney, order {order}"
            nats, predictions = KneserNey(table, order=order).score(validation)
        results[name] = _baseline(name, method, nats, float((predictions == validation).mean()), num_bytes)
    return results


def _uniform(vocab_size: int, num_tokens: int, num_bytes: int) -> Baseline:
    nats = np.full(num_tokens, math.log(vocab_size))
    return _baseline("uniform", "every token alike", nats, 1.0 / vocab_size, num_bytes)


def _score_unigram(table: NgramTable, validation: Ints) -> tuple[Floats, Ints]:
    counts = np.bincount(table.tokens, minlength=table.vocab_size)
    if validation.min() < 0 or validation.max() >= table.vocab_size:
        raise ValueError(f"token {validation.max()} is outside the vocabulary of {table.vocab_size}")
    probabilities = (counts + 1.0) / (len(table.tokens) + table.vocab_size)
    return -np.log(probabilities[validation]), np.full(len(validation), int(counts.argmax()))


def _baseline(name: str, method: str, nats: Floats, accuracy: float, num_bytes: int) -> Baseline:
    total = math.fsum(nats)
    return Baseline(
        name=name,
        method=method,
        loss=total / len(nats),
        perplexity=math.exp(total / len(nats)),
        token_accuracy=accuracy,
        bits_per_byte=total / math.log(2) / num_bytes if num_bytes else None,
        num_tokens=len(nats),
    )
