"""Does the loss reach every parameter, and does every parameter move?"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import torch
from torch import Tensor

from mlcore.sanity.bench import Bench
from mlcore.sanity.check_result import Finding
from mlcore.sanity.tensor_batches import Examples, TensorBatches
from mlcore.trainer.base import BaseTrainer
from mlcore.trainer.batch import to_device

EXPECTED = "in 3 updates every parameter gets a finite gradient that is not zero, and changes"
# A last layer that begins at zero lets nothing through in the first update; the second must reach everything.
NUM_UPDATES = 3
BATCH_SIZE = 64
# A gradient so much smaller than the others' is rounding: a bias before a normalisation has no effect.
NOISE = 1e-5


@dataclass
class _Trace:
    """What became of one parameter.

    Attributes:
        before: its values at the start.
        largest: its largest gradient magnitude so far; None without any.
        reached: which of its elements had a gradient that is not zero.
    """

    before: Tensor
    reached: Tensor
    largest: float | None = None
    is_finite: bool = True
    changed: bool = field(default=False)


def check(bench: Bench) -> Finding:
    """No statistics: a parameter that is reached never has a gradient of exactly zero in three batches."""
    trainer = bench.make_trainer(steps=NUM_UPDATES)
    traces = _follow(trainer, bench)
    names = _sort(trainer, traces, bench.subject.frozen)
    trained = [trace for name, trace in traces.items() if not name.startswith(tuple(bench.subject.frozen))]
    elements = sum(trace.before.numel() for trace in trained)
    reached = sum(int(trace.reached.sum()) for trace in trained)
    measured = f"{reached:,} of {elements:,} weights in {len(trained)} parameters reached"
    details = {"elements": elements, "reached": reached, **names}
    return Finding(measured, EXPECTED, tuple(_problems(trainer, names, len(trained))), details)


def _follow(trainer: BaseTrainer, bench: Bench) -> dict[str, _Trace]:
    """Three updates, as the training loop makes them, with a look at the gradients before each."""
    parameters = dict(trainer.model.named_parameters())
    traces = {
        name: _Trace(parameter.detach().clone(), torch.zeros_like(parameter, dtype=torch.bool))
        for name, parameter in parameters.items()
    }
    trainer.model.train()
    batches = _batches(bench)
    for _ in range(NUM_UPDATES):
        result = trainer.compute_gradients(
            to_device(next(batches), trainer.device), trainer.precision.loss_scale
        )
        for name, parameter in parameters.items():
            if parameter.grad is not None:
                _record(traces[name], parameter.grad)
        if any(parameter.grad is not None for parameter in trainer.updater.parameters):
            trainer.updater.apply(float(result.loss), 1.0)
        trainer.model.zero_grad(set_to_none=True)
    for name, parameter in parameters.items():
        traces[name].changed = not torch.equal(parameter.detach(), traces[name].before)
    return traces


def _batches(bench: Bench) -> Iterator[Examples]:
    while True:
        yield from TensorBatches(bench.fitting, BATCH_SIZE, bench.seed)


def _record(trace: _Trace, gradient: Tensor) -> None:
    magnitude = gradient.detach().abs()
    largest = float(magnitude.max()) if magnitude.numel() else 0.0
    trace.is_finite &= math.isfinite(largest)
    trace.largest = max(trace.largest or 0.0, largest)
    trace.reached |= magnitude > 0


def _sort(trainer: BaseTrainer, traces: dict[str, _Trace], frozen: Sequence[str]) -> dict[str, list[str]]:
    """The names of the parameters that something is wrong with, by what it is."""
    optimized = {id(parameter) for parameter in trainer.updater.parameters}
    parameters = dict(trainer.model.named_parameters())
    typical = sorted(trace.largest or 0.0 for trace in traces.values())[len(traces) // 2] if traces else 0.0
    names: dict[str, list[str]] = {
        key: [] for key in ("frozen", "unoptimized", "none", "zero", "infinite", "still")
    }
    for name, trace in traces.items():
        if name.startswith(tuple(frozen)):
            continue
        if not parameters[name].requires_grad and trace.largest is None:
            names["frozen"].append(name)
        elif id(parameters[name]) not in optimized:
            names["unoptimized"].append(name)
        elif trace.largest is None:
            names["none"].append(name)
        elif not trace.is_finite and not trainer.precision.choice.uses_scaler:
            names["infinite"].append(name)
        elif trace.largest == 0:
            names["zero"].append(name)
        elif not trace.changed and trace.largest > NOISE * typical:
            names["still"].append(name)
    return names


_MEANINGS = {
    "frozen": "do not require gradients: unfreeze them, or name them in the subject's `frozen`",
    "unoptimized": "are not in the optimizer: it was built before they were, or from a part of the model",
    "none": "get no gradient: the path from them to the loss is cut (detach, no_grad, argmax, an unused layer)",
    "zero": "get a gradient of exactly zero: dead activations, or a factor of zero on the way to the loss",
    "infinite": "get gradients that are not finite: see initialisation, normalisation and precision",
    "still": "do not change in an update: see the learning rate and the optimizer's groups",
}


def _problems(trainer: BaseTrainer, names: dict[str, list[str]], num_trained: int) -> list[str]:
    if num_trained == 0:
        return ["the model has no parameter to train"]
    if len(names["still"]) == num_trained:
        return [f"no parameter changes in an update: the learning rate is {trainer.updater.learning_rate:g}"]
    return [f"{_listing(found)} {_MEANINGS[kind]}" for kind, found in names.items() if found]


def _listing(names: list[str]) -> str:
    more = f" and {len(names) - 4} more" if len(names) > 4 else ""
    return ", ".join(names[:4]) + more
