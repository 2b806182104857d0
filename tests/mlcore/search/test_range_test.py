"""The learning-rate range test: on losses whose critical rate is known, and without a trace in the trainer."""

import copy
import json
import math
from collections.abc import Iterator
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
import pytest
import torch
from mlcore.cli import Options
from mlcore.errors import ConfigError
from mlcore.search import RangeTest, find_learning_rate, range_test
from mlcore.search.range_command import in_words
from mlcore.search.range_curve import ExplosionWatch
from mlcore.seeding import capture_rng_state
from mlcore.trainer import BaseTrainer, Callback, TrainingConfig
from torch import Tensor, nn
from torch.utils.data import DataLoader, TensorDataset


class Bowl(nn.Module):
    """The loss is curvature / 2 · |weights|²: gradient descent shrinks it below the rate 2 / curvature, not above."""

    def __init__(self, curvature: float, size: int = 3) -> None:
        super().__init__()
        self.curvature = curvature
        self.weights = nn.Parameter(torch.full((size,), 2.0, dtype=torch.float64))

    def forward(self, inputs: Tensor) -> Tensor:
        return 0.5 * self.curvature * (self.weights**2).sum() * torch.ones_like(inputs)


class Descent(BaseTrainer):
    def get_criterion(self) -> Any:
        return lambda outputs, targets: outputs.mean()


class Regression(BaseTrainer):
    def get_criterion(self) -> Any:
        return nn.MSELoss()


BATCHES = [(torch.zeros(2, dtype=torch.float64), torch.zeros(2))] * 7


@pytest.mark.parametrize("curvature", [0.04, 1.0, 250.0])
def test_the_largest_safe_rate_of_a_bowl_is_two_over_its_curvature(curvature: float) -> None:
    trainer = Descent(Bowl(curvature), TrainingConfig(optimizer="sgd", learning_rate=0.5), device="cpu")
    found = range_test(trainer, BATCHES, lowest=1e-4 / curvature, highest=1e3 / curvature, num_updates=300)
    critical = 2 / curvature
    assert found.largest_safe == pytest.approx(critical, rel=0.3)
    # The loss is exp(-2 · curvature · sum of the rates), and the sum grows as rate / log(growth): per decade it falls
    # fastest where 2 · curvature · rate = log(growth).
    growth = found.rates[1] / found.rates[0]
    assert found.steepest == pytest.approx(math.log(growth) / (2 * curvature), rel=0.15)
    assert found.ending == "exploded"
    assert found.found_the_limit
    assert critical < found.rates[-1] < 30 * critical, "it stops soon after"


def test_the_losses_are_those_of_gradient_descent_in_closed_form() -> None:
    trainer = Descent(Bowl(1.0), TrainingConfig(optimizer="sgd", learning_rate=0.5), device="cpu")
    found = range_test(trainer, BATCHES, lowest=1e-3, highest=1.0, num_updates=30)
    rates = np.geomspace(1e-3, 1.0, 30)[:-1]
    np.testing.assert_allclose(found.rates, rates)
    np.testing.assert_allclose(found.losses, 6.0 * np.cumprod((1 - rates) ** 2), rtol=1e-9)
    assert found.initial_loss == 6.0
    assert found.ending == "finished"


def test_clipping_and_groups_take_part_as_in_training() -> None:
    """With a norm clipped to 1 every update moves by the rate itself: |w| shrinks by the sum of the rates."""
    model = Bowl(1.0, size=1)
    config = TrainingConfig(optimizer="sgd", learning_rate=0.1, max_grad_norm=1.0)
    found = range_test(
        Descent(model, config, device="cpu"), BATCHES, lowest=1e-3, highest=0.05, num_updates=20
    )
    weights = 2.0 - np.cumsum(found.rates) / (1 + 1e-6)
    np.testing.assert_allclose(found.losses, 0.5 * weights**2, rtol=1e-5)


def test_a_loss_that_never_falls_gives_no_rate() -> None:
    found = range_test(
        Descent(Bowl(1.0), TrainingConfig(optimizer="sgd"), device="cpu"),
        BATCHES,
        lowest=2.1,
        highest=20,
        num_updates=30,
    )
    assert (found.learns, found.steepest, found.largest_safe) == (False, None, None)
    assert "the loss never fell" in in_words(found)


def test_noise_without_a_trend_is_not_taken_for_learning() -> None:
    losses = (1 + 0.3 * np.random.default_rng(0).standard_normal(200)).tolist()
    assert not RangeTest(np.geomspace(1e-6, 1, 200).tolist(), losses, 1.0, "finished").learns


def test_a_loss_that_still_falls_at_the_end_is_said_so() -> None:
    rates = np.geomspace(1e-6, 1e-3, 50).tolist()
    found = RangeTest(rates, np.linspace(2, 1, 50).tolist(), 2.0, "finished")
    assert not found.found_the_limit
    assert "look further with --highest" in in_words(found)
    assert "lies above that" in in_words(found, configured=0.1)


def test_numbers_that_are_not_finite_end_the_test() -> None:
    trainer = Descent(Bowl(1.0), TrainingConfig(optimizer="sgd"), device="cpu")
    found = range_test(trainer, BATCHES, lowest=1e-2, highest=1e300, num_updates=12)
    assert found.ending in ("exploded", "not finite")
    assert np.isfinite(found.smoothed).all()
    poisoned = [(torch.full((2,), math.nan, dtype=torch.float64), torch.zeros(2))]

    class Poisoned(Descent):
        def get_criterion(self) -> Any:
            return lambda outputs, targets: outputs.mean() * math.nan

    with pytest.raises(ConfigError, match="not finite at the lowest rate"):
        range_test(Poisoned(Bowl(1.0), TrainingConfig(), device="cpu"), poisoned)


@pytest.mark.parametrize("sign", [1.0, -1.0])
def test_the_watch_sees_an_explosion_above_and_below_zero(sign: float) -> None:
    watch = ExplosionWatch()
    assert not any(watch.exploded(sign * 10.0) for _ in range(100))
    assert any(watch.exploded(1e3) for _ in range(10))


def test_wrong_ranges_and_empty_data_are_refused() -> None:
    trainer = Descent(Bowl(1.0), TrainingConfig(), device="cpu")
    for lowest, highest in ((0.0, 1.0), (1.0, 0.1), (1.0, math.inf)):
        with pytest.raises(ConfigError, match="learning rates from"):
            range_test(trainer, BATCHES, lowest=lowest, highest=highest)
    with pytest.raises(ConfigError, match="at least 3 updates"):
        range_test(trainer, BATCHES, num_updates=2)
    with pytest.raises(ConfigError, match="no batches"):
        range_test(trainer, [])


class Network(nn.Module):
    """Everything that remembers: batch statistics, a buffer that is not saved, dropout."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.norm = nn.Linear(6, 8), nn.BatchNorm1d(8)
        self.last = nn.Linear(8, 1)
        self.register_buffer("calls", torch.zeros(()), persistent=False)

    def forward(self, inputs: Tensor) -> Tensor:
        self.calls += 1
        return self.last(nn.functional.dropout(self.norm(self.first(inputs)).relu(), 0.2, self.training))


class Counter(Callback):
    def __init__(self) -> None:
        self.steps = 0

    def on_step_end(self, trainer: BaseTrainer, result: Any) -> None:
        self.steps += 1


def regression(optimizer: str = "adamw") -> tuple[Regression, DataLoader, Counter]:
    torch.manual_seed(3)
    inputs = torch.randn(40, 6)
    loader = DataLoader(TensorDataset(inputs, inputs.sum(1, keepdim=True)), batch_size=4, shuffle=True)
    counter = Counter()
    config = TrainingConfig(
        optimizer=optimizer,  # type: ignore[arg-type]
        momentum=0.9 if optimizer == "sgd" else 0.0,
        epochs=2,
        learning_rate=0.01,
        weight_decay=0.1,
        decay_only_matrices=True,
        schedule="cosine",  # type: ignore[arg-type]
        ema_decay=0.9,
        accumulation_steps=2,
        max_grad_norm=1.0,
    )
    return Regression(Network(), config, device="cpu", callbacks=[counter]), loader, counter


def everything(trainer: Regression) -> dict[str, Any]:
    """All that a trainer holds, deeply copied."""
    assert trainer.ema is not None
    return copy.deepcopy(
        {
            "parameters": list(trainer.model.parameters()),
            "buffers": list(trainer.model.buffers()),
            "optimizer": trainer.updater.optimizer.state_dict(),
            "ema": trainer.ema.state_dict(),
            "rng": capture_rng_state(),
            "progress": trainer.progress.state_dict(),
            "guard": trainer.guard.state_dict(),
            "plan": trainer.plan.state_dict(),
            "gradients": [parameter.grad for parameter in trainer.model.parameters()],
            "training": trainer.model.training,
        }
    )


def assert_same(found: Any, expected: Any) -> None:
    """Bit for bit, through containers."""
    if isinstance(expected, Tensor):
        assert torch.equal(found, expected)
        assert found.dtype == expected.dtype
    elif isinstance(expected, dict):
        assert found.keys() == expected.keys()
        for key in expected:
            assert_same(found[key], expected[key])
    elif isinstance(expected, list | tuple):
        assert len(found) == len(expected)
        for one, other in zip(found, expected, strict=True):
            assert_same(one, other)
    else:
        assert found == expected


@pytest.mark.parametrize("optimizer", ["adamw", "sgd"])
@pytest.mark.parametrize("is_trained", [False, True])
def test_afterwards_the_trainer_is_bit_for_bit_as_it_was(optimizer: str, is_trained: bool) -> None:
    trainer, loader, counter = regression(optimizer)
    if is_trained:
        trainer.train(loader)
    steps_before = counter.steps
    before = everything(trainer)
    found = range_test(trainer, loader, num_updates=60)
    assert found.losses
    assert_same(everything(trainer), before)
    assert counter.steps == steps_before, "the run's own callbacks saw nothing of it"


def test_training_after_a_range_test_is_training_without_it() -> None:
    plain, loader, _ = regression()
    plain.train(loader)
    tested, loader, _ = regression()
    range_test(tested, loader, num_updates=40)
    tested.train(loader)
    assert_same(list(tested.model.parameters()), list(plain.model.parameters()))
    assert_same(tested.progress.history, plain.progress.history)


def test_a_range_test_that_breaks_down_leaves_no_trace_either() -> None:
    trainer, loader, _ = regression()
    before = everything(trainer)

    class Breaks:
        def __iter__(self) -> Iterator[Any]:
            yield from list(loader)[:3]
            raise OSError("the disk is gone")

    state = capture_rng_state()
    with pytest.raises(OSError, match="the disk is gone"):
        range_test(trainer, Breaks(), num_updates=40)
    assert_same(everything(trainer), before)
    assert_same(capture_rng_state(), state)


def test_an_optimizer_that_keeps_more_digits_than_its_parameters_gets_them_back() -> None:
    class Keeps32(torch.optim.SGD):
        def step(self, closure: Any = None) -> None:
            for parameter in self.param_groups[0]["params"]:
                master = self.state[parameter].setdefault("master", parameter.detach().float().clone())
                master -= self.param_groups[0]["lr"] * parameter.grad.float()
                parameter.data.copy_(master)

    torch.manual_seed(0)
    model = nn.Linear(4, 1).bfloat16()
    batches = [(torch.randn(3, 4).bfloat16(), torch.randn(3, 1).bfloat16())]
    optimizer = Keeps32(model.parameters(), lr=0.01)
    trainer = Regression(model, TrainingConfig(steps=3), device="cpu", optimizer=optimizer)
    trainer.train(batches)
    masters = [optimizer.state[parameter]["master"].clone() for parameter in model.parameters()]
    range_test(trainer, batches, num_updates=20)
    restored = [optimizer.state[parameter]["master"] for parameter in model.parameters()]
    assert [master.dtype for master in restored] == [torch.float32] * 2
    assert_same(restored, masters)


class TinyConfig:
    name = "tiny"

    def model_dump(self, mode: str) -> dict[str, str]:
        return {"name": self.name}


def test_the_command_leaves_curve_and_numbers_and_says_what_they_mean(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    extra = {"lowest": 1e-4, "highest": 100.0, "updates": 120, "output": None}
    options = Options(tmp_path, None, tmp_path / "runs", extra=MappingProxyType(extra))

    def make() -> tuple[BaseTrainer, Any]:
        training = TrainingConfig(optimizer="sgd", learning_rate=50.0)
        return Descent(Bowl(1.0), training, device="cpu"), BATCHES

    assert find_learning_rate(TinyConfig(), options, make) == 0
    folder = tmp_path / "runs" / "learning_rate" / "tiny"
    content = json.loads((folder / "learning_rate.json").read_text())
    assert content["largest_safe"] == pytest.approx(2, rel=0.3)
    assert content["config"] == {"name": "tiny"}
    assert len(content["rates"]) == len(content["losses"]) == len(content["smoothed"])
    assert (folder / "learning_rate.png").stat().st_size > 10_000
    output = capsys.readouterr().out
    assert "loss falls fastest at" in output
    assert "the configured rate, 5.00e+01, lies above that" in output
