"""Loss, perplexity, bits per byte and token accuracy, as sums that are divided once.

Averaging per-batch averages gives a number that depends on how the data were cut into batches; here only sums
and counts are kept (float64, one pair per sequence), so any partition of the same sequences gives the same
result.

Shape suffixes: B sequences, T tokens, V vocabulary.
"""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

IGNORE_INDEX = -100
INTERVAL_METHOD = (
    "95 % Student t interval of the ratio estimator sum(values) / sum(tokens), with the sequences as the "
    "sampling units (variance by linearisation: Cochran, Sampling Techniques, 1977)"
)
_LOGITS_AT_ONCE = 2**24  # float32 copies stay under 64 MiB whatever the vocabulary

Interval = tuple[float, float]


@dataclass(frozen=True)
class LanguageMetrics:
    """What a language model scored on a set of sequences.

    Attributes:
        loss: mean negative log-likelihood, nats per target token.
        perplexity: exp(loss); infinite when that overflows.
        bits_per_byte: total nats / ln 2 / bytes that the target tokens stand for. Special tokens cost nats
            and bring no bytes. None when the bytes are unknown or zero.
        token_accuracy: share of target tokens that are the model's most likely one.
        num_tokens: target tokens counted (those that are not ignored); num_bytes: the bytes they stand for.
        num_sequences: sequences with at least one counted token.
        loss_interval, perplexity_interval, token_accuracy_interval: 95 % intervals, see `interval_method`.
            None with fewer than two sequences.
    """

    loss: float
    perplexity: float
    bits_per_byte: float | None
    token_accuracy: float
    num_tokens: int
    num_bytes: int | None
    num_sequences: int
    loss_interval: Interval | None
    perplexity_interval: Interval | None
    token_accuracy_interval: Interval | None
    interval_method: str = INTERVAL_METHOD

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)


class LanguageMetricsSum:
    """Adds up batches of logits and targets; `result()` divides once.

    Args:
        byte_lengths: bytes (V,) that each token stands for, or None when bits per byte are not wanted.
    """

    def __init__(self, byte_lengths: ArrayLike | None = None) -> None:
        self._byte_lengths = None if byte_lengths is None else np.asarray(byte_lengths, dtype=np.int64)
        self._nats: list[float] = []
        self._correct: list[int] = []
        self._tokens: list[int] = []
        self._num_bytes = 0

    def add(self, logits: Tensor, targets: Tensor) -> None:
        """Add logits (B, T, V) and targets (B, T); positions whose target is -100 do not count."""
        _check(logits, targets)
        nats_BT, correct_BT = token_losses(logits, targets)
        counted_BT = (targets != IGNORE_INDEX).cpu()
        for nats, correct, count in zip(
            nats_BT.sum(1).tolist(), correct_BT.sum(1).tolist(), counted_BT.sum(1).tolist(), strict=True
        ):
            if count:  # a row of padding is no observation
                self._nats.append(nats)
                self._correct.append(correct)
                self._tokens.append(count)
        if self._byte_lengths is not None:
            counted_ids = targets.cpu()[counted_BT].numpy()
            if counted_ids.size and counted_ids.max() >= len(self._byte_lengths):
                raise ValueError(
                    f"target token {counted_ids.max()} is outside the tokenizer's {len(self._byte_lengths)} "
                    "tokens: were these data prepared with another tokenizer?"
                )
            self._num_bytes += int(self._byte_lengths[counted_ids].sum())

    @property
    def num_tokens(self) -> int:
        return sum(self._tokens)

    def result(self) -> LanguageMetrics:
        """The metrics of everything added so far. ValueError when no token was counted."""
        num_tokens = self.num_tokens
        if not num_tokens:
            raise ValueError(
                "there is no target token to evaluate: the loader is empty or all its targets are -100"
            )
        total_nats = math.fsum(self._nats)  # exact, so the order of the sequences cannot matter
        loss = total_nats / num_tokens
        loss_interval = ratio_interval(self._nats, self._tokens)
        return LanguageMetrics(
            loss=loss,
            perplexity=_exp(loss),
            bits_per_byte=total_nats / math.log(2) / self._num_bytes if self._num_bytes else None,
            token_accuracy=sum(self._correct) / num_tokens,
            num_tokens=num_tokens,
            num_bytes=None if self._byte_lengths is None else self._num_bytes,
            num_sequences=len(self._tokens),
            loss_interval=loss_interval,
            perplexity_interval=loss_interval and (_exp(loss_interval[0]), _exp(loss_interval[1])),
            token_accuracy_interval=_within_unit(ratio_interval(self._correct, self._tokens)),
        )


def token_losses(logits: Tensor, targets: Tensor) -> tuple[Tensor, Tensor]:
    """Nats (B, T) float64 that each target costs, 0 where ignored, and whether it is the likeliest (B, T).

    The log-softmax runs in float32 (or better) a slice of positions at a time, so that neither low-precision
    logits nor a large vocabulary costs accuracy or memory.
    """
    vocabulary = logits.shape[-1]
    flat_logits, flat_targets = logits.reshape(-1, vocabulary), targets.reshape(-1)
    step = max(1, _LOGITS_AT_ONCE // vocabulary)
    nats, correct = [], []
    for start in range(0, len(flat_targets), step):
        part = flat_logits[start : start + step]
        part = part if part.dtype == torch.float64 else part.float()
        wanted = flat_targets[start : start + step]
        losses = functional.cross_entropy(part, wanted, ignore_index=IGNORE_INDEX, reduction="none")
        nats.append(losses.cpu().double())  # moved first: not every accelerator has float64
        correct.append((part.argmax(-1) == wanted).cpu())
    if not nats:
        return torch.zeros(targets.shape, dtype=torch.float64), torch.zeros(targets.shape, dtype=torch.bool)
    return torch.cat(nats).view(targets.shape), torch.cat(correct).view(targets.shape)


def ratio_interval(values: ArrayLike, counts: ArrayLike) -> Interval | None:
    """95 % interval of sum(values) / sum(counts), the pairs being independent; None for fewer than two."""
    from scipy.special import stdtrit  # lighter than scipy.stats

    values, counts = np.asarray(values, dtype=np.float64), np.asarray(counts, dtype=np.float64)
    num_units = len(values)
    if num_units < 2:
        return None
    ratio = math.fsum(values) / math.fsum(counts)
    residuals = values - ratio * counts
    squares = math.fsum(residuals**2) * num_units / (num_units - 1)
    half_width = float(stdtrit(num_units - 1, 0.975)) * math.sqrt(squares) / math.fsum(counts)
    return ratio - half_width, ratio + half_width


def _check(logits: Tensor, targets: Tensor) -> None:
    if logits.shape[:-1] != targets.shape or targets.dim() != 2:
        raise ValueError(
            "logits must be (B, T, V) beside targets (B, T), "
            f"got {tuple(logits.shape)} and {tuple(targets.shape)}"
        )
    counted = targets[targets != IGNORE_INDEX]
    if counted.numel() and (int(counted.min()) < 0 or int(counted.max()) >= logits.shape[-1]):
        wrong = int(counted.min()) if int(counted.min()) < 0 else int(counted.max())
        raise ValueError(f"target token {wrong} is outside the model's vocabulary of {logits.shape[-1]}")


def _exp(loss: float) -> float:
    return math.exp(loss) if loss < 700 else math.inf if loss >= 700 else math.nan


def _within_unit(interval: Interval | None) -> Interval | None:
    return None if interval is None else (max(0.0, interval[0]), min(1.0, interval[1]))
