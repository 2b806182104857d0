"""The parts of a step, with a clock that only the parts themselves move on: every second is accounted for."""

from collections.abc import Iterator
from typing import Any

import pytest
import torch
from mlcore.machine_settings import trainer_workload
from mlcore.profiling.phases import STEP, PhaseClock, TimedLoader, named_parts, time_parts_of
from mlcore.trainer import ClassificationTrainer, GradientResult, TrainingConfig
from torch import Tensor, nn

DATA_S, FORWARD_S, BACKWARD_S, OPTIMIZER_S, METRICS_S = 5.0, 7.0, 11.0, 13.0, 3.0


class Hand:
    """A clock's hand that is moved by hand."""

    def __init__(self) -> None:
        self.at = 0.0

    def move(self, seconds: float) -> None:
        self.at += seconds

    def __call__(self) -> float:
        return self.at


class SlowBackward(torch.autograd.Function):
    """The identity, whose gradient takes its time."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, hand: Hand) -> Tensor:
        ctx.hand = hand
        return x.clone()

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> Any:
        ctx.hand.move(BACKWARD_S)
        return gradients[0], None


class SlowModel(nn.Module):
    """Takes seven seconds forwards and eleven backwards."""

    def __init__(self, hand: Hand) -> None:
        super().__init__()
        self.linear, self.hand = nn.Linear(4, 3), hand

    def forward(self, x: Tensor) -> Tensor:
        self.hand.move(FORWARD_S)
        return SlowBackward.apply(self.linear(x), self.hand)


class SlowLoader:
    """Five seconds a batch."""

    def __init__(self, hand: Hand) -> None:
        self.hand = hand

    def __iter__(self) -> Iterator[tuple[Tensor, Tensor]]:
        for _ in range(50):
            self.hand.move(DATA_S)
            yield torch.ones(2, 4), torch.tensor([0, 2])


class SlowMetrics(ClassificationTrainer):
    """Three seconds for the metrics."""

    def compute_metrics(self, outputs: Any, batch: Any) -> Any:
        self.model.hand.move(METRICS_S)  # type: ignore[union-attr, operator]
        return super().compute_metrics(outputs, batch)


class ByHand(ClassificationTrainer):
    """Differentiates without the trainer's forward pass."""

    def compute_gradients(self, batch: Any, scale: float) -> GradientResult:
        self.model.hand.move(FORWARD_S + BACKWARD_S)  # type: ignore[union-attr, operator]
        for parameter in self.model.parameters():
            parameter.grad = torch.ones_like(parameter)
        return GradientResult(1.0)


def seconds_of_a_step(kind: type[ClassificationTrainer], **settings: Any) -> dict[str, float]:
    hand = Hand()
    config = TrainingConfig(optimizer="sgd", learning_rate=0.1, monitor="train_loss", **settings)
    trainer = kind(SlowModel(hand), config, device="cpu")
    trainer.updater.optimizer.register_step_pre_hook(lambda *_: hand.move(OPTIMIZER_S))
    clock = PhaseClock(now=hand)
    time_parts_of(trainer, clock)
    workload = trainer_workload(trainer, TimedLoader(SlowLoader(hand), clock))
    step = clock.around(STEP, workload.step)
    step()  # its batches were taken before
    clock.take()
    begin = hand.at
    step()
    found = named_parts(clock.take())
    assert sum(found.values()) == hand.at - begin, "every second of the step is in one part"
    return found


def test_every_part_has_its_own_seconds() -> None:
    assert seconds_of_a_step(SlowMetrics) == {
        "data": DATA_S,
        "forward": FORWARD_S,
        "backward": BACKWARD_S,
        "metrics": METRICS_S,
        "optimizer": OPTIMIZER_S,
        "rest of the loop": 0.0,
    }


def test_accumulated_batches_count_each_and_the_update_once() -> None:
    found = seconds_of_a_step(SlowMetrics, accumulation_steps=3, ema_decay=0.9)
    assert found["data"] == 3 * DATA_S
    assert found["forward"] == 3 * FORWARD_S
    assert found["backward"] == 3 * BACKWARD_S
    assert found["optimizer"] == OPTIMIZER_S
    assert found["weight average"] == 0.0


def test_a_model_that_differentiates_itself_has_one_part_for_both_ways() -> None:
    found = seconds_of_a_step(ByHand)
    assert found["forward and backward"] == FORWARD_S + BACKWARD_S
    assert not {"forward", "backward"} & found.keys()


def test_an_inner_part_is_taken_out_of_the_outer_one_also_after_an_error() -> None:
    hand = Hand()
    clock = PhaseClock(now=hand)

    def fail() -> None:
        with clock.part("outer"):
            hand.move(1)
            with clock.part("inner"):
                hand.move(10)
                raise RuntimeError

    with pytest.raises(RuntimeError):
        fail()
    with clock.part("outer"):
        hand.move(100)
    assert clock.take() == {"outer": 101.0, "inner": 10.0}
    assert clock.take() == {}


def test_the_device_is_waited_for_before_every_look_at_the_clock() -> None:
    hand = Hand()
    clock = PhaseClock(now=hand, synchronise=lambda: hand.move(2))  # what was asked for takes two seconds
    with clock.part("asks"):
        pass
    assert clock.take() == {"asks": 2.0}
