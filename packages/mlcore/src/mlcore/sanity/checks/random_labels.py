"""With shuffled training labels, does the accuracy on held-out examples stay at chance?

A network of this size learns random labels of its training examples by heart (Zhang et al., 2017, "Understanding
deep learning requires rethinking generalization"): that side is reported as "memorises" and is no fault.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

from mlcore.sanity.bench import Bench, accuracy_of, first, logits_of
from mlcore.sanity.check_result import Finding, skip
from mlcore.sanity.fitting import Fit, fits
from mlcore.sanity.tensor_batches import Examples

BATCH_SIZE = 32
MEMORISED, LEARNT = 0.99, 0.3
# Standard errors: two-sided probability 7e-6 if the accuracy is normal.
Z = 4.5
# A class of similar images gets the answer that its few random labels happened to favour, and training
# exaggerates the favour. Factor over the sampling error of those labels, from 12 to 24 repetitions with 512
# labels: 1.1 for a network that memorises MNIST, 2.2 and 3.6 for small ones that cannot memorise digits.
EXAGGERATION = 4.0
ADVICE = (
    "the model knows labels that it has not been shown: it is not fresh, the labels are not the ones that the "
    "loader gives, or the inputs hold them"
)


def check(bench: Bench) -> Finding:
    """Fails when the held-out accuracy leaves ``chance_interval``."""
    examples = shuffled_labels(first(bench.fitting, bench.effort.random_examples), bench.seed)
    number = len(examples[1])
    attempt, training = _train(bench, examples)
    inputs, labels = bench.held_out
    predicted = logits_of(attempt.trainer, inputs).argmax(dim=1)
    low, high = chance_interval(predicted, labels.cpu(), number)
    accuracy = float((predicted == labels.cpu()).float().mean())
    expected = (
        f"held-out accuracy at chance, {max(low, 0):.1%} to {min(high, 1):.1%}; training memorises or not"
    )
    is_chance = low <= accuracy <= high
    if attempt.end == "out of time" and is_chance:
        return skip(f"time was up after {attempt.steps} updates", expected)
    verb = "memorises" if training >= MEMORISED else "memorises in part"
    length = f"{attempt.steps} updates{attempt.rate_note}"
    measured = f"held-out {accuracy:.1%}; training {verb} ({training:.1%} after {length})"
    problems = () if is_chance else (ADVICE,)
    details = {"held_out": accuracy, "interval": [low, high], "training": training, "num_examples": number}
    return Finding(measured, expected, problems, details)


def _train(bench: Bench, examples: Examples) -> tuple[Fit, float]:
    """A fit, and its accuracy on what it was shown; at another rate only where it learnt next to nothing."""
    per_epoch = -(-len(examples[1]) // BATCH_SIZE)
    options = {
        "steps": bench.effort.random_epochs * per_epoch,
        "batch_size": BATCH_SIZE,
        "look_every": per_epoch,
    }
    attempts = []
    for attempt in fits(
        bench, examples, goal=lambda trainer: accuracy_of(trainer, examples) >= MEMORISED, **options
    ):
        attempts.append((attempt, accuracy_of(attempt.trainer, examples)))
        if attempts[-1][1] >= LEARNT:
            return attempts[-1]
    return max(attempts, key=lambda pair: pair[1])


def shuffled_labels(examples: Examples, seed: int) -> Examples:
    """The same inputs and the same labels, in another order."""
    inputs, labels = examples
    generator = torch.Generator().manual_seed(seed + 7)
    return inputs, labels[torch.randperm(len(labels), generator=generator)]


def chance_interval(predicted: Tensor, labels: Tensor, num_training: int) -> tuple[float, float]:
    """Where the accuracy of a model lies that learnt ``num_training`` random labels.

    Its middle is the agreement of independent answers with the same class shares. The variance has two parts:
    p (1 - p) / n of the n held-out examples, and that of the random labels themselves, with ``EXAGGERATION``.
    """
    num_classes = int(max(predicted.max(), labels.max())) + 1
    ours = torch.bincount(predicted, minlength=num_classes).double() / len(predicted)
    theirs = torch.bincount(labels, minlength=num_classes).double() / len(labels)
    chance = float((ours * theirs).sum())
    # A model that always gives one answer has no variance of its own, but its answer is drawn all the same.
    spread = max(chance * (1 - chance), 1 / num_classes * (1 - 1 / num_classes))
    half = Z * math.sqrt(spread * (1 / len(labels) + EXAGGERATION**2 / num_training))
    return chance - half, chance + half
