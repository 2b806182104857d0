"""torch.compile: the same numbers, and a way back that costs one warning."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from mlcore.trainer import TrainingConfig
from mlcore.trainer.compilation import Compilation
from tiny_trainer_task import Regression, batches, tiny_model, weights_hash


def run(backend: Any, **keys: Any) -> tuple[Regression, list[str]]:
    warnings: list[str] = []
    trainer = Regression(tiny_model(), TrainingConfig(epochs=2, accumulation_steps=3, **keys), device="cpu")
    if backend is not None:
        trainer.compilation = Compilation(trainer.model, True, warnings.append, backend=backend)
    trainer.train(batches(), batches(8))
    return trainer, warnings


def fails_at_once(graph: Any, inputs: Any) -> Any:
    raise RuntimeError("no compiler on this machine\nsecond line")


class FailsInBackward(torch.autograd.Function):
    """Stands for a backward pass that fails to compile, which happens only when it is first needed."""

    calls = 0

    @staticmethod
    def forward(ctx: Any, inputs: Any) -> Any:
        return inputs.clone()

    @staticmethod
    def backward(ctx: Any, gradient: Any) -> Any:
        FailsInBackward.calls += 1
        if FailsInBackward.calls == 2:
            raise RuntimeError("backward does not compile")
        return gradient


def fails_in_the_second_backward(graph: Any, inputs: Any) -> Any:
    return lambda *arguments: [
        FailsInBackward.apply(output) if torch.is_tensor(output) and output.requires_grad else output
        for output in graph(*arguments)
    ]


@pytest.mark.parametrize("backend", [fails_at_once, fails_in_the_second_backward])
def test_a_failure_costs_one_warning_and_not_one_bit(backend: Any) -> None:
    torch._dynamo.reset()
    FailsInBackward.calls = 0
    eager, _ = run(None)
    fallen, warnings = run(backend)
    assert len(warnings) == 1
    assert "training goes on uncompiled" in warnings[0]
    assert "\n" not in warnings[0]
    assert weights_hash(fallen.model.state_dict()) == weights_hash(eager.model.state_dict())
    assert fallen.progress.history == eager.progress.history


def test_a_compiled_model_trains_as_the_eager_one_and_keeps_its_names() -> None:
    torch._dynamo.reset()
    eager, _ = run(None)
    compiled, warnings = run("aot_eager")
    assert warnings == []
    assert compiled.compilation.active
    assert list(compiled.model.state_dict()) == list(eager.model.state_dict())
    for one, two in zip(compiled.progress.history, eager.progress.history, strict=True):
        assert one["val"]["loss"] == pytest.approx(two["val"]["loss"], rel=1e-5)


def test_a_mistake_in_the_model_is_shown_as_itself() -> None:
    torch._dynamo.reset()
    trainer = Regression(tiny_model(), TrainingConfig(epochs=1), device="cpu")
    trainer.compilation = Compilation(trainer.model, True, lambda text: None, backend="eager")
    with pytest.raises(RuntimeError, match="shapes cannot be multiplied"):
        trainer.train([(torch.zeros(2, 5), torch.zeros(2, 1))])
