"""Every trouble of the original's table is noticed, and its message ends with what to do about it."""

import math
import time
from collections.abc import Callable
from typing import Any

import pytest
import torch
from mlcore import advice
from mlcore.errors import DivergedError
from mlcore.evaluator import generation_advice
from mlcore.trainer import BaseTrainer, SilentLogger, TrainingConfig
from mlcore.trainer.hang_watch import HangWatch
from mlcore.trainer.out_of_memory import OutOfMemoryError
from mlcore.trainer.update import NoGradientError
from torch import nn


class Regression(BaseTrainer):
    def get_criterion(self) -> Any:
        return nn.MSELoss()


BATCHES = [(torch.ones(2, 3), torch.ones(2, 1))] * 3


def train(trainer: BaseTrainer, batches: list = BATCHES) -> None:
    trainer.train(batches)


def regression(kind: type[BaseTrainer] = Regression, **keys: Any) -> BaseTrainer:
    return kind(nn.Linear(3, 1), TrainingConfig(epochs=1, **keys), device="cpu")


def one_line(error: BaseException) -> str:
    text = str(error)
    assert "\n" not in text
    return text


def test_a_model_that_is_frozen_as_a_whole_has_no_gradients() -> None:
    trainer = regression()
    trainer.model.requires_grad_(False)
    with pytest.raises(NoGradientError) as caught:
        train(trainer)
    assert one_line(caught.value).endswith(advice.NO_GRADIENTS)
    assert "elementwise_affine" in advice.NO_GRADIENTS


def test_a_loss_that_forgets_the_model_has_no_gradients() -> None:
    class Forgetful(Regression):
        def forward_pass(self, batch: Any) -> Any:
            return torch.zeros((), requires_grad=True), None

    with pytest.raises(NoGradientError, match="does the loss depend on the model"):
        train(regression(Forgetful))


def test_numbers_that_are_not_finite_end_with_rates_and_clipping() -> None:
    trainer = regression(max_bad_steps=2)
    with pytest.raises(DivergedError) as caught:
        train(trainer, [(torch.full((2, 3), math.nan), torch.ones(2, 1))] * 3)
    message = one_line(caught.value)
    assert message.endswith(advice.NOT_FINITE)
    assert "learning_rate 0.001 to 0.01" in message
    assert "max_grad_norm 0.5 to 2.0" in message


@pytest.mark.parametrize(
    "error",
    [
        torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB"),
        MemoryError(),
        RuntimeError(
            "[enforce fail at alloc_cpu.cpp:121] DefaultCPUAllocator: can't allocate memory: you tried"
        ),
    ],
)
def test_memory_that_ends_is_told_with_smaller_batches(error: Exception) -> None:
    class Hungry(Regression):
        def forward_pass(self, batch: Any) -> Any:
            raise error

    with pytest.raises(OutOfMemoryError) as caught:
        train(regression(Hungry, batch_size=64, accumulation_steps=2))
    message = one_line(caught.value)
    assert message.startswith("out of memory on cpu with training.batch_size 64 × 2 batches")
    assert message.endswith(advice.OUT_OF_MEMORY[1:])
    assert caught.value.exit_code == 1


def test_the_allocator_itself_is_understood() -> None:
    """No machine has an exabyte: this is the error that torch really raises."""

    class Hungry(Regression):
        def forward_pass(self, batch: Any) -> Any:
            return super().forward_pass((torch.empty(2**58), batch[1]))

    with pytest.raises(OutOfMemoryError):
        train(regression(Hungry))


def test_other_errors_stay_what_they_are() -> None:
    class Broken(Regression):
        def forward_pass(self, batch: Any) -> Any:
            raise RuntimeError("shapes do not match")

    with pytest.raises(RuntimeError, match="shapes do not match"):
        train(regression(Broken))


class Listener(SilentLogger):
    def __init__(self) -> None:
        super().__init__()
        self.warnings: list[str] = []

    def warn(self, text: str) -> None:
        self.warnings.append(text)


def until(condition: Callable[[], object]) -> None:
    end = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.01)


def test_a_standstill_is_mentioned_once_until_there_is_progress_again() -> None:
    logger = Listener()
    trainer = Regression(nn.Linear(3, 1), TrainingConfig(epochs=1), device="cpu", logger=logger)
    with HangWatch(trainer, patience_s=0.1):
        until(lambda: logger.warnings)
        time.sleep(0.3)
        assert len(logger.warnings) == 1
        trainer.progress.step += 1
        until(lambda: len(logger.warnings) == 2)
    assert logger.warnings[0].startswith("no progress for")
    assert logger.warnings[0].endswith(advice.HANG)
    assert "after step 1" in logger.warnings[1]


def test_a_training_that_goes_on_is_not_disturbed() -> None:
    logger = Listener()
    trainer = Regression(nn.Linear(3, 1), TrainingConfig(epochs=1), device="cpu", logger=logger)
    with HangWatch(trainer, patience_s=60):
        trainer.train(BATCHES)
    assert logger.warnings == []


GOOD = {
    "heuristic": {"means": {"overall": 0.8, "repetition_rate": 0.01}},
    "metrics": {"loss": 1.5},
    "baselines": {"bigram": {"loss": 3.0}},
}


@pytest.mark.parametrize(
    ("change", "sign"),
    [
        ({"metrics": {"loss": 3.2}}, "its loss, 3.20, is above that of counted pairs, 3.00: undertrained"),
        ({"heuristic": {"means": {"overall": 0.5, "repetition_rate": 0.6}}}, "60% of it repeats itself"),
        ({"heuristic": {"means": {"overall": 0.1, "repetition_rate": None}}}, "heuristic mark 0.10 of 1"),
    ],
)
def test_poor_generation_is_seen_in_the_figures(change: dict, sign: str) -> None:
    message = generation_advice({**GOOD, **change})
    assert message is not None
    assert sign in message
    assert message.endswith(advice.POOR_GENERATION)


def test_good_samples_and_no_samples_need_no_advice() -> None:
    assert generation_advice(GOOD) is None
    assert generation_advice({"metrics": {"loss": 9.0}, "baselines": {"bigram": {"loss": 1.0}}}) is None
    assert generation_advice({"heuristic": None}) is None
