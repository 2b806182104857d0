"""Faults planted in the model: the check that is meant for each fails and names it, its healthy twin passes."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import pytest
import torch
from digits_subject import changed, convolutional_model, digits_model, digits_subject, examine, make_trainer
from mlcore.trainer import ClassificationTrainer
from torch import Tensor, nn


class StuckNormalisation(nn.BatchNorm2d):
    """Batch normalisation that never goes into evaluation mode."""

    def train(self, mode: bool = True) -> StuckNormalisation:
        return super().train(True)


def stuck_normalisation(seed: int) -> nn.Module:
    model = convolutional_model(seed)
    model[1] = StuckNormalisation(8)  # type: ignore[index]
    return model


def normalisation_without_statistics(seed: int) -> nn.Module:
    model = convolutional_model(seed)
    model[1] = nn.BatchNorm2d(8, track_running_stats=False)  # type: ignore[index]
    return model


def sgd_trainer(
    model: nn.Module, *, steps: int, learning_rate: float | None, seed: int
) -> ClassificationTrainer:
    return make_trainer(model, steps=steps, learning_rate=learning_rate, seed=seed, optimizer="sgd")


def frozen_first_layer(seed: int) -> nn.Module:
    model = digits_model(seed)
    model[1].weight.requires_grad_(False)  # type: ignore[index, union-attr]
    return model


def huge_last_layer(seed: int) -> nn.Module:
    model = digits_model(seed)
    nn.init.normal_(model[-1].weight, std=3.0)  # type: ignore[index, arg-type]
    return model


def dead_activation(seed: int) -> nn.Module:
    model = digits_model(seed)
    nn.init.constant_(model[1].bias, -1000.0)  # type: ignore[index, arg-type]
    return model


def unused_layer(seed: int) -> nn.Module:
    model = digits_model(seed)
    model[0].spare = nn.Linear(3, 3)  # type: ignore[index]
    return model


always_dropout = partial(nn.functional.dropout, p=0.3, training=True)

MODEL_FAULTS = [
    ("detached layer", changed(features=Tensor.detach), "gradients", ["features.1.weight", "detach"]),
    ("frozen parameter", frozen_first_layer, "gradients", ["1.weight", "require gradients"]),
    ("dead activation", dead_activation, "gradients", ["1.weight", "exactly zero"]),
    ("unused layer", unused_layer, "gradients", ["0.spare.weight", "no gradient"]),
    ("batch mean", changed(features=lambda x: x - x.mean(0)), "batch_independence", ["mixes the batch"]),
    ("stuck normalisation", stuck_normalisation, "batch_independence", ["stay in training mode"]),
    ("stuck normalisation", stuck_normalisation, "evaluation_mode", ["evaluation changed 1.running"]),
    ("no running statistics", normalisation_without_statistics, "batch_independence", ["companions"]),
    ("reversed batch", changed(features=lambda x: x.flip(0)), "batch_independence", ["companions"]),
    ("dropout in evaluation", changed(features=always_dropout), "evaluation_mode", ["dropout"]),
    ("softmax", changed(outputs=lambda x: x.softmax(1)), "initial_outputs", ["remove the softmax"]),
    ("softmax", changed(outputs=lambda x: x.softmax(1)), "single_batch", ["after a softmax"]),
    ("sigmoid", changed(outputs=torch.sigmoid), "single_batch", ["after a sigmoid"]),
    ("tanh", changed(outputs=torch.tanh), "single_batch", ["after a tanh"]),
    ("ReLU at the end", changed(outputs=torch.relu), "initial_outputs", ["remove the ReLU"]),
    ("huge last layer", huge_last_layer, "initial_outputs", ["initialise the last layer"]),
    ("blind to its input", changed(inputs=torch.zeros_like), "initial_outputs", ["same for every input"]),
    ("blind to its input", changed(inputs=torch.zeros_like), "learnable_relation", ["this model does not"]),
    ("not a number", changed(outputs=lambda x: x / 0), "initial_outputs", ["not finite"]),
    ("seed ignored", lambda seed: digits_model(0), "determinism", ["does not use its seed"]),
]


@pytest.mark.parametrize(
    ("model", "check", "named"),
    [fault[1:] for fault in MODEL_FAULTS],
    ids=[f"{fault[0]}, {fault[2]}".replace(" ", "_") for fault in MODEL_FAULTS],
)
def test_a_fault_of_the_model_is_caught_and_named(
    model: Callable[[int], nn.Module], check: str, named: list[str]
) -> None:
    result = examine(digits_subject(model=model), check)
    assert result.status == "failed", result
    assert all(part in result.advice for part in named), result.advice


@pytest.mark.parametrize("check", sorted({fault[2] for fault in MODEL_FAULTS}))
@pytest.mark.parametrize("model", [digits_model, changed(), convolutional_model])
def test_the_healthy_twin_passes_the_same_check(model: Callable[[int], nn.Module], check: str) -> None:
    result = examine(digits_subject(model=model), check)
    assert result.status == "passed", result


def test_a_model_that_cannot_tell_examples_apart_does_not_overfit() -> None:
    result = examine(digits_subject(model=changed(inputs=torch.zeros_like)), "overfit")
    assert result.status == "failed"
    assert "by heart" in result.advice


def test_parameters_that_are_meant_to_be_frozen_are_no_fault() -> None:
    subject = digits_subject(model=frozen_first_layer, frozen=["1."])
    assert examine(subject, "gradients").status == "passed"


def test_a_last_layer_that_begins_at_zero_is_no_fault() -> None:
    def zero_head(seed: int) -> nn.Module:
        model = digits_model(seed)
        nn.init.zeros_(model[-1].weight)  # type: ignore[index, arg-type]
        nn.init.zeros_(model[-1].bias)  # type: ignore[index, arg-type]
        return model

    subject = digits_subject(model=zero_head)
    for check in ("initial_outputs", "gradients", "batch_independence"):
        assert examine(subject, check).status == "passed"


def test_a_bias_that_a_normalisation_cancels_is_no_fault() -> None:
    def with_useless_bias(seed: int) -> nn.Module:
        torch.manual_seed(seed)
        return nn.Sequential(
            nn.Flatten(), nn.Linear(64, 32), nn.BatchNorm1d(32), nn.ReLU(), nn.Linear(32, 10)
        )

    result = examine(digits_subject(model=with_useless_bias, make_trainer=sgd_trainer), "gradients")
    assert result.status == "passed", result
