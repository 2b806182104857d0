"""Does a fresh model know nothing, say so calmly, and answer in logits?"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from mlcore.sanity.bench import Bench, first
from mlcore.sanity.check_result import Finding
from mlcore.sanity.tensor_batches import Examples
from mlcore.trainer.base import BaseTrainer
from mlcore.trainer.batch import to_device

# Logits with standard deviation s add at most s²/2 to the loss (Jensen): 2.0 allows s = 2. PyTorch's own
# initialisation gives 0.1 to 0.3, a Kaiming-normal last layer about 1.4.
LARGEST_EXCESS = 2.0
# A model that has seen no label has no way below chance but luck.
LEAST_SHARE = 0.6
NUM_EXAMPLES = 256


@dataclass(frozen=True)
class _Answer:
    """Of one fresh model: the trainer's loss, and the outputs (N, K) in evaluation mode."""

    loss: float
    outputs: Tensor
    is_cross_entropy: bool


def check(bench: Bench) -> Finding:
    """The mean loss over a few fresh models lies between 0.6 ln K and ln K + 2; the outputs are logits."""
    num_classes = bench.subject.num_classes
    chance = math.log(num_classes)
    low, high = LEAST_SHARE * chance, chance + LARGEST_EXCESS
    expected = (
        f"loss about ln {num_classes} = {chance:.2f} ({low:.2f} to {high:.2f}); logits of moderate spread"
    )
    examples = first(bench.fitting, NUM_EXAMPLES)
    answers = []
    for offset in range(bench.effort.num_initial_models):
        trainer = bench.make_trainer(offset=offset)
        outputs = _outputs(trainer, examples)
        if outputs.shape != (len(examples[1]), num_classes):
            problem = f"outputs have shape {tuple(outputs.shape)}: they must be (examples, {num_classes})"
            return Finding(f"shape {tuple(outputs.shape)}", expected, (problem,))
        answers.append(_answer(trainer, examples, outputs))
    loss = sum(answer.loss for answer in answers) / len(answers)
    spread = sum(float(answer.outputs.std()) for answer in answers) / len(answers)
    problems = list(dict.fromkeys(problem for answer in answers for problem in output_problems(answer)))
    if not low <= loss <= high:
        problems.append(_loss_problem(loss, low, spread))
    measured = f"loss {loss:.3f} over {len(answers)} fresh models, logits with sd {spread:.2g}"
    losses = [answer.loss for answer in answers]
    return Finding(
        measured, expected, tuple(problems), {"losses": losses, "chance": chance, "spread": spread}
    )


def _outputs(trainer: BaseTrainer, examples: Examples) -> Tensor:
    return trainer.inference(examples[0]).detach().float().cpu()


def _answer(trainer: BaseTrainer, examples: Examples, outputs: Tensor) -> _Answer:
    """The loss in training mode is what the first step of a run reports."""
    batch = to_device(examples, trainer.device)
    with torch.no_grad():
        evaluated = _evaluated_loss(trainer, batch)
        trainer.model.train()
        loss = float(trainer.validation_step(batch).loss)
    plain = float(functional.cross_entropy(outputs, examples[1].cpu()))
    return _Answer(loss, outputs, is_cross_entropy=math.isclose(plain, evaluated, rel_tol=1e-2))


def _evaluated_loss(trainer: BaseTrainer, batch: Examples) -> float:
    with trainer.evaluating():
        return float(trainer.validation_step(batch).loss)


def output_problems(answer: _Answer) -> list[str]:
    """What the outputs alone give away."""
    outputs = answer.outputs
    if not bool(torch.isfinite(outputs).all()):
        return ["outputs are not finite: see initialisation and normalisation"]
    if not bool(outputs.any()):
        return []  # a last layer that begins at zero is a choice
    problems = []
    sums = outputs.sum(dim=1)
    is_distribution = bool((outputs >= 0).all()) and bool(
        torch.allclose(sums, torch.ones_like(sums), atol=1e-3)
    )
    if is_distribution and answer.is_cross_entropy:
        problems.append(
            "outputs are probabilities and cross-entropy takes logits: remove the softmax at the end of the model"
        )
    if bool((outputs >= 0).all()) and float((outputs == 0).float().mean()) > 0.01:
        problems.append("no output is negative and many are exactly 0: remove the ReLU after the last layer")
    if float(outputs.std(dim=0).max()) < 1e-6 * float(outputs.abs().max()):
        problems.append(
            "outputs are the same for every input: the input does not get through, look for dead activations"
        )
    return problems


def _loss_problem(loss: float, low: float, spread: float) -> str:
    if not math.isfinite(loss):
        return "the first loss is not finite: see initialisation and normalisation"
    if loss < low:
        return "a fresh model does better than chance: it is not fresh, or the inputs hold the labels"
    return f"logits spread too much (sd {spread:.2g}): initialise the last layer with smaller weights"
