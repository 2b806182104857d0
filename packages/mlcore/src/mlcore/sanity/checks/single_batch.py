"""Does the loss on one batch, shown again and again, go to nearly zero?"""

from __future__ import annotations

import math

import torch
from torch import Tensor

from mlcore.sanity.bench import Bench, first, logits_of, loss_of
from mlcore.sanity.check_result import Finding, skip
from mlcore.sanity.fitting import Fit, first_to_reach, fits
from mlcore.sanity.tensor_batches import Examples

BATCH_SIZE = 32
# Of the loss of guessing, ln K. Bounded outputs cannot get there: with K = 10 a second softmax or a sigmoid
# stops at 1.46 = 0.63 ln K, a tanh at 0.80 = 0.35 ln K; with K = 2 at 0.45 and 0.18 ln K.
NEAR_ZERO = 0.05


def check(bench: Bench) -> Finding:
    """No statistics: any model with free logits and more weights than 32 examples memorises them."""
    limit = NEAR_ZERO * math.log(bench.subject.num_classes)
    steps = bench.effort.single_batch_steps
    expected = f"loss below {limit:.3f} within {steps} updates"
    examples = first(bench.fitting, BATCH_SIZE)
    best = first_to_reach(
        fits(
            bench,
            examples,
            steps=steps,
            batch_size=BATCH_SIZE,
            goal=lambda trainer: loss_of(trainer, examples) < limit,
        )
    )
    if best.end == "out of time":
        return skip(f"time was up after {best.steps} updates", expected)
    loss = loss_of(best.trainer, examples)
    measured = f"loss {loss:.3f} after {best.steps} updates{best.rate_note}"
    details = {"loss": loss, "steps": best.steps, "end": best.end, "rate_factor": best.rate_factor}
    problems = () if best.end == "reached" else (_advice(best, examples),)
    return Finding(measured, expected, problems, details)


def _advice(attempt: Fit, examples: Examples) -> str:
    if attempt.end == "diverged":
        return "training diverges: lower the learning rate, clip gradients"
    bounded = bounds_of(logits_of(attempt.trainer, examples[0]))
    if bounded is not None:
        return f"{bounded}: the last layer must give free logits"
    return (
        "the model cannot learn 32 examples by heart: see gradients and learning rate, "
        "and whether the loss gets the logits and labels that belong together"
    )


def bounds_of(outputs: Tensor) -> str | None:
    """What keeps the outputs of a model that was pushed to extremes from growing."""
    low, high = float(outputs.min()), float(outputs.max())
    sums = outputs.sum(dim=1)
    if low >= 0 and high <= 1 and bool(torch.allclose(sums, torch.ones_like(sums), atol=1e-3)):
        return "outputs stay probabilities, as after a softmax"
    if low >= 0 and high <= 1:
        return "outputs stay between 0 and 1, as after a sigmoid"
    if low >= -1 and high <= 1 and high - low > 1:
        return "outputs stay between -1 and 1, as after a tanh"
    if low >= 0:
        return "outputs are never negative, as after a ReLU"
    return None
