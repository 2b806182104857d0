"""Numbers that are not finite never reach the weights, and never for long."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import pytest
import torch
from mlcore.checkpoint import CheckpointManager
from mlcore.device import Precision
from mlcore.errors import DivergedError
from mlcore.trainer import BaseTrainer, Callback, GradientResult, StepResult, TrainingConfig
from mlcore.trainer.accumulation import Window
from tiny_trainer_task import Regression, batches, full_config, tiny_model, weights_hash
from torch import Tensor

BAD = [float("nan"), float("inf"), float("-inf")]


def everything(trainer: BaseTrainer) -> str:
    """A hash of all that a skipped update must leave alone."""
    moments = {
        f"{index}.{name}": value
        for index, one in trainer.updater.state_dict()["state"].items()
        for name, value in one.items()
    }
    assert trainer.ema is not None
    parts = {
        **trainer.model.state_dict(),
        **{f"ema.{n}": v for n, v in trainer.ema.model.state_dict().items()},
    }
    return weights_hash({**parts, **moments}) + repr(trainer.plan.state_dict()) + str(trainer.progress.step)


class Poisoned(Regression):
    """Spoils one tensor of one place: "input", "loss", "gradient" of a random parameter element, or "target"."""

    place: str = ""
    value: float = 0.0

    def compute_gradients(self, batch: tuple[Tensor, Tensor], scale: float) -> GradientResult:
        inputs, targets = (tensor.clone() for tensor in batch)
        if self.place == "input":
            inputs[0, 0] = self.value
        if self.place == "target":
            targets[0, 0] = self.value
        result = super().compute_gradients((inputs, targets), scale)
        if self.place == "gradient":
            parameter = random.choice(list(self.model.parameters()))
            assert parameter.grad is not None
            parameter.grad.view(-1)[random.randrange(parameter.numel())] = self.value
        return GradientResult(self.value, metrics=result.metrics) if self.place == "loss" else result


def test_five_hundred_injections_have_the_right_status_and_change_nothing() -> None:
    random.seed(7)
    config = full_config(accumulation_steps=2, max_bad_steps=1000)
    trainer = Poisoned(tiny_model(), config, device="cpu")
    trainer.train_epoch(batches())
    data = batches()
    for _ in range(500):
        trainer.place = random.choice(["input", "target", "loss", "gradient"])
        trainer.value = random.choice(BAD)
        window = Window(random.sample(data, 2), [4, 4], 8)
        before = everything(trainer)
        trainer.model.train()
        result = trainer._update(window)
        expected = "nan_gradient" if trainer.place == "gradient" else "nan_detected"
        assert result.status == expected, (trainer.place, trainer.value)
        assert everything(trainer) == before
        assert all(parameter.grad is None for parameter in trainer.model.parameters())
    trainer.place = ""
    assert trainer._update(Window(data[:2], [4, 4], 8)).status == "ok"
    assert everything(trainer) != before


def test_running_statistics_survive_a_bad_batch() -> None:
    trainer = Poisoned(tiny_model(), TrainingConfig(epochs=1), device="cpu")
    data = batches()
    data[2] = (data[2][0] * float("nan"), data[2][1])
    trainer.train(data)
    assert trainer.guard.counts == {"ok": 7, "nan_detected": 1, "nan_gradient": 0}
    assert torch.isfinite(trainer.model[1].running_mean).all()


def test_too_many_in_a_row_end_the_run_and_the_last_good_checkpoint_stays(tmp_path: Path) -> None:
    class SpoilFrom(Callback):
        def on_step_end(self, trainer: Any, result: StepResult) -> None:
            if trainer.progress.step == 5:
                trainer.place, trainer.value = "loss", float("nan")

    trainer = Poisoned(
        tiny_model(),
        TrainingConfig(epochs=9, max_bad_steps=4, save_every=5),
        device="cpu",
        callbacks=[SpoilFrom()],
        checkpoints=CheckpointManager(tmp_path),
    )
    with pytest.raises(DivergedError, match="4 updates in a row") as caught:
        trainer.train(batches(), batches(8))
    assert caught.value.exit_code == 4
    assert trainer.guard.counts["nan_detected"] == 4
    last = CheckpointManager(tmp_path).load("last")
    assert last.step == 5
    assert weights_hash(last.state["model"]) == weights_hash(trainer.model.state_dict())


def test_single_bad_steps_do_not_end_a_run() -> None:
    data = batches()
    for index in (1, 3, 5):
        data[index] = (data[index][0] * float("inf"), data[index][1])
    result = Regression(tiny_model(), TrainingConfig(epochs=3, max_bad_steps=2), device="cpu").train(data)
    assert result.step == 15


def test_weights_that_are_not_finite_are_not_saved(tmp_path: Path) -> None:
    class Spoil(Callback):
        def on_step_end(self, trainer: Any, result: StepResult) -> None:
            if trainer.progress.step == 6:
                with torch.no_grad():
                    trainer.model[0].weight[0, 0] = float("inf")

    trainer = Regression(
        tiny_model(),
        TrainingConfig(epochs=2, save_every=3),
        device="cpu",
        callbacks=[Spoil()],
        checkpoints=CheckpointManager(tmp_path),
    )
    with pytest.raises(DivergedError, match="weights are not finite after step 6"):
        trainer.train(batches())
    assert CheckpointManager(tmp_path).load("last").step == 3


def test_nan_is_never_best(tmp_path: Path) -> None:
    values = iter([2.0, float("nan"), 1.5, float("nan")])

    class Odd(Regression):
        def validate_epoch(self, val_loader: Any) -> dict[str, float]:
            return {"loss": next(values)}

    trainer = Odd(
        tiny_model(), TrainingConfig(epochs=4), device="cpu", checkpoints=CheckpointManager(tmp_path)
    )
    result = trainer.train(batches(), batches())
    assert (result.best_metric, result.best_step) == (1.5, 24)
    assert CheckpointManager(tmp_path).load("best").step == 24


# ---------------------------------------------------------------- loss scaling


@pytest.fixture
def fp16_on_cpu(monkeypatch: pytest.MonkeyPatch) -> None:
    """The scaler without a GPU; the arithmetic stays float32."""
    monkeypatch.setattr(
        "mlcore.trainer.precision.choose_precision", lambda name, device: Precision("fp16", None, True)
    )


@pytest.mark.usefixtures("fp16_on_cpu")
def test_a_hundred_overflows_halve_the_scale_and_change_no_weight() -> None:
    trainer = Poisoned(tiny_model(), full_config(mixed_precision="fp16"), device="cpu")
    trainer.train_epoch(batches())
    data = batches()
    good_before = trainer.guard.counts["ok"]
    for _ in range(100):
        scale = trainer.precision.loss_scale
        before = everything(trainer)
        trainer.place, trainer.value = "gradient", float("inf")
        result = trainer._update(Window([data[0]], [4], 4))
        assert result.status == "nan_gradient"
        assert result.outcome.curable == (scale > 1)
        assert trainer.precision.loss_scale == scale / 2
        assert everything(trainer) == before
    assert trainer.guard.counts["ok"] == good_before


@pytest.mark.usefixtures("fp16_on_cpu")
def test_training_with_loss_scaling_is_training_without() -> None:
    hashes = []
    for name in ("fp16", "off"):
        if name == "off":
            trainer = Regression(tiny_model(), TrainingConfig(epochs=2), device="cpu")
            trainer.precision.scaler = None
        else:
            trainer = Regression(tiny_model(), TrainingConfig(epochs=2, mixed_precision="fp16"), device="cpu")
            assert trainer.precision.loss_scale == 65536
        trainer.train(batches())
        hashes.append(weights_hash(trainer.model.state_dict()))
    assert hashes[0] == hashes[1], "a power of two scales without rounding"


@pytest.mark.usefixtures("fp16_on_cpu")
def test_overflows_that_the_scale_cures_do_not_end_the_run() -> None:
    """16 halvings from 65536 to 1, with three bad steps allowed: they do not count while the scale can still
    fall.
    """
    trainer = Poisoned(
        tiny_model(), full_config(mixed_precision="fp16", max_bad_steps=3, epochs=9), device="cpu"
    )
    trainer.place, trainer.value = "gradient", float("inf")
    with pytest.raises(DivergedError):
        trainer.train(batches(), batches(8))
    assert trainer.guard.counts["nan_gradient"] == 16 + 3
