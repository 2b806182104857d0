"""The battery as a whole: healthy subjects of many kinds pass, nothing else is disturbed, time is kept."""

from __future__ import annotations

import dataclasses
import itertools
import json
import random
from collections.abc import Iterator
from io import StringIO
from pathlib import Path
from typing import Any

import mlcore.sanity
import numpy as np
import pytest
import torch
from digits_subject import (
    TRAINING,
    Batches,
    changed,
    convolutional_model,
    digits_model,
    digits_subject,
    make_trainer,
    normalise,
    splits,
    without_dropout,
)
from mlcore.errors import InterruptedRun, UserError
from mlcore.sanity import SanityError, SanitySubject, plain_training, run_battery
from mlcore.sanity.battery import CHECKS
from mlcore.sanity.bench import Bench
from mlcore.sanity.effort import EFFORTS
from mlcore.sanity.fitting import fit, fits
from mlcore.sanity.tensor_batches import TensorBatches, draw_examples
from mlcore.seeding import capture_rng_state
from mlcore.trainer import ClassificationTrainer
from mlcore.trainer.results import GradientResult
from rich.console import Console
from torch import Tensor, nn

NAMES = [check.name for check in CHECKS]
DATA_CHECKS = ["labels", "inputs", "leakage"]


def statuses(subject: SanitySubject, **options: Any) -> dict[str, str]:
    report = run_battery(subject, **options)
    return {result.name: f"{result.status} {result.advice}".strip() for result in report.results}


def test_a_healthy_subject_passes_everything() -> None:
    assert statuses(digits_subject(model=without_dropout)) == dict.fromkeys(NAMES, "passed")


def test_a_healthy_convolutional_network_passes_the_preflight() -> None:
    report = run_battery(digits_subject(model=convolutional_model), level="preflight")
    assert [result for result in report.results if result.status != "passed"] == []


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_a_healthy_subject_passes_the_preflight_whatever_the_seed(seed: int) -> None:
    quick = [check.name for check in CHECKS if check.in_preflight]
    assert statuses(digits_subject(), level="preflight", seed=seed) == dict.fromkeys(quick, "passed")
    assert set(NAMES) - set(quick) == {"overfit", "random_labels"}


# Subjects of other kinds


def test_a_subject_without_validation_data_is_judged_on_a_part_of_its_training_data() -> None:
    subject = digits_subject(make_validation_loader=None)
    assert statuses(subject, level="preflight") == dict.fromkeys(
        [check.name for check in CHECKS if check.in_preflight], "passed"
    )
    bench = Bench(subject, EFFORTS["full"])
    assert len(bench.held_out[1]) == 275
    assert torch.equal(torch.cat([bench.held_out[0], bench.fitting[0]]), bench.training[0])


def test_two_classes_will_do() -> None:
    def model(seed: int) -> nn.Module:
        torch.manual_seed(seed)
        return nn.Sequential(nn.Flatten(), nn.Linear(64, 32), nn.ReLU(), nn.Linear(32, 2))

    two = {name: (images, (labels > 4).long()) for name, (images, labels) in splits().items()}
    subject = digits_subject(
        model=model, train=two["train"], validation=two["validation"], num_classes=2, classes=["low", "high"]
    )
    assert statuses(subject) == dict.fromkeys(NAMES, "passed")


class HandWritten(nn.Module):
    """A linear model without autograd."""

    def __init__(self, seed: int) -> None:
        super().__init__()
        torch.manual_seed(seed)
        self.weight = nn.Parameter(0.1 * torch.randn(10, 64), requires_grad=False)
        self.bias = nn.Parameter(torch.zeros(10), requires_grad=False)

    @torch.no_grad()
    def forward(self, images: Tensor) -> Tensor:
        return images.flatten(1) @ self.weight.T + self.bias


class HandWrittenTrainer(ClassificationTrainer):
    @torch.no_grad()
    def compute_gradients(self, batch: tuple[Tensor, Tensor], scale: float) -> GradientResult:
        logits = self.model(batch[0])
        error = scale * (logits.softmax(1) - nn.functional.one_hot(batch[1], 10)) / len(logits)
        for parameter, gradient in (
            (self.model.weight, error.T @ batch[0].flatten(1)),
            (self.model.bias, error.sum(0)),
        ):
            parameter.grad = gradient if parameter.grad is None else parameter.grad + gradient
        return GradientResult(nn.functional.cross_entropy(logits, batch[1]))


def test_a_model_that_differentiates_itself_passes_and_only_autograds_question_is_left_out() -> None:
    def trainer(model: nn.Module, *, steps: int, learning_rate: float | None, seed: int) -> Any:
        config = plain_training(TRAINING, steps=steps, learning_rate=learning_rate)
        return HandWrittenTrainer(model, config, device="cpu", seed=seed)

    report = run_battery(digits_subject(model=HandWritten, make_trainer=trainer), level="preflight")
    assert [result for result in report.results if result.status != "passed"] == []
    assert report["batch_independence"].details["gradient"] is None


def test_sequences_of_tokens_will_do_and_have_no_scale() -> None:
    generator = torch.Generator().manual_seed(4)

    def sequences(number: int) -> tuple[Tensor, Tensor]:
        """Class k prefers the tokens k, k + 3, k + 6, …"""
        labels = torch.randint(3, (number,), generator=generator)
        tokens = 3 * torch.randint(10, (number, 12), generator=generator) + labels[:, None]
        noise = torch.randint(30, (number, 12), generator=generator)
        return torch.where(torch.rand(number, 12, generator=generator) < 0.4, tokens, noise), labels

    class Bag(nn.Module):
        def __init__(self, seed: int) -> None:
            super().__init__()
            torch.manual_seed(seed)
            self.embedding, self.head = nn.Embedding(30, 16), nn.Linear(16, 3)

        def forward(self, tokens: Tensor) -> dict[str, Tensor]:
            return {"logits": self.head(self.embedding(tokens).mean(1))}

    data = {name: sequences(number) for name, number in (("train", 1000), ("validation", 400))}
    subject = SanitySubject(
        num_classes=3,
        make_model=Bag,
        make_trainer=make_trainer,
        make_train_loader=lambda: Batches(data["train"]),
        make_validation_loader=lambda: Batches(data["validation"], shuffle=False),
    )
    found = statuses(subject, level="preflight")
    assert found.pop("inputs") == "skipped"
    assert set(found.values()) == {"passed"}


# Nothing else is disturbed


def test_the_battery_leaves_every_generator_and_setting_as_it_was() -> None:
    def state() -> list[Any]:
        captured = capture_rng_state()
        return [captured["python"][1].tolist(), captured["numpy"][0].tolist(), captured["torch"].tolist()]

    torch.manual_seed(12)
    random.seed(12)
    np.random.seed(12)
    before = state()
    torch.use_deterministic_algorithms(True)
    try:
        with torch.no_grad():
            report = run_battery(digits_subject(), level="preflight")
            assert not torch.is_grad_enabled()
        assert torch.are_deterministic_algorithms_enabled()
    finally:
        torch.use_deterministic_algorithms(False)
    assert state() == before
    assert report.exit_code == 0


def test_a_training_after_the_preflight_is_the_training_without_it() -> None:
    def train(preflight: bool) -> list[Tensor]:
        torch.manual_seed(5)
        model = digits_model(torch.initial_seed())
        if preflight:
            run_battery(digits_subject(), level="preflight", only=["gradients", "single_batch"])
        trainer = make_trainer(model, steps=8, learning_rate=None, seed=7)
        images, labels = splits()["train"]
        trainer.train(Batches((normalise(images), labels)))
        return list(trainer.model.parameters())

    assert all(torch.equal(one, other) for one, other in zip(train(True), train(False), strict=True))


def test_the_plain_configuration_keeps_the_optimizer_and_drops_what_blurs() -> None:
    training = TRAINING.model_copy(update={"max_grad_norm": 1.0, "optimizer": "sgd", "momentum": 0.9})
    plain = plain_training(training, steps=7)
    assert (plain.steps, plain.epochs, plain.schedule.type) == (7, None, "constant")
    assert (plain.optimizer, plain.momentum, plain.learning_rate, plain.max_grad_norm) == (
        "sgd",
        0.9,
        0.005,
        1.0,
    )
    assert (plain.label_smoothing, plain.weight_decay, plain.ema_decay, plain.early_stopping) == (
        0,
        0,
        None,
        None,
    )
    assert plain_training(training, steps=7, learning_rate=0.5).learning_rate == 0.5
    assert type(plain)(**plain.model_dump()) == plain


# Time


class Clock:
    """Goes on by ``tick`` seconds at every look."""

    def __init__(self, tick: float) -> None:
        self._times = itertools.count()
        self.tick = tick

    def __call__(self) -> float:
        return self.tick * next(self._times)


@pytest.mark.parametrize("tick", [0.05, 0.5, 5.0])
def test_too_little_time_skips_checks_and_fails_none(monkeypatch: pytest.MonkeyPatch, tick: float) -> None:
    monkeypatch.setattr(Bench.__init__, "__kwdefaults__", {"seed": 0, "clock": Clock(tick)})
    report = run_battery(digits_subject(), time_limit_s=3.0)
    assert report.failed == ()
    assert any("time" in result.measured for result in report.results if result.status == "skipped")
    assert report.exit_code == 0


def test_without_a_limit_no_time_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Bench.__init__, "__kwdefaults__", {"seed": 0, "clock": Clock(1e6)})
    report = run_battery(digits_subject(), only=["gradients", "single_batch"])
    assert [result.status for result in report.results] == ["passed", "passed"]


def test_a_relabelling_that_shows_before_the_time_is_up_is_a_failure_all_the_same() -> None:
    images, labels = splits()["train"]
    bench = Bench(digits_subject(train=(images, (labels + 1) % 10)), EFFORTS["preflight"], clock=Clock(1.0))
    bench.deadline = 60.0
    finding = next(check for check in CHECKS if check.name == "learnable_relation").run(bench)
    assert "true class + 1" in finding.problems[0]


def test_a_fit_that_runs_out_of_time_is_the_last() -> None:
    bench = Bench(digits_subject(), EFFORTS["preflight"], clock=Clock(1.0))
    bench.deadline = 5.0
    attempts = list(fits(bench, bench.fitting, steps=50, goal=lambda trainer: False))
    assert [attempt.end for attempt in attempts] == ["out of time"]
    assert attempts[0].steps < 10


def test_a_fit_that_diverges_is_reported_as_such() -> None:
    model = changed(outputs=lambda x: x / 0)
    bench = Bench(digits_subject(model=model), EFFORTS["preflight"])
    assert fit(bench, bench.fitting, steps=60).end == "diverged"


# Breakdowns


def test_a_check_that_breaks_down_fails_and_the_others_still_run() -> None:
    class Broken(nn.Module):
        def __init__(self, seed: int) -> None:
            super().__init__()
            self.linear = nn.Linear(63, 10)

        def forward(self, images: Tensor) -> Tensor:
            return self.linear(images.flatten(1))

    report = run_battery(digits_subject(model=Broken), level="preflight")
    assert [report[name].status for name in DATA_CHECKS] == ["passed"] * 3
    assert report["gradients"].status == "failed"
    assert report["gradients"].advice.startswith("RuntimeError: ")


def test_a_loader_without_batches_fails_and_says_so() -> None:
    report = run_battery(digits_subject(make_train_loader=lambda: []), only=["labels"])
    assert "no batches" in report["labels"].advice


def test_a_signal_ends_the_battery() -> None:
    def interrupted(*args: Any, **options: Any) -> Any:
        raise InterruptedRun("stopped by Ctrl-C", 130)

    with pytest.raises(InterruptedRun):
        run_battery(digits_subject(make_trainer=interrupted))


def test_one_of_several_processes_makes_no_checks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WORLD_SIZE", "2")
    report = run_battery(digits_subject(), level="preflight")
    assert {result.status for result in report.results} == {"skipped"}
    assert "one process" in report.results[0].measured


def test_an_unknown_check_is_refused_with_the_nearest_name() -> None:
    with pytest.raises(ValueError, match="did you mean 'overfit'"):
        run_battery(digits_subject(), only=["over_fit"])


# Reports


@pytest.fixture(scope="module")
def failed_report() -> Any:
    images, labels = splits()["train"]
    subject = digits_subject(train=(images, (labels + 1) % 10))
    return run_battery(subject, level="preflight", only=["leakage", "gradients", "learnable_relation"])


def test_a_failure_becomes_one_line_that_says_what_where_and_how_to_go_on(failed_report: Any) -> None:
    assert failed_report.exit_code == 1
    with pytest.raises(SanityError) as caught:
        failed_report.raise_for_failures()
    message = str(caught.value)
    assert isinstance(caught.value, UserError)
    assert caught.value.exit_code == 1
    assert "\n" not in message
    for part in ("learnable_relation", "true class + 1", "measured: ", "expected: ", "--no-preflight"):
        assert part in message


def test_other_failures_are_listed_and_the_full_battery_names_no_flag_of_train() -> None:
    report = run_battery(
        digits_subject(model=changed(outputs=lambda x: x / 0)), only=["initial_outputs", "gradients"]
    )
    with pytest.raises(SanityError) as caught:
        report.raise_for_failures()
    assert "also failed: gradients" in str(caught.value)
    assert "--no-preflight" not in str(caught.value)


def test_a_report_without_failures_raises_nothing() -> None:
    report = run_battery(digits_subject(), only=DATA_CHECKS)
    report.raise_for_failures()
    assert report.exit_code == 0
    assert report.verdict.startswith("3 checks passed in ")


def test_the_file_holds_the_report_as_json(failed_report: Any, tmp_path: Path) -> None:
    failed_report.write(tmp_path / "sanity.json")
    content = json.loads((tmp_path / "sanity.json").read_text())
    assert content["passed"] is False
    assert content["level"] == "preflight"
    assert [check["name"] for check in content["checks"]] == ["leakage", "gradients", "learnable_relation"]
    relation = content["checks"][2]
    assert relation["status"] == "failed"
    assert np.array(relation["details"]["confusion"]).sum() == 350
    assert set(relation) == {"name", "status", "measured", "expected", "advice", "seconds", "details"}


def test_the_table_shows_every_check_and_the_advice(failed_report: Any) -> None:
    page = StringIO()
    failed_report.print(Console(file=page, width=200))
    text = page.getvalue()
    for part in ("leakage", "gradients", "passed", "failed", "true class + 1", "1 of 3 checks failed"):
        assert part in text


def test_results_are_told_as_they_come_and_found_by_name() -> None:
    told: list[str] = []
    report = run_battery(
        digits_subject(), only=DATA_CHECKS, on_result=lambda result: told.append(result.name)
    )
    assert told == DATA_CHECKS
    assert report["labels"].name == "labels"
    with pytest.raises(KeyError, match="no check 'overfit'"):
        report["overfit"]


def test_results_are_frozen_and_unknown_names_of_the_package_are_refused() -> None:
    report = run_battery(digits_subject(), only=["labels"])
    with pytest.raises(dataclasses.FrozenInstanceError):
        report["labels"].status = "failed"
    assert set(mlcore.sanity.__all__) <= set(dir(mlcore.sanity))
    with pytest.raises(AttributeError):
        mlcore.sanity.nothing  # noqa: B018


# Loaders of the checks


def test_batches_hold_every_example_once_in_an_order_of_their_own_each_epoch() -> None:
    labels = torch.arange(50)
    loader = TensorBatches((labels.float()[:, None], labels), 16, seed=1)
    epochs = []
    for epoch in range(2):
        loader.set_epoch(epoch)
        batches = list(loader)
        assert [len(batch[1]) for batch in batches] == [16, 16, 16, 2]
        assert len(batches) == len(loader)
        assert all(torch.equal(inputs[:, 0].long(), own) for inputs, own in batches)
        epochs.append(torch.cat([own for _, own in batches]).tolist())
    assert sorted(epochs[0]) == sorted(epochs[1]) == labels.tolist()
    assert epochs[0] != epochs[1]
    loader.set_epoch(0)
    assert torch.cat([own for _, own in loader]).tolist() == epochs[0]


def test_a_last_batch_of_one_example_is_left_out() -> None:
    labels = torch.arange(33)
    loader = TensorBatches((labels.float()[:, None], labels), 16)
    assert [len(own) for _, own in loader] == [16, 16]
    assert len(loader) == 2


class Numbered:
    """Batches of ten examples that are numbered."""

    def __init__(self, num_batches: int) -> None:
        self.num_batches, self.num_given = num_batches, 0

    def __len__(self) -> int:
        return self.num_batches

    def __iter__(self) -> Iterator[tuple[Tensor, Tensor]]:
        for index in range(self.num_batches):
            self.num_given += 1
            numbers = 10 * index + torch.arange(10)
            yield numbers.float(), numbers


def test_training_examples_are_the_first_that_come_and_no_more_batches_are_asked_for() -> None:
    loader = Numbered(100)
    assert draw_examples(loader, 25, spread=False)[1].tolist() == list(range(25))
    assert loader.num_given == 3


def test_evaluation_examples_come_from_all_over_the_split() -> None:
    _, labels = draw_examples(Numbered(100), 50, spread=True)
    assert labels[::10].tolist() == [0, 200, 400, 600, 800]
    assert draw_examples(Numbered(3), 500, spread=True)[1].tolist() == list(range(30))
