"""Faults planted in the labels: caught, and named for what was done to them."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from digits_subject import Batches, digits_subject, examine, normalise, splits
from mlcore.sanity import run_battery
from torch import Tensor, nn


def relabelled(change: Callable[[Tensor], Tensor], *names: str) -> dict[str, tuple[Tensor, Tensor]]:
    """The splits named with other labels."""
    return {name: (splits()[name][0], change(splits()[name][1])) for name in names}


@pytest.mark.parametrize(
    ("shift", "named"), [(1, "true class + 1"), (-1, "true class - 1"), (3, "class + 3")]
)
def test_labels_shifted_by_classes_are_caught_and_the_shift_is_named(shift: int, named: str) -> None:
    result = examine(
        digits_subject(**relabelled(lambda labels: (labels + shift) % 10, "train")), "learnable_relation"
    )
    assert result.status == "failed"
    assert named in result.advice
    assert "shifted" in result.advice


def test_validation_labels_shifted_by_a_class_are_the_same_fault_seen_from_the_other_side() -> None:
    result = examine(
        digits_subject(**relabelled(lambda labels: (labels + 1) % 10, "validation")), "learnable_relation"
    )
    assert "true class - 1" in result.advice


def test_two_exchanged_classes_are_named() -> None:
    def exchange(labels: Tensor) -> Tensor:
        return torch.where(labels == 3, 5, torch.where(labels == 5, 3, labels))

    names = [f"digit {number}" for number in range(10)]
    subject = digits_subject(**relabelled(exchange, "train"), classes=names)
    result = examine(subject, "learnable_relation")
    assert result.status == "failed"
    assert "classes digit 3 and digit 5 are exchanged" in result.advice


@pytest.mark.parametrize("positions", [1, -1, 2])
@pytest.mark.parametrize("names", [("train",), ("train", "validation")])
def test_labels_shifted_by_positions_are_caught_and_the_shift_is_named(
    positions: int, names: tuple[str, ...]
) -> None:
    subject = digits_subject(**relabelled(lambda labels: labels.roll(positions), *names))
    result = examine(subject, "learnable_relation")
    assert result.status == "failed"
    word = f"{abs(positions)} position{'s' if abs(positions) > 1 else ''}"
    assert f"training data are shifted by {word} {'back' if positions > 0 else 'forward'}" in result.advice
    assert ("validation data are shifted" in result.advice) == ("validation" in names)


def test_validation_labels_shifted_by_a_position_are_named() -> None:
    subject = digits_subject(**relabelled(lambda labels: labels.roll(1), "validation"))
    result = examine(subject, "learnable_relation")
    assert result.status == "failed"
    assert "labels of the validation data are shifted by 1 position back" in result.advice


def test_labels_shifted_within_each_batch_are_named_without_the_stored_order() -> None:
    class Shifted(Batches):
        def __iter__(self):  # type: ignore[no-untyped-def]
            return ((inputs, labels.roll(1)) for inputs, labels in super().__iter__())

    images, labels = splits()["train"]
    subject = digits_subject(
        make_train_loader=lambda: Shifted((normalise(images), labels)), make_ordered_loader=None
    )
    result = examine(subject, "learnable_relation")
    assert "training data are shifted by 1 position back" in result.advice


def test_labels_that_belong_to_other_images_altogether_are_put_down_to_the_right_split() -> None:
    order = torch.randperm(1100, generator=torch.Generator().manual_seed(1))
    subject = digits_subject(**relabelled(lambda labels: labels[order], "train"))
    result = examine(subject, "learnable_relation")
    assert result.status == "failed"
    assert "training data do not belong together; those of the validation data do" in result.advice


def test_evaluation_images_turned_on_their_side_are_put_down_to_the_pipelines() -> None:
    def scrambled(images: Tensor) -> Tensor:
        order = torch.randperm(64, generator=torch.Generator().manual_seed(2))
        return normalise(images).flatten(1)[:, order].view(-1, 1, 8, 8)

    subject = digits_subject(normalise_evaluation=scrambled)
    result = examine(subject, "learnable_relation")
    assert result.status == "failed"
    assert "pipelines deliver different things" in result.advice


def test_labels_that_begin_at_one_are_caught_before_a_model_sees_them() -> None:
    report = run_battery(
        digits_subject(**relabelled(lambda labels: labels + 1, "train", "validation")), level="preflight"
    )
    assert report["labels"].status == "failed"
    assert "they begin at 1, subtract 1" in report["labels"].advice
    assert [result.name for result in report.failed] == ["labels"]
    assert report["gradients"].measured == "needs valid labels"


@pytest.mark.parametrize(
    ("change", "named"),
    [
        (lambda labels: labels.int(), "make them int64"),
        (lambda labels: nn.functional.one_hot(labels, 10), "make them int64"),
        (lambda labels: torch.where(labels == 7, -1, labels), "run from -1 to 9"),
        (lambda labels: torch.where(labels == 4, 5, labels), "no example of class 4"),
    ],
)
def test_wrong_labels_are_named(change: Callable[[Tensor], Tensor], named: str) -> None:
    result = examine(digits_subject(**relabelled(change, "train")), "labels")
    assert result.status == "failed"
    assert named in result.advice


def test_a_split_by_class_is_caught() -> None:
    images, labels = splits()["validation"]
    few = labels < 5
    result = examine(digits_subject(validation=(images[few], labels[few])), "labels")
    assert "validation data hold no example of classes 5, 6, 7, 8, 9:" in result.advice
    assert "other shares" in result.advice


def test_training_data_in_the_order_of_their_classes_are_caught() -> None:
    images, labels = splits()["train"]
    order = labels.argsort()
    subject = digits_subject(
        make_train_loader=lambda: Batches((normalise(images)[order], labels[order]), shuffle=False)
    )
    assert "shuffle it" in examine(subject, "labels").advice


@pytest.mark.parametrize("check", ["labels", "learnable_relation"])
def test_healthy_labels_pass(check: str) -> None:
    assert examine(digits_subject(), check).status == "passed"
