"""Does each example get its own answer, whoever shares its batch?"""

from __future__ import annotations

import torch
from torch import Tensor

from mlcore.sanity.bench import Bench
from mlcore.sanity.check_result import Finding
from mlcore.trainer.base import BaseTrainer

EXPECTED = "in evaluation, outputs do not depend on the rest of the batch, on its size or on its order"
NUM_EXAMPLES, NUM_COMPANIONS = 8, 24
# Of the outputs' range. Kernels differ between batch sizes and round differently: about 1e-6 in float32.
TOLERANCE = {"float32": 1e-3, "reduced": 5e-2}


def check(bench: Bench) -> Finding:
    """Exact where autograd says so, within rounding elsewhere; no statistics."""
    inputs, _ = bench.held_out
    if len(inputs) < NUM_EXAMPLES + 2:
        return Finding("", EXPECTED, skipped=f"only {len(inputs)} held-out examples")
    trainer = bench.make_trainer()
    device_inputs = inputs[: NUM_EXAMPLES + 2 * NUM_COMPANIONS].to(trainer.device)
    with trainer.evaluating():
        problems, largest = _compare(trainer, device_inputs)
        leak = gradient_leak(trainer, device_inputs[:NUM_EXAMPLES])
    if leak is not None and leak > 0:
        problems.append(
            f"the gradient of one example's output with respect to another example is {leak:.1e}, not 0: "
            "something in the model mixes the batch (a mean, a reshape or a normalisation over dimension 0)"
        )
    measured = f"outputs differ by at most {largest:.1e} of their range"
    measured += ", no gradient between examples" if leak == 0 else ""
    return Finding(measured, EXPECTED, tuple(problems), {"difference": largest, "gradient": leak})


def _compare(trainer: BaseTrainer, inputs: Tensor) -> tuple[list[str], float]:
    """The first examples among other companions, alone, in another order, and one by one."""
    own, others = inputs[:NUM_EXAMPLES], inputs[NUM_EXAMPLES:]
    half = len(others) // 2
    reference = _logits(trainer, torch.cat([own, others[:half]]))[:NUM_EXAMPLES]
    reverse = torch.arange(NUM_EXAMPLES - 1, -1, -1, device=own.device)
    companions = torch.cat([own, others[half:]])
    questions = {
        "their companions in the batch": lambda: _logits(trainer, companions)[:NUM_EXAMPLES],
        "the order of the batch": lambda: _logits(trainer, own[reverse])[reverse],
        "the size of the batch": lambda: torch.cat([_logits(trainer, one) for one in own.split(1)]),
    }
    scale = float(reference.max() - reference.min())
    tolerance = TOLERANCE["float32" if trainer.precision.choice.autocast is None else "reduced"]
    dependent, problems, largest = [], [], 0.0
    for name, ask in questions.items():
        try:
            answers = ask()
        except Exception as error:  # a model that cannot take a batch of one has a fault of its own
            problems.append(f"evaluating with another batch fails ({type(error).__name__}: {error})")
            continue
        difference = float((answers - reference).abs().max()) / max(scale, 1e-12)
        largest = max(largest, difference)
        if not difference <= tolerance:
            dependent.append(name)
    if dependent:
        problems.append(
            f"outputs depend on {' and on '.join(dependent)}: does a batch normalisation stay in training mode, "
            "does the model use statistics of the batch?"
        )
    return problems, largest


def _logits(trainer: BaseTrainer, inputs: Tensor) -> Tensor:
    return trainer.inference(inputs).detach().float()


def gradient_leak(trainer: BaseTrainer, inputs: Tensor) -> float | None:
    """Largest gradient of one example's outputs with respect to another example; None without autograd."""
    if not inputs.is_floating_point():
        return None
    leaf = inputs.detach().clone().requires_grad_()
    trainer.model.eval()
    with torch.enable_grad():
        outputs = trainer.model(leaf)
        outputs = outputs["logits"] if isinstance(outputs, dict) else outputs
        if not outputs.requires_grad:
            return None  # a model that differentiates itself
        middle = len(leaf) // 2
        weights = torch.linspace(1, 2, outputs.shape[1], device=outputs.device, dtype=outputs.dtype)
        (outputs[middle] * weights).sum().backward(inputs=[leaf])
    if leaf.grad is None:
        return None
    others = torch.arange(len(leaf), device=leaf.device) != middle
    return float(leaf.grad[others].abs().max())
