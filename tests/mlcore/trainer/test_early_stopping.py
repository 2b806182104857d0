"""The three policies on curves of which we know what they are."""

from __future__ import annotations

import math
import random
from typing import Any

import pytest
from mlcore.trainer.config import EarlyStoppingConfig, TrainingConfig
from mlcore.trainer.early_stopping import EarlyStopping, build_early_stopping
from mlcore.trainer.monitor import Monitor

POLICIES = ["patience", "plateau", "adaptive"]


def policy(mode: str = "min", **keys: Any) -> EarlyStopping:
    built = build_early_stopping(EarlyStoppingConfig(**keys), mode)
    assert built is not None
    return built


def stops_after(stopping: EarlyStopping, values: list[float]) -> int | None:
    """Evaluations up to the stop; None if it never comes."""
    return next((number for number, value in enumerate(values, 1) if stopping.observe(value)), None)


def test_patience_counts_evaluations_since_the_last_real_improvement() -> None:
    values = [1.0, 0.9, 0.8, 0.7995, 0.7994, 0.7993, 0.5]
    assert stops_after(policy(patience=3, min_delta=0.001), values) == 6
    assert stops_after(policy(patience=3, min_delta=0.0), values) is None
    assert stops_after(policy("max", patience=2), [0.1, 0.5, 0.4, 0.3]) == 4


@pytest.mark.parametrize("name", POLICIES)
def test_a_curve_that_falls_for_good_is_never_stopped(name: str) -> None:
    values = [2.0 * 0.97**number for number in range(200)]
    assert stops_after(policy(policy=name), values) is None
    assert stops_after(policy("max", policy=name), [-value for value in values]) is None


@pytest.mark.parametrize("name", POLICIES)
def test_a_flat_noisy_curve_is_stopped(name: str) -> None:
    for seed in range(20):
        noise = random.Random(seed)
        values = [1 + 0.05 * noise.gauss(0, 1) for _ in range(300)]
        assert stops_after(policy(policy=name), values) is not None


def test_the_adaptive_policy_waits_longer_for_a_curve_that_has_been_falling_for_long() -> None:
    fall = [3 - 0.05 * number for number in range(40)]
    late_stall = [*fall, *[fall[-1]] * 15, *[fall[-1] - 0.05 * number for number in range(1, 20)]]
    early_stall = [*fall[:4], *[fall[3]] * 15]
    keys = {"patience": 6, "stretch": 0.5}
    assert stops_after(policy(policy="patience", **keys), late_stall) == 46
    assert stops_after(policy(policy="adaptive", **keys), late_stall) is None
    assert stops_after(policy(policy="adaptive", **keys), early_stall) == 10


def test_lucky_noise_does_not_reset_the_adaptive_policy() -> None:
    """On a flat curve new bests still come, by luck; they keep the patient policy waiting longer than the
    adaptive.
    """
    waits = {"patience": 0, "adaptive": 0}
    for seed in range(40):
        noise = random.Random(seed)
        values = [1 + 0.05 * noise.gauss(0, 1) for _ in range(400)]
        for name in waits:
            waits[name] += (
                stops_after(policy(policy=name, patience=10, stretch=0, noise_factor=2), values) or 400
            )
    assert waits["adaptive"] < waits["patience"]


def test_the_noise_estimate_is_the_deviation_whatever_the_trend() -> None:
    noise = random.Random(2)
    stopping = policy(policy="adaptive", window=400, patience=1000)
    for number in range(400):
        stopping.observe(10 - 0.1 * number + 0.3 * noise.gauss(0, 1))
    assert stopping.noise() == pytest.approx(0.3, rel=0.15)  # type: ignore[attr-defined]


@pytest.mark.parametrize("name", POLICIES)
def test_nan_is_never_an_improvement(name: str) -> None:
    stopping = policy(policy=name, patience=2)
    stopping.observe(1.0)
    stopping.observe(math.nan)
    assert stopping.best == 1.0
    assert name == "plateau" or stops_after(stopping, [math.nan] * 5) is not None


@pytest.mark.parametrize("name", POLICIES)
@pytest.mark.parametrize("cut", [1, 4, 11, 17])
def test_the_memory_survives_a_resume(name: str, cut: int) -> None:
    noise = random.Random(8)
    values = [1 + math.exp(-number / 3) + 0.05 * noise.gauss(0, 1) for number in range(100)]
    end = stops_after(policy(policy=name), values)
    assert end is not None
    assert end > 5
    first, second = policy(policy=name), policy(policy=name)
    for value in values[:cut]:
        first.observe(value)
    second.load_state_dict(first.state_dict())
    assert first.stopped or stops_after(second, values[cut:]) == end - cut
    assert second.stopped
    assert second.reason()


def monitor_of(**keys: Any) -> Monitor:
    return Monitor(TrainingConfig(early_stopping=keys))


@pytest.mark.parametrize("name", ["val_accuracy", "val_token_accuracy", "train_f1"])
def test_a_rising_accuracy_never_stops_a_run_whose_best_is_a_loss(name: str) -> None:
    """The monitored metric is val_loss; an accuracy that is watched beside it still counts as good when it grows."""
    monitor = monitor_of(policy="plateau", window=4, monitor=name)
    assert monitor.early_stopping is not None
    assert stops_after(monitor.early_stopping, [0.01 * number for number in range(60)]) is None
    falling = monitor_of(policy="plateau", window=4, monitor=name).early_stopping
    assert falling is not None
    assert stops_after(falling, [0.9 - 0.01 * number for number in range(60)]) is not None


def test_a_loss_that_is_watched_beside_an_accuracy_counts_as_good_when_it_falls() -> None:
    config = TrainingConfig(
        monitor="val_accuracy", monitor_mode="max", early_stopping={"patience": 3, "monitor": "val_loss"}
    )
    stopping = Monitor(config).early_stopping
    assert stopping is not None
    assert stops_after(stopping, [2.0 * 0.97**number for number in range(60)]) is None
