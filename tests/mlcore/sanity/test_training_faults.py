"""Faults planted in the trainer and in what must follow from the seed."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from digits_subject import (
    Batches,
    changed,
    digits_model,
    digits_subject,
    examine,
    make_trainer,
    normalise,
    splits,
    without_dropout,
)
from mlcore.trainer import ClassificationTrainer
from torch import Tensor, nn


@pytest.mark.parametrize(
    ("check", "named"),
    [
        ("gradients", "no parameter changes in an update: the learning rate is 0"),
        ("single_batch", "learning rate"),
        ("overfit", "learning rate"),
        ("learnable_relation", "the data can be learnt"),
    ],
)
def test_a_learning_rate_of_zero_is_caught(check: str, named: str) -> None:
    def idle(model: nn.Module, *, steps: int, learning_rate: float | None, seed: int) -> Any:
        return make_trainer(model, steps=steps, learning_rate=0.0, seed=seed)

    result = examine(digits_subject(make_trainer=idle), check)
    assert result.status == "failed"
    assert named in result.advice


@pytest.mark.parametrize(
    "check", ["gradients", "determinism", "single_batch", "overfit", "learnable_relation", "random_labels"]
)
def test_a_healthy_trainer_passes(check: str) -> None:
    result = examine(digits_subject(), check)
    assert result.status == "passed", result


def test_a_parameter_that_the_optimizer_does_not_know_is_named() -> None:
    def partial_optimizer(model: nn.Module, *, steps: int, learning_rate: float | None, seed: int) -> Any:
        trainer = make_trainer(model, steps=steps, learning_rate=learning_rate, seed=seed)
        optimizer = torch.optim.Adam(list(model.parameters())[2:], lr=1e-3)
        return ClassificationTrainer(model, trainer.config, device="cpu", seed=seed, optimizer=optimizer)

    result = examine(digits_subject(make_trainer=partial_optimizer), "gradients")
    assert result.status == "failed"
    assert "1.weight, 1.bias are not in the optimizer" in result.advice


@pytest.mark.parametrize("check", ["overfit", "learnable_relation"])
def test_a_loss_that_takes_other_labels_than_it_is_given_is_caught(check: str) -> None:
    class Wrong(ClassificationTrainer):
        def forward_pass(self, batch: tuple[Tensor, Tensor]) -> tuple[Tensor, Tensor]:
            return super().forward_pass((batch[0], batch[1].roll(1)))

    def wrong(model: nn.Module, *, steps: int, learning_rate: float | None, seed: int) -> Any:
        config = make_trainer(model, steps=steps, learning_rate=learning_rate, seed=seed).config
        return Wrong(model, config, device="cpu", seed=seed)

    assert examine(digits_subject(make_trainer=wrong), check).status == "failed"


def test_random_labels_are_learnt_at_a_rate_that_can_learn_them() -> None:
    def hot(model: nn.Module, *, steps: int, learning_rate: float | None, seed: int) -> Any:
        rate = 0.3 if learning_rate is None else learning_rate
        return make_trainer(model, steps=steps, learning_rate=rate, seed=seed)

    result = examine(digits_subject(model=without_dropout, make_trainer=hot), "random_labels")
    assert result.status == "passed"
    assert "at 0.1 times" in result.measured


def test_a_rate_that_only_suits_a_schedule_is_no_fault_and_is_mentioned() -> None:
    def hot(model: nn.Module, *, steps: int, learning_rate: float | None, seed: int) -> Any:
        rate = 0.3 if learning_rate is None else learning_rate
        return make_trainer(model, steps=steps, learning_rate=rate, seed=seed)

    result = examine(digits_subject(make_trainer=hot), "single_batch")
    assert result.status == "passed"
    assert "at 0.1 times the configured learning rate" in result.measured


def test_a_loader_with_another_order_each_time_is_caught() -> None:
    class Unseeded(Batches):
        def __iter__(self):  # type: ignore[no-untyped-def]
            self.epoch = int(torch.randint(2**31, ()))
            return super().__iter__()

    images, labels = splits()["train"]
    subject = digits_subject(make_train_loader=lambda: Unseeded((normalise(images), labels)))
    assert "seed shuffling" in examine(subject, "determinism").advice


def test_noise_from_a_generator_of_its_own_is_caught() -> None:
    generator = torch.Generator().manual_seed(0)

    def noisy(features: Tensor) -> Tensor:
        return features + torch.randn(features.shape, generator=generator)

    result = examine(digits_subject(model=changed(features=noisy)), "determinism")
    assert "generators that are not seeded" in result.advice
    assert "from step 1 on" in result.advice


def test_a_model_that_is_not_fresh_is_caught_by_its_first_loss() -> None:
    trainer = make_trainer(digits_model(), steps=100, learning_rate=0.005, seed=0)
    images, labels = splits()["train"]
    trainer.train(Batches((normalise(images), labels)))
    kept = trainer.model
    assert "it is not fresh" in examine(digits_subject(model=lambda seed: kept), "initial_outputs").advice


def test_a_trainer_that_looks_labels_up_elsewhere_is_caught_by_random_labels() -> None:
    images, labels = splits()["train"]
    stored = dict(zip([image.numpy().tobytes() for image in normalise(images)], labels, strict=True))

    class Looking(ClassificationTrainer):
        def forward_pass(self, batch: tuple[Tensor, Tensor]) -> tuple[Tensor, Tensor]:
            true = torch.stack([stored[image.numpy().tobytes()] for image in batch[0]])
            return super().forward_pass((batch[0], true))

    def looking(model: nn.Module, *, steps: int, learning_rate: float | None, seed: int) -> Any:
        config = make_trainer(model, steps=steps, learning_rate=learning_rate, seed=seed).config
        return Looking(model, config, device="cpu", seed=seed)

    result = examine(digits_subject(make_trainer=looking), "random_labels")
    assert result.status == "failed"
    assert "labels that it has not been shown" in result.advice


def test_labels_hidden_in_the_inputs_are_caught_where_a_fresh_model_uses_them() -> None:
    class Cheat(nn.Module):
        """Answers with the label that the pipeline left in the first pixels."""

        def __init__(self, seed: int) -> None:
            super().__init__()
            self.model = digits_model(seed)

        def forward(self, images: Tensor) -> Tensor:
            return self.model(images) + 20 * images.flatten(1)[:, :10]

    class Marked(Batches):
        def __iter__(self):  # type: ignore[no-untyped-def]
            for inputs, labels in super().__iter__():
                marks = nn.functional.one_hot(labels, 10).float()
                yield torch.cat([marks, inputs.flatten(1)[:, 10:]], 1).view_as(inputs), labels

    images, labels = splits()["train"]
    subject = digits_subject(model=Cheat, make_train_loader=lambda: Marked((normalise(images), labels)))
    assert "the inputs hold the labels" in examine(subject, "initial_outputs").advice


def test_memorising_random_labels_is_reported_and_is_no_fault() -> None:
    result = examine(digits_subject(model=without_dropout), "random_labels")
    assert result.status == "passed"
    assert "training memorises (" in result.measured
    assert result.details["training"] >= 0.99
