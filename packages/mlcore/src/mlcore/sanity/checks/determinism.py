"""Does the same seed give the same run, and another seed another model?"""

from __future__ import annotations

import math

import torch
from torch import nn

from mlcore.sanity.bench import Bench
from mlcore.sanity.check_result import Finding
from mlcore.sanity.fitting import RATE_FACTORS, fit
from mlcore.sanity.tensor_batches import draw_examples

EXPECTED = "equal losses from equal seeds, equal batches from the loader, other weights from another seed"
# On a CPU runs are equal bit by bit; on other devices sums may be taken in another order.
TOLERANCE_ELSEWHERE = 1e-3
BATCH_SIZE = 64


def check(bench: Bench) -> Finding:
    """No statistics: equal means equal."""
    runs = [_losses(bench) for _ in range(2)]
    (first, device), (second, _) = runs
    tolerance = 0.0 if device == "cpu" else TOLERANCE_ELSEWHERE
    problems = []
    pairs = zip(first, second, strict=False)  # a run that diverges ends early
    apart = next(
        (step for step, (a, b) in enumerate(pairs, 1) if not math.isclose(a, b, rel_tol=tolerance)), None
    )
    if apart is not None:
        problems.append(
            f"two runs from one seed have different losses from step {apart} on: "
            "look for generators that are not seeded, or operations that are not deterministic"
        )
    if not _same_batches(bench):
        problems.append(
            "two fresh training loaders give different first batches: seed shuffling and augmentation"
        )
    if _same_weights(bench.make_model(0), bench.make_model(1)):
        problems.append("two seeds give the same weights: make_model does not use its seed")
    steps = f"{len(first)} losses"
    measured = f"{steps} equal" if apart is None else f"{steps}, different from step {apart} on"
    return Finding(measured, EXPECTED, tuple(problems), {"first": first, "second": second})


def _losses(bench: Bench) -> tuple[list[float], str]:
    """Losses of a short training, at the lowest rate that is tried anywhere: it must not diverge."""
    steps = bench.effort.determinism_steps
    attempt = fit(bench, bench.fitting, steps=steps, batch_size=BATCH_SIZE, rate_factor=min(RATE_FACTORS))
    return attempt.losses, attempt.trainer.device.type


def _same_batches(bench: Bench) -> bool:
    num = min(BATCH_SIZE, len(bench.training[1]))
    inputs, labels = draw_examples(bench.subject.make_train_loader(), num, spread=False)
    seen_inputs, seen_labels = bench.training[0][:num], bench.training[1][:num]
    return torch.equal(inputs, seen_inputs) and torch.equal(labels, seen_labels)


def _same_weights(first: nn.Module, second: nn.Module) -> bool:
    """Whether all weights are equal; those that begin as constants (zeros, ones) do not count."""
    pairs = [
        (one.detach(), other.detach())
        for one, other in zip(first.parameters(), second.parameters(), strict=True)
        if one.numel() > 0 and not bool((one == one.flatten()[0]).all())
    ]
    return bool(pairs) and all(torch.equal(one, other) for one, other in pairs)
