"""A batch that grows from epoch to epoch, against batches put together by hand; its arithmetic; resuming; processes."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import pytest
import torch
from mlcore.trainer import TrainingConfig
from mlcore.trainer.batch_size_config import BatchSizeSchedule
from mlcore.trainer.epoch_lengths import EpochLengths
from process_pair import NEEDS_FORK, Series, results
from pydantic import ValidationError
from test_resume import run_with_stops
from tiny_trainer_task import Regression, SeededLoader, batches, full_config
from torch import Tensor, nn

pytestmark = NEEDS_FORK

RATE = 0.05
GROWING = {"epochs": [1, 3], "factor": 3}  # 1, 3, 3 and 9 batches an update
HAND_MADE = ([1] * 8, [3, 3, 2], [3, 3, 2], [8])  # of the eight batches of an epoch


def linear_model() -> nn.Module:
    torch.manual_seed(2)
    return nn.Linear(6, 1).double()


def parts(rank: int = 0, world_size: int = 1) -> list[tuple[Tensor, Tensor]]:
    return [tuple(part[rank::world_size].double() for part in batch) for batch in batches()]  # type: ignore[misc]


def hand_made_losses(rates: list[float]) -> list[float]:
    """A plain loop over batches that were joined beforehand."""
    model, losses = linear_model(), []
    joined: list[tuple[Tensor, Tensor]] = []
    for epoch in HAND_MADE:
        waiting = parts()
        for count in epoch:
            taken, waiting = waiting[:count], waiting[count:]
            joined.append((torch.cat([one for one, _ in taken]), torch.cat([two for _, two in taken])))
    for (inputs, targets), rate in zip(joined, rates, strict=True):
        loss = nn.functional.mse_loss(model(inputs), targets)
        gradients = torch.autograd.grad(loss, list(model.parameters()))
        with torch.no_grad():
            for parameter, gradient in zip(model.parameters(), gradients, strict=True):
                parameter -= rate * gradient
        losses.append(loss.item())
    return losses


def trained(rank: int = 0, world_size: int = 1, schedule: Any = "constant") -> dict[str, Any]:
    series = Series()
    config = TrainingConfig(
        epochs=4, optimizer="sgd", learning_rate=RATE, batch_size_schedule=GROWING, schedule=schedule
    )
    trainer = Regression(linear_model(), config, device="cpu", callbacks=[series])
    trainer.train(parts(rank, world_size))
    return {"losses": series.losses, "planned": trainer.plan.total_steps, "items": trainer.progress.items}


STEP_OF_EPOCH = [epoch for epoch, counts in enumerate(HAND_MADE) for _ in counts]
RATES = {
    "constant": [RATE] * 15,
    "step": [RATE * 0.5**epoch for epoch in STEP_OF_EPOCH],
    "cosine": [RATE * (1 + math.cos(math.pi * step / 15)) / 2 for step in range(15)],
}
SCHEDULES = {
    "constant": "constant",
    "step": {"type": "step", "step_size": 1, "gamma": 0.5},
    "cosine": "cosine",
}


@pytest.mark.parametrize("name", RATES)
def test_losses_are_those_of_batches_joined_by_hand_whatever_the_rate_does(name: str) -> None:
    found = trained(schedule=SCHEDULES[name])
    assert found["losses"] == pytest.approx(hand_made_losses(RATES[name]), rel=1e-10)
    assert found["planned"] == 15
    assert found["items"] == 4 * 32


def half_of_each_batch(rank: int) -> dict[str, Any]:
    return trained(rank, 2, SCHEDULES["step"])


def test_two_processes_join_the_same_batches(tmp_path: Path) -> None:
    for found in results(tmp_path, half_of_each_batch):
        assert found["losses"] == pytest.approx(hand_made_losses(RATES["step"]), rel=1e-10)
        assert found["planned"] == 15


def test_a_run_stopped_in_the_middle_of_grown_batches_goes_on_bit_for_bit(tmp_path: Path) -> None:
    config = full_config(batch_size_schedule={"epochs": [1, 2], "factor": 2})  # 8 + 4 + 2 updates
    whole = run_with_stops(tmp_path / "whole", config, lambda: SeededLoader(batches()), [])
    assert whole["progress"]["step"] == 14
    cut = run_with_stops(tmp_path / "cut", config, lambda: SeededLoader(batches()), [5, 8, 10, 13])
    assert cut == whole


@pytest.mark.parametrize("num_batches", [1, 7, 16])
@pytest.mark.parametrize("growing", [None, {"epochs": [2, 3, 7]}, {"epochs": [1], "factor": 5}])
def test_epochs_and_updates_are_counted_as_by_counting(num_batches: int, growing: Any) -> None:
    config = TrainingConfig(accumulation_steps=2, batch_size_schedule=growing)
    lengths = EpochLengths(config, num_batches)
    step = 0
    for epoch in range(12):
        assert lengths.num_updates(epoch) == step
        for _ in range(0, num_batches, config.batches_per_update(epoch)):
            assert lengths.epoch_of(step) == epoch
            step += 1


@pytest.mark.parametrize("epochs", [[], [0], [3, 2], [2, 2]])
def test_epochs_that_cannot_be_meant_are_refused(epochs: list[int]) -> None:
    with pytest.raises(ValidationError, match="epochs"):
        BatchSizeSchedule(epochs=epochs)
