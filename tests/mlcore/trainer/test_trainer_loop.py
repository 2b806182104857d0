"""The loop: the same for autograd and hand-written gradients, hooks in their order, means over items."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from mlcore.checkpoint import CheckpointManager
from mlcore.errors import ConfigError
from mlcore.trainer import (
    BaseTrainer,
    Callback,
    GradientResult,
    LanguageModelTrainer,
    SampleCallback,
    SilentLogger,
    TrainingConfig,
    weights_for_inference,
)
from mlcore.trainer.optimizers import build_optimizer
from mlcore.trainer.update import NoGradientError
from tiny_trainer_task import (
    Regression,
    SeededLoader,
    batches,
    make_trainer,
    samples,
    tiny_model,
    weights_hash,
)
from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn


class HandLinear(nn.Module):
    """y = x W^T + b with parameters that autograd does not know."""

    def __init__(self, weight: Tensor, bias: Tensor) -> None:
        super().__init__()
        self.weight = nn.Parameter(weight.clone(), requires_grad=False)
        self.bias = nn.Parameter(bias.clone(), requires_grad=False)

    def forward(self, inputs: Tensor) -> Tensor:
        return inputs @ self.weight.T + self.bias


class HandTrainer(Regression):
    """Differentiates mean squared error by hand; overrides nothing else of the trainer."""

    def compute_gradients(self, batch: tuple[Tensor, Tensor], scale: float) -> GradientResult:
        inputs, targets = batch
        error = self.model(inputs) - targets
        upstream = scale * 2 * error / error.numel()
        for parameter, gradient in (
            (self.model.weight, upstream.T @ inputs),
            (self.model.bias, upstream.sum(dim=0)),
        ):
            parameter.grad = gradient if parameter.grad is None else parameter.grad + gradient
        return GradientResult((error**2).mean(), len(inputs), {"absolute": error.abs().mean()})


def double_batches(size: int = 4) -> list[tuple[Tensor, Tensor]]:
    return [(inputs.double(), targets.double()) for inputs, targets in batches(30, size=size)]


class Recorder(SilentLogger):
    """Keeps what the trainer logs."""

    def __init__(self) -> None:
        super().__init__()
        self.steps: list[dict[str, Any]] = []
        self.epochs: list[dict[str, Any]] = []
        self.warnings: list[str] = []
        self.num_items: list[int] = []
        self.samples: list[Any] = []
        self.finished: tuple[str, Mapping[str, Any]] | None = None

    def log_step(self, step: int, metrics: Mapping[str, Any], num_items: int = 0) -> None:
        self.steps.append({"step": step, **metrics})
        self.num_items.append(num_items)

    def log_epoch(self, epoch: int, metrics: Mapping[str, Any], *, step: int) -> None:
        self.epochs.append({"epoch": epoch, "step": step, **metrics})

    def log_samples(self, step: int, samples: Any) -> None:
        self.samples.append((step, samples))

    def warn(self, text: str) -> None:
        self.warnings.append(text)

    def finish(self, status: str, summary: Mapping[str, Any]) -> None:
        self.finished = (status, summary)


@pytest.mark.parametrize("optimizer", ["sgd", "adamw"])
def test_gradients_by_hand_train_as_autograd_does_with_every_feature(optimizer: str, tmp_path: Path) -> None:
    torch.manual_seed(0)
    reference = nn.Linear(6, 1).double()
    config = TrainingConfig(
        epochs=4,
        optimizer=optimizer,
        learning_rate=0.05,
        accumulation_steps=3,
        max_grad_norm=0.5,
        ema_decay=0.7,
        weight_decay=0.01,
        schedule={"type": "cosine", "warmup_steps": 3},
        early_stopping=True,
        log_every=1,
    )
    hand = HandTrainer(
        HandLinear(reference.weight.detach(), reference.bias.detach()),
        config,
        device="cpu",
        logger=Recorder(),
    )
    auto = Regression(reference, config, device="cpu", logger=Recorder())
    for trainer in (hand, auto):
        data = double_batches()
        data[4] = (data[4][0] * float("nan"), data[4][1])
        trainer.train(data, double_batches())
    assert hand.guard.counts == auto.guard.counts == {"ok": 8, "nan_detected": 4, "nan_gradient": 0}
    for mine, other in zip(hand.logger.steps, auto.logger.steps, strict=True):
        assert mine.pop("status") == other.pop("status") == "ok"
        assert mine == pytest.approx(other, rel=1e-12)
    assert max(record["grad_norm"] for record in hand.logger.steps) > 0.5, "clipping was at work"
    for name in ("weight", "bias"):
        for model, twin in ((hand.model, auto.model), (hand.ema.model, auto.ema.model)):
            torch.testing.assert_close(
                getattr(model, name).detach(), getattr(twin, name).detach(), rtol=1e-12, atol=1e-12
            )
    for mine, other in zip(hand.progress.history, auto.progress.history, strict=True):
        assert mine["val"] == pytest.approx(other["val"], rel=1e-12)


def test_gradients_by_hand_resume_bit_for_bit(tmp_path: Path) -> None:
    torch.manual_seed(0)
    start = nn.Linear(6, 1).double()

    def trainer(folder: str, epochs: int) -> HandTrainer:
        return HandTrainer(
            HandLinear(start.weight.detach(), start.bias.detach()),
            TrainingConfig(epochs=epochs, ema_decay=0.5, accumulation_steps=2),
            device="cpu",
            checkpoints=CheckpointManager(tmp_path / folder),
        )

    whole = trainer("whole", 4)
    whole.train(double_batches())
    trainer("parts", 2).train(double_batches())
    second = trainer("parts", 4)
    second.resume(CheckpointManager(tmp_path / "parts").load().state)
    second.train(double_batches())
    assert weights_hash(second.model.state_dict()) == weights_hash(whole.model.state_dict())
    assert second.progress == whole.progress


class HookLog(Callback):
    """Writes down the hooks as they come."""

    def __init__(self) -> None:
        self.calls: list[str] = []

    def on_train_start(self, trainer: BaseTrainer) -> None:
        self.calls.append("train_start")

    def on_epoch_start(self, trainer: BaseTrainer) -> None:
        self.calls.append("epoch_start")

    def on_step_end(self, trainer: BaseTrainer, result: Any) -> None:
        self.calls.append("step_end")

    def on_validation_end(self, trainer: BaseTrainer, metrics: Any) -> None:
        self.calls.append("validation_end")

    def on_epoch_end(self, trainer: BaseTrainer, metrics: Any) -> None:
        self.calls.append("epoch_end")

    def on_train_end(self, trainer: BaseTrainer, result: Any) -> None:
        self.calls.append("train_end")


def test_the_hooks_come_in_the_order_of_the_pseudocode() -> None:
    hooks = HookLog()
    data = batches(12)
    trainer = Regression(tiny_model(), TrainingConfig(epochs=2), device="cpu", callbacks=[hooks])
    trainer.train(data, data)
    epoch = ["epoch_start", "step_end", "step_end", "step_end", "validation_end", "epoch_end"]
    assert hooks.calls == ["train_start", *epoch, *epoch, "train_end"]
    named = re.findall(r"on_(\w+)\(trainer", Callback.__doc__ or "")
    assert list(dict.fromkeys(named)) == [
        "train_start",
        "epoch_start",
        "step_end",
        "validation_end",
        "epoch_end",
        "train_end",
    ]


def test_mid_epoch_evaluations_come_after_their_step() -> None:
    hooks = HookLog()
    config = TrainingConfig(steps=4, eval_every=2)
    Regression(tiny_model(), config, device="cpu", callbacks=[hooks]).train(batches(12), batches(4))
    first = ["epoch_start", "step_end", "step_end", "validation_end", "step_end", "epoch_end"]
    assert hooks.calls == ["train_start", *first, "epoch_start", "step_end", "validation_end", "train_end"]


def test_a_callback_can_end_the_run() -> None:
    class EnoughAfterThree(Callback):
        def on_step_end(self, trainer: BaseTrainer, result: Any) -> None:
            if trainer.progress.step == 3:
                trainer.request_stop("three are enough")

    trainer = Regression(tiny_model(), TrainingConfig(epochs=9), device="cpu", callbacks=[EnoughAfterThree()])
    result = trainer.train(batches())
    assert (result.status, result.step, result.reason) == ("early_stopped", 3, "three are enough")


def test_train_logs_train_and_val_of_every_epoch() -> None:
    logger = Recorder()
    trainer = Regression(tiny_model(), TrainingConfig(epochs=2, log_every=3), device="cpu", logger=logger)
    result = trainer.train(batches(), batches(8))
    assert [set(record["train"]) for record in logger.epochs] == [{"loss", "absolute"}] * 2
    assert [set(record["val"]) for record in logger.epochs] == [{"loss", "absolute"}] * 2
    assert [record["epoch"] for record in logger.epochs] == [1, 2]
    assert [record["step"] for record in logger.steps] == [3, 6, 9, 12, 15]
    assert logger.num_items == [12] * 5
    assert logger.finished is not None
    assert logger.finished[0] == result.status == "completed"
    assert result.best_metric == min(entry["val"]["loss"] for entry in result.history)


def test_epochs_run_alone_and_loaders_can_be_switched_within_a_session() -> None:
    class MockLoader:
        """Nothing but an iterator."""

        def __iter__(self) -> Any:
            return iter(batches(8))

    trainer = Regression(tiny_model(), TrainingConfig(steps=100), device="cpu")
    assert set(trainer.train_epoch(MockLoader())) == {"loss", "absolute"}
    assert set(trainer.validate_epoch(MockLoader())) == {"loss", "absolute"}
    trainer.train_epoch(batches(16))
    assert (trainer.progress.epoch, trainer.progress.step, trainer.progress.position) == (2, 6, 0)


@settings(max_examples=100, deadline=None)
@given(st.lists(st.integers(1, 7), min_size=1, max_size=8), st.data())
def test_validation_does_not_depend_on_batching(sizes: list[int], data: Any) -> None:
    total = sum(sizes)
    inputs, targets = samples(total, seed=total)
    order = data.draw(st.permutations(range(len(sizes))))
    parts = list(zip(inputs.split(sizes), targets.split(sizes), strict=True))
    trainer = VALIDATOR
    whole = trainer.validate_epoch([(inputs, targets)])
    split = trainer.validate_epoch([parts[index] for index in order])
    assert split == pytest.approx(whole, rel=1e-6)
    torch.testing.assert_close(
        whole["loss"], float(nn.functional.mse_loss(trainer.inference(inputs), targets))
    )


VALIDATOR = Regression(tiny_model(), TrainingConfig(), device="cpu")


def test_evaluation_leaves_model_and_generators_as_they_were() -> None:
    trainer = Regression(tiny_model(), TrainingConfig(), device="cpu")
    trainer.model.train()
    before, state = weights_hash(trainer.model.state_dict()), torch.get_rng_state()

    class DrawingLoader:
        def __iter__(self) -> Any:
            torch.rand(3)
            return iter(batches(8))

    trainer.validate_epoch(DrawingLoader())
    assert trainer.model.training
    assert weights_hash(trainer.model.state_dict()) == before
    assert torch.equal(torch.get_rng_state(), state)


@pytest.mark.parametrize("form", ["tuple", "list", "dict"])
def test_several_losses_are_added_and_shown(form: str) -> None:
    class Several(Regression):
        def get_criterion(self) -> Any:
            parts = {"square": nn.MSELoss(), "absolute": nn.L1Loss()}
            return {"tuple": tuple(parts.values()), "list": list(parts.values()), "dict": parts}[form]

        def compute_metrics(self, outputs: Tensor, batch: Any) -> dict[str, Tensor]:
            return {}

    trainer = Several(tiny_model(), TrainingConfig(), device="cpu")
    inputs, targets = samples(8)
    metrics = trainer.validate_epoch([(inputs, targets)])
    outputs = trainer.inference(inputs)
    parts = [float(nn.functional.mse_loss(outputs, targets)), float(nn.functional.l1_loss(outputs, targets))]
    assert metrics["loss"] == pytest.approx(sum(parts), rel=1e-6)
    assert [metrics[name] for name in metrics if name != "loss"] == pytest.approx(parts, rel=1e-6)


def test_named_losses_find_their_own_outputs() -> None:
    class TwoHeads(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.heads = nn.ModuleDict({"near": nn.Linear(6, 1), "far": nn.Linear(6, 1)})

        def forward(self, inputs: Tensor) -> dict[str, Tensor]:
            return {name: head(inputs) for name, head in self.heads.items()}

    class MultiTask(BaseTrainer):
        def get_criterion(self) -> Any:
            return {"near": nn.MSELoss(), "far": nn.L1Loss()}

    inputs, targets = samples(16)
    trainer = MultiTask(TwoHeads(), TrainingConfig(epochs=60, learning_rate=0.1), device="cpu")
    data = [(inputs, {"near": targets, "far": -targets})]
    before = trainer.validate_epoch(data)
    trainer.train(data)
    after = trainer.validate_epoch(data)
    assert after["loss_near"] < 0.1 * before["loss_near"]
    assert after["loss_far"] < 0.5 * before["loss_far"]


def test_the_average_is_that_of_torch_and_is_what_is_validated() -> None:
    class Follow(Callback):
        """torch's own averaged model, updated beside the trainer's."""

        def on_train_start(self, trainer: BaseTrainer) -> None:
            self.oracle = AveragedModel(trainer.model, multi_avg_fn=get_ema_multi_avg_fn(0.9))

        def on_step_end(self, trainer: BaseTrainer, result: Any) -> None:
            self.oracle.update_parameters(trainer.model)

    follow = Follow()
    config = TrainingConfig(epochs=2, ema_decay=0.9, learning_rate=0.05)
    trainer = Regression(tiny_model(), config, device="cpu", callbacks=[follow])
    result = trainer.train(batches(), batches(12))
    assert trainer.ema is not None
    assert weights_hash(trainer.ema.model.state_dict()) == weights_hash(follow.oracle.module.state_dict())
    assert weights_hash(trainer.model.state_dict()) != weights_hash(trainer.ema.model.state_dict())
    plain = Regression(follow.oracle.module, TrainingConfig(), device="cpu")
    assert result.history[-1]["val"] == pytest.approx(plain.validate_epoch(batches(12)), rel=1e-6)


def test_the_weights_for_inference_are_those_that_were_validated(tmp_path: Path) -> None:
    for decay in (None, 0.9):
        folder = tmp_path / str(decay)
        trainer = make_trainer(folder, TrainingConfig(epochs=1, ema_decay=decay))
        trainer.train(batches(), batches(8))
        state = torch.load(folder / "checkpoints" / "best.pt", weights_only=True)
        expected = trainer.model if trainer.ema is None else trainer.ema.model
        assert weights_hash(weights_for_inference(state)) == weights_hash(expected.state_dict())


def test_samples_are_shown_on_time_and_do_not_change_the_run() -> None:
    hashes = []
    for every in (None, 3):
        logger = Recorder()
        show = SampleCallback(lambda trainer: [{"text": f"{torch.rand(1).item()}"}], every)
        callbacks = [] if every is None else [show]
        trainer = Regression(
            tiny_model(), TrainingConfig(epochs=1), device="cpu", logger=logger, callbacks=callbacks
        )
        trainer.train(batches())
        hashes.append(weights_hash(trainer.model.state_dict()))
    assert hashes[0] == hashes[1]
    assert [step for step, _ in logger.samples] == [3, 6, 8]


@pytest.mark.parametrize(
    ("keys", "steps", "epochs"),
    [
        ({}, 8, 1),
        ({"epochs": 2}, 16, 2),
        ({"steps": 5}, 5, 0),
        ({"steps": 8}, 8, 1),
        ({"steps": 19}, 19, 2),
        ({"steps": 19, "epochs": 1}, 8, 1),
        ({"epochs": 2, "accumulation_steps": 3}, 6, 2),
    ],
)
def test_a_run_is_as_long_as_it_says(keys: dict[str, Any], steps: int, epochs: int) -> None:
    result = Regression(tiny_model(), TrainingConfig(**keys), device="cpu").train(batches(), batches(4))
    assert (result.step, result.epoch) == (steps, epochs)
    assert result.history[-1]["step"] == steps, "the end is always evaluated"


def test_a_time_budget_ends_the_run_cleanly() -> None:
    seconds = iter(range(0, 10_000, 10))
    trainer = Regression(tiny_model(), TrainingConfig(epochs=100, max_minutes=1), device="cpu")
    original = trainer._begin

    def begin(loader: Any) -> None:
        assert trainer.session is not None
        trainer.session.conditions._clock = lambda: next(seconds)
        trainer.session.conditions._began_at = 0
        original(loader)

    trainer._begin = begin  # type: ignore[method-assign]
    result = trainer.train(batches())
    assert result.status == "completed"
    assert "1 minutes" in result.reason
    assert 0 < result.step < 8


def test_early_stopping_ends_the_run_with_its_reason() -> None:
    config = TrainingConfig(epochs=50, learning_rate=1e-9, early_stopping={"patience": 3, "min_delta": 0.001})
    result = Regression(tiny_model(), config, device="cpu").train(batches(), batches(8))
    assert (result.status, result.epoch) == ("early_stopped", 4)
    assert "3 evaluations" in result.reason


def test_mistakes_are_named() -> None:
    def trainer(**keys: Any) -> Regression:
        return Regression(tiny_model(), TrainingConfig(epochs=1, **keys), device="cpu")

    with pytest.raises(ConfigError, match="did you mean 'val_absolute'"):
        trainer(monitor="val_absolut").train(batches(), batches(8))
    with pytest.raises(ConfigError, match="no validation data"):
        trainer(early_stopping=True).train(batches())
    with pytest.raises(ConfigError, match="no batches"):
        trainer().train([])
    with pytest.raises(ConfigError, match=r"training\.steps"):
        trainer(schedule="cosine").train(iter(batches()))

    class Forgetful(Regression):
        def compute_gradients(self, batch: Any, scale: float) -> GradientResult:
            return GradientResult(1.0)

    with pytest.raises(NoGradientError, match="no parameter received a gradient"):
        Forgetful(tiny_model(), TrainingConfig(), device="cpu").train(batches())

    class Miscounting(Regression):
        def compute_gradients(self, batch: Any, scale: float) -> GradientResult:
            return GradientResult(1.0, num_items=3)

    with pytest.raises(ValueError, match="counted 3 items in a batch, count_items 4"):
        Miscounting(tiny_model(), TrainingConfig(), device="cpu").train(batches())


def test_frozen_parameters_stay_and_decay_can_spare_vectors() -> None:
    model = tiny_model()
    model[0].requires_grad_(False)
    frozen = model[0].weight.clone()
    config = TrainingConfig(epochs=1, weight_decay=0.1, decay_only_matrices=True)
    trainer = Regression(model, config, device="cpu")
    trainer.train(batches())
    assert torch.equal(model[0].weight, frozen)
    decays = {
        group["weight_decay"]: [p.ndim for p in group["params"]]
        for group in trainer.updater.optimizer.param_groups
    }
    assert set(decays[0.1]) == {2}
    assert set(decays[0.0]) == {1}


@pytest.mark.parametrize("name", ["adamw", "adam", "sgd"])
def test_optimizers_are_those_of_torch(name: str) -> None:
    keys = {"momentum": 0.9, "nesterov": True} if name == "sgd" else {"betas": (0.8, 0.9), "epsilon": 1e-6}
    config = TrainingConfig(optimizer=name, learning_rate=0.01, weight_decay=0.1, **keys)
    mine, other = tiny_model(), tiny_model()
    options = {"lr": 0.01, "weight_decay": 0.1}
    if name == "sgd":
        oracle: torch.optim.Optimizer = torch.optim.SGD(
            other.parameters(), momentum=0.9, nesterov=True, **options
        )
    else:
        kind = {"adam": torch.optim.Adam, "adamw": torch.optim.AdamW}[name]
        oracle = kind(other.parameters(), betas=(0.8, 0.9), eps=1e-6, foreach=False, **options)
    built = build_optimizer(mine, config)
    for model, optimizer in ((mine, built), (other, oracle)):
        model.eval()
        for inputs, targets in batches():
            optimizer.zero_grad()
            nn.functional.mse_loss(model(inputs), targets).backward()
            optimizer.step()
    for one, two in zip(mine.parameters(), other.parameters(), strict=True):
        torch.testing.assert_close(one, two, rtol=1e-5, atol=1e-6)


def test_language_models_ignore_padding_and_smooth_only_in_training() -> None:
    torch.manual_seed(0)
    model = nn.Sequential(nn.Embedding(11, 8), nn.Linear(8, 11))
    trainer = LanguageModelTrainer(model, TrainingConfig(label_smoothing=0.1), device="cpu")
    tokens = torch.randint(11, (4, 6))
    targets = torch.randint(11, (4, 6))
    targets[1, 2:] = -100
    batch = (tokens, targets)
    assert trainer.count_items(batch) == 20
    logits = trainer.inference(tokens)
    plain = nn.functional.cross_entropy(logits.flatten(0, 1), targets.flatten())
    assert trainer.validate_epoch([batch])["loss"] == pytest.approx(float(plain), rel=1e-6)
    smooth = nn.functional.cross_entropy(logits.flatten(0, 1), targets.flatten(), label_smoothing=0.1)
    assert float(trainer.compute_gradients(batch, 1.0).loss) == pytest.approx(float(smooth), rel=1e-6)


def test_a_stateful_loader_is_told_each_epoch() -> None:
    loader = SeededLoader(batches())
    Regression(tiny_model(), TrainingConfig(epochs=3), device="cpu").train(loader)
    assert loader.epoch == 2
