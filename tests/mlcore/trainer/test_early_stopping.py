"""The three policies on curves of which we know what they are, over one metric and over two."""

from __future__ import annotations

import math
import random
from typing import Any

import pytest
from mlcore.trainer.config import EarlyStoppingConfig, TrainingConfig
from mlcore.trainer.early_stopping import EarlyStopping, JointStopping, build_early_stopping
from mlcore.trainer.monitor import Monitor
from mlcore.trainer.schedules import build_schedule
from mlcore.trainer.stopping import num_epochs
from pydantic import ValidationError

POLICIES = ["patience", "plateau", "adaptive"]


def policy(mode: str = "min", **keys: Any) -> EarlyStopping:
    built = build_early_stopping(EarlyStoppingConfig(**keys), {"val_loss": mode})
    assert isinstance(built, EarlyStopping)
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
    assert isinstance(monitor.early_stopping, EarlyStopping)
    assert stops_after(monitor.early_stopping, [0.01 * number for number in range(60)]) is None
    falling = monitor_of(policy="plateau", window=4, monitor=name).early_stopping
    assert isinstance(falling, EarlyStopping)
    assert stops_after(falling, [0.9 - 0.01 * number for number in range(60)]) is not None


def test_a_loss_that_is_watched_beside_an_accuracy_counts_as_good_when_it_falls() -> None:
    config = TrainingConfig(
        monitor="val_accuracy", monitor_mode="max", early_stopping={"patience": 3, "monitor": "val_loss"}
    )
    stopping = Monitor(config).early_stopping
    assert isinstance(stopping, EarlyStopping)
    assert stops_after(stopping, [2.0 * 0.97**number for number in range(60)]) is None


def both(**keys: Any) -> JointStopping:
    config = EarlyStoppingConfig(policy="adaptive", also="val_accuracy", **keys)
    built = build_early_stopping(config, {"val_loss": "min", "val_accuracy": "max"})
    assert isinstance(built, JointStopping)
    return built


def joint_stop(stopping: JointStopping, losses: list[float], accuracies: list[float]) -> int | None:
    pairs = zip(losses, accuracies, strict=True)
    return next((number for number, pair in enumerate(pairs, 1) if stopping.observe(*pair)), None)


def test_two_metrics_end_a_run_only_when_both_stand_still() -> None:
    """An overconfident classifier: its loss turns upwards long before its accuracy rests."""
    losses = [1.0 - 0.1 * number for number in range(6)] + [0.5 + 0.01 * number for number in range(60)]
    accuracies = [min(90, 30 + 2 * number) / 100 for number in range(66)]
    keys = {"patience": 4, "stretch": 0.0, "noise_factor": 0.0}
    alone = stops_after(policy(policy="adaptive", **keys), losses)
    assert alone == 10
    assert joint_stop(both(**keys), losses, accuracies) == 31 + 4
    assert joint_stop(both(**keys), losses[:40], [0.01 * number for number in range(40)]) is None


def test_a_metric_that_improves_again_keeps_the_run_alive_although_it_once_stood_still() -> None:
    keys = {"patience": 2, "stretch": 0.0, "noise_factor": 0.0}
    losses = [1.0, 1.0, 1.0, 0.5, 0.25, 0.12, 0.06]  # rests first, while the accuracy still grows
    accuracies = [0.1, 0.2, 0.3, 0.3, 0.3, 0.3, 0.3]
    assert joint_stop(both(**keys), losses, accuracies) is None


def test_both_memories_survive_a_resume_and_both_reasons_are_given() -> None:
    noise = random.Random(4)
    losses = [1 + math.exp(-number / 3) + 0.05 * noise.gauss(0, 1) for number in range(100)]
    accuracies = [1 - math.exp(-number / 6) + 0.02 * noise.gauss(0, 1) for number in range(100)]
    end = joint_stop(both(), losses, accuracies)
    assert end is not None
    first, second = both(), both()
    joint_stop(first, losses[:9], accuracies[:9])
    second.load_state_dict(first.state_dict())
    assert joint_stop(second, losses[9:], accuracies[9:]) == end - 9
    assert second.reason().count("no improvement beyond the noise") == 2
    assert "val_accuracy:" in second.reason()


def test_adaptive_stopping_needs_no_length_but_a_schedule_that_needs_one_is_refused() -> None:
    open_ended = TrainingConfig(early_stopping={"policy": "adaptive"})
    assert num_epochs(open_ended) is None
    assert num_epochs(TrainingConfig(early_stopping={"policy": "adaptive"}, epochs=7)) == 7
    assert num_epochs(TrainingConfig(early_stopping={"policy": "patience"})) == 1
    with pytest.raises(ValidationError, match="onecycle needs a length"):
        TrainingConfig(early_stopping={"policy": "adaptive"}, schedule="onecycle")


@pytest.mark.parametrize("also", [None, "val_accuracy"])
def test_an_adaptive_run_does_not_end_before_a_lower_rate_has_been_tried(also: str | None) -> None:
    def stop_of(schedule: dict[str, Any]) -> int | None:
        stopping = {"policy": "adaptive", "patience": 4, "stretch": 0.0, "also": also}
        config = TrainingConfig(schedule=schedule, early_stopping=stopping)
        monitor, rate = Monitor(config), build_schedule(config.schedule, None)
        for number in range(1, 40):
            loss = 0.5 + 0.5 * rate.factor(1000)  # what it falls to depends on the rate alone
            monitor.observe({"val_loss": loss, "val_accuracy": 1 - loss}, number, rate)
            assert monitor.early_stopping is not None
            if monitor.early_stopping.stopped:
                return number
        return None

    assert stop_of({"type": "constant"}) == 5
    # It falls after evaluations 8 and 16, then is at its lowest, and four more without improvement end the run.
    plateau = {"type": "plateau", "factor": 0.5, "patience": 6, "min_factor": 0.25}
    assert stop_of(plateau) == 21


def test_the_lower_rate_since_the_best_is_remembered_over_a_resume() -> None:
    first, second = policy(policy="adaptive", patience=2), policy(policy="adaptive", patience=2)
    first.observe(1.0, rate_can_fall=True)
    first.rate_fell()
    first.observe(1.0, rate_can_fall=True)
    second.load_state_dict(first.state_dict())
    assert second.observe(1.0, rate_can_fall=True)
    forgetful = policy(policy="adaptive", patience=2)
    assert not any(forgetful.observe(1.0, rate_can_fall=True) for _ in range(9))
