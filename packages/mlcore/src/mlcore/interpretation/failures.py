"""The predictions worth looking at: confident mistakes, large losses, narrow escapes."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from mlcore.interpretation.errors import InterpretationError


@dataclass(frozen=True, eq=False)
class Failures:
    """M predictions in the order in which they were sought; all tensors lie on the CPU.

    Attributes:
        positions: (M,) int64, rows of the logits.
        predicted: (M,) int64.
        true: (M,) int64.
        confidence: (M,) float64, probability of the predicted class.
        margin: (M,) float64, probability of the true class less the largest other one; negative for a mistake.
        loss: (M,) float64, cross-entropy in nats.
        num_found: how many predictions were eligible; these are the first M of them.
        num_samples: how many predictions there were.
    """

    positions: Tensor
    predicted: Tensor
    true: Tensor
    confidence: Tensor
    margin: Tensor
    loss: Tensor
    num_found: int
    num_samples: int

    def __len__(self) -> int:
        return len(self.positions)

    def as_dicts(self, classes: Sequence[str] | None = None) -> list[dict[str, Any]]:
        """A plain dictionary for each prediction, for JSON; classes are names where names are given."""

        def named(number: Tensor) -> int | str:
            return int(number) if classes is None else classes[int(number)]

        return [
            {
                "position": int(self.positions[row]),
                "true": named(self.true[row]),
                "predicted": named(self.predicted[row]),
                "confidence": float(self.confidence[row]),
                "margin": float(self.margin[row]),
                "loss": float(self.loss[row]),
            }
            for row in range(len(self))
        ]


def find_failures(logits: Tensor, targets: Tensor, num: int = 25) -> Failures:
    """The most confident mistakes, the most confident first; equal ones in the order of their rows.

    Args:
        logits: (N, K), finite.
        targets: (N,) the true classes, 0 to K-1.
        num: how many at most.

    Raises:
        InterpretationError: shapes that do not fit, a class out of range, or a logit that is no number.
    """
    every = _judge(logits, targets)
    return _first(every, every.predicted != every.true, -every.confidence, num)


def hardest(logits: Tensor, targets: Tensor, num: int = 25) -> Failures:
    """The predictions with the largest loss, right or wrong: where mislabelled samples gather. Arguments and
    errors as in `find_failures`.
    """
    every = _judge(logits, targets)
    return _first(every, torch.ones_like(every.true, dtype=torch.bool), -every.loss, num)


def least_confident_correct(logits: Tensor, targets: Tensor, num: int = 25) -> Failures:
    """The right predictions with the least confidence: what the model nearly got wrong. Arguments and errors
    as in `find_failures`.
    """
    every = _judge(logits, targets)
    return _first(every, every.predicted == every.true, every.confidence, num)


def _judge(logits: Tensor, targets: Tensor) -> Failures:
    """Every prediction, in the order of the rows."""
    _check(logits, targets)
    # float64: in float32 most predictions of a good classifier have the probability 1 and no order.
    logits, true = logits.detach().cpu().double(), targets.detach().cpu().long()
    log_probabilities = functional.log_softmax(logits, dim=1)
    probabilities = log_probabilities.exp()
    confidence, predicted = probabilities.max(1)
    of_true = probabilities.gather(1, true[:, None])
    largest_other = probabilities.scatter(1, true[:, None], 0.0).amax(1)
    return Failures(
        positions=torch.arange(len(true)),
        predicted=predicted,
        true=true,
        confidence=confidence,
        margin=of_true.squeeze(1) - largest_other,
        loss=-log_probabilities.gather(1, true[:, None]).squeeze(1),
        num_found=len(true),
        num_samples=len(true),
    )


def _first(every: Failures, eligible: Tensor, keys: Tensor, num: int) -> Failures:
    """The `num` eligible ones with the smallest keys."""
    if num < 1:
        raise InterpretationError(f"num is {num}; 1 is the least")
    rows = eligible.nonzero().squeeze(1)
    rows = rows[torch.argsort(keys[rows], stable=True)][:num]
    return Failures(
        positions=every.positions[rows],
        predicted=every.predicted[rows],
        true=every.true[rows],
        confidence=every.confidence[rows],
        margin=every.margin[rows],
        loss=every.loss[rows],
        num_found=int(eligible.sum()),
        num_samples=every.num_samples,
    )


def _check(logits: Tensor, targets: Tensor) -> None:
    if logits.dim() != 2 or logits.shape[1] < 2:
        raise InterpretationError(f"logits must be (samples, classes), at least 2; got {tuple(logits.shape)}")
    if targets.shape != logits.shape[:1]:
        raise InterpretationError(
            f"{len(logits)} rows of logits need as many targets; got {tuple(targets.shape)}"
        )
    outside = ((targets < 0) | (targets >= logits.shape[1])).nonzero()
    if outside.numel():
        row = int(outside[0])
        raise InterpretationError(
            f"target {int(targets[row])} of row {row} is outside 0 to {logits.shape[1] - 1}"
        )
    broken = (~logits.isfinite()).any(1).nonzero()
    if broken.numel():
        raise InterpretationError(
            f"row {int(broken[0])} of the logits is not finite: {len(broken)} such rows"
        )
