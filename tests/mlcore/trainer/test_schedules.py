"""Schedules against torch's own schedulers, step by step."""

from __future__ import annotations

import math
import random
from collections.abc import Callable
from typing import Any

import pytest
import torch
from mlcore.trainer.config import TrainingConfig
from mlcore.trainer.schedules import Schedule, build_schedule
from torch.optim import lr_scheduler

TOTAL = 60
RATE = 0.1


def rates_of_torch(make: Callable[[torch.optim.Optimizer], Any], num_steps: int = TOTAL) -> list[float]:
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=RATE)
    scheduler = make(optimizer)
    rates = []
    for _ in range(num_steps):
        rates.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        scheduler.step()
    return rates


def schedule_of(keys: dict[str, Any], **options: Any) -> Schedule:
    return build_schedule(TrainingConfig(schedule=keys).schedule, TOTAL, **options)


def lambda_lr(function: Callable[[int], float]) -> Callable[[torch.optim.Optimizer], Any]:
    return lambda optimizer: lr_scheduler.LambdaLR(optimizer, function)


ORACLES: list[tuple[dict[str, Any], Callable[[torch.optim.Optimizer], Any]]] = [
    ({"type": "constant"}, lambda o: lr_scheduler.ConstantLR(o, factor=1.0)),
    ({"type": "constant", "warmup_steps": 7}, lambda_lr(lambda k: min(1, (k + 1) / 7))),
    (
        {"type": "constant", "warmup_steps": 10},
        lambda o: lr_scheduler.LinearLR(o, start_factor=0.1, total_iters=9),
    ),
    ({"type": "cosine"}, lambda o: lr_scheduler.CosineAnnealingLR(o, TOTAL)),
    (
        {"type": "cosine", "min_factor": 0.25},
        lambda o: lr_scheduler.CosineAnnealingLR(o, TOTAL, eta_min=0.25 * RATE),
    ),
    (
        {"type": "cosine", "warmup_steps": 10},
        lambda o: lr_scheduler.SequentialLR(
            o,
            [
                lr_scheduler.LinearLR(o, start_factor=0.1, total_iters=9),
                lr_scheduler.CosineAnnealingLR(o, TOTAL - 10),
            ],
            milestones=[10],
        ),
    ),
    *(
        (
            {"type": "onecycle", "anneal": anneal, "rise_fraction": rise},
            lambda o, anneal=anneal, rise=rise: lr_scheduler.OneCycleLR(
                o,
                max_lr=RATE,
                total_steps=TOTAL + 1,  # torch refuses the step after the last
                pct_start=rise,
                anneal_strategy="cos" if anneal == "cosine" else "linear",
                cycle_momentum=False,
            ),
        )
        for anneal in ("cosine", "linear")
        for rise in (0.3, 0.5)
    ),
    (
        {"type": "step", "step_size": 7, "gamma": 0.3, "unit": "step"},
        lambda o: lr_scheduler.StepLR(o, 7, gamma=0.3),
    ),
    (
        {"type": "step", "step_size": 2, "gamma": 0.5, "unit": "epoch"},
        lambda o: lr_scheduler.StepLR(o, 2 * 6, gamma=0.5),
    ),
    ({"type": "exponential", "gamma": 0.97, "unit": "step"}, lambda o: lr_scheduler.ExponentialLR(o, 0.97)),
    ({"type": "exponential", "gamma": 0.5, "unit": "epoch"}, lambda_lr(lambda k: 0.5 ** (k // 6))),
    (
        # Vaswani et al., 2017, equation 3, over its own peak value.
        {"type": "noam", "warmup_steps": 12},
        lambda_lr(lambda k: min((k + 1) ** -0.5, (k + 1) * 12**-1.5) / 12**-0.5),
    ),
    (
        {"type": "wsd", "warmup_steps": 10, "decay_fraction": 0.25, "shape": "linear"},
        lambda_lr(lambda k: (k + 1) / 10 if k < 10 else min(1.0, (TOTAL - k) / 15)),
    ),
    (
        {"type": "wsd", "decay_fraction": 0.5, "shape": "sqrt", "min_factor": 0.1},
        lambda_lr(lambda k: 1 - 0.9 * math.sqrt(max(0, k - 30) / 30)),
    ),
    (
        {"type": "wsd", "decay_fraction": 1.0, "shape": "cosine"},
        lambda o: lr_scheduler.CosineAnnealingLR(o, TOTAL),
    ),
]


@pytest.mark.parametrize(
    ("keys", "oracle"), ORACLES, ids=lambda value: str(value) if isinstance(value, dict) else ""
)
@pytest.mark.filterwarnings("ignore:.*epoch parameter.*:UserWarning")
def test_every_schedule_has_the_rates_of_torch(keys: dict[str, Any], oracle: Any) -> None:
    total = TOTAL + 1 if keys["type"] == "onecycle" else TOTAL
    schedule = build_schedule(TrainingConfig(schedule=keys).schedule, total, epoch_of=lambda step: step // 6)
    ours = [RATE * schedule.factor(step) for step in range(TOTAL)]
    assert ours == pytest.approx(rates_of_torch(oracle), rel=1e-9, abs=1e-12)


@pytest.mark.parametrize("keys", [keys for keys, _ in ORACLES], ids=str)
def test_a_rate_does_not_depend_on_the_way_there_and_never_leaves_its_bounds(keys: dict[str, Any]) -> None:
    schedule = schedule_of(keys, epoch_of=lambda step: step // 6)
    forwards = [schedule.factor(step) for step in range(2 * TOTAL)]
    backwards = [schedule.factor(step) for step in reversed(range(2 * TOTAL))]
    assert forwards == backwards[::-1]
    assert all(0 <= factor <= 1 + 1e-12 for factor in forwards)
    assert forwards[0] > 0, "the first update learns"


@pytest.mark.parametrize("mode", ["min", "max"])
@pytest.mark.parametrize("threshold_mode", ["rel", "abs"])
@pytest.mark.parametrize("cooldown", [0, 2])
def test_the_plateau_schedule_follows_torch_over_a_noisy_curve(
    mode: str, threshold_mode: str, cooldown: int
) -> None:
    keys = {
        "type": "plateau",
        "factor": 0.5,
        "patience": 2,
        "threshold": 0.01,
        "threshold_mode": threshold_mode,
        "cooldown": cooldown,
        "min_factor": 0.01,
    }
    schedule = build_schedule(TrainingConfig(schedule=keys).schedule, None, mode=mode)
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=RATE)
    oracle = lr_scheduler.ReduceLROnPlateau(
        optimizer,
        mode=mode,
        factor=0.5,
        patience=2,
        threshold=0.01,
        threshold_mode=threshold_mode,
        cooldown=cooldown,
        min_lr=0.01 * RATE,
    )
    noise = random.Random(4)
    rates = []
    for number in range(80):
        value = 1 + math.exp(-number / 10) + 0.02 * noise.gauss(0, 1)
        value = float("nan") if number == 30 else value if mode == "min" else 5 - value
        oracle.step(value)
        fell = schedule.observe(value)
        rates.append(RATE * schedule.factor(number))
        assert rates[-1] == pytest.approx(optimizer.param_groups[0]["lr"], rel=1e-12)
        assert fell == ((len(rates) > 1 and rates[-1] < rates[-2]) or (len(rates) == 1 and rates[-1] < RATE))
    assert len(set(rates)) > 3


@pytest.mark.parametrize("stop", [1, 5, 13, 29])
def test_the_plateau_schedule_resumes_anywhere(stop: int) -> None:
    config = TrainingConfig(schedule={"type": "plateau", "patience": 1, "cooldown": 1}).schedule
    values = [random.Random(1).random() for _ in range(40)]
    whole, first, second = (build_schedule(config, None) for _ in range(3))
    for value in values:
        whole.observe(value)
    for value in values[:stop]:
        first.observe(value)
    second.load_state_dict(first.state_dict())
    for value in values[stop:]:
        second.observe(value)
    assert second.state_dict() == whole.state_dict()


def test_schedules_that_need_a_length_say_so() -> None:
    for name in ("cosine", "onecycle", "wsd"):
        with pytest.raises(ValueError, match=r"training\.steps"):
            build_schedule(TrainingConfig(schedule=name).schedule, None)
    with pytest.raises(ValueError, match="unit: step"):
        build_schedule(TrainingConfig(schedule="step").schedule, 10)
