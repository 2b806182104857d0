"""Faults planted in the pipelines and the splits: caught by their statistics and by their hashes."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from digits_subject import Batches, digits_subject, examine, normalise, splits
from torch import Tensor


@pytest.mark.parametrize("check", ["inputs", "leakage"])
def test_healthy_pipelines_and_splits_pass(check: str) -> None:
    assert examine(digits_subject(), check).status == "passed"


@pytest.mark.parametrize(
    ("evaluation", "named"),
    [
        (lambda images: images / 16, "standard deviations"),
        (lambda images: images, "means"),
        (lambda images: normalise(images) - 0.5, "means 0.000 and -0.498"),
        (lambda images: normalise(images).clamp(max=0.0), "ranges"),
        (lambda images: normalise(images) / 0.0, "not finite"),
        (lambda images: normalise(images)[:, :, 1:, 1:], "other shapes"),
    ],
)
def test_another_normalisation_at_evaluation_is_caught(
    evaluation: Callable[[Tensor], Tensor], named: str
) -> None:
    result = examine(digits_subject(normalise_evaluation=evaluation), "inputs")
    assert result.status == "failed"
    assert named in result.advice


def test_inputs_that_nobody_scaled_are_caught_though_both_pipelines_agree() -> None:
    def as_bytes(images: Tensor) -> Tensor:
        return images * 16

    subject = digits_subject(normalise_training=as_bytes, normalise_evaluation=as_bytes)
    assert "scale them" in examine(subject, "inputs").advice


def test_augmentation_of_the_training_images_passes_for_the_same_normalisation() -> None:
    def augmented(images: Tensor) -> Tensor:
        """Moved by up to a pixel and brightened or darkened by a fifth."""
        generator = torch.Generator().manual_seed(3)
        moves = torch.randint(-1, 2, (len(images), 2), generator=generator).tolist()
        moved = torch.stack([image.roll(move, (1, 2)) for image, move in zip(images, moves, strict=True)])
        factors = 0.8 + 0.4 * torch.rand(len(images), 1, 1, 1, generator=generator)
        return normalise((moved * factors).clamp(max=16))

    assert examine(digits_subject(normalise_training=augmented), "inputs").status == "passed"


def test_exchanged_colour_channels_are_caught() -> None:
    colours = torch.tensor([1.0, 0.6, 0.2]).view(1, 3, 1, 1)

    def coloured(images: Tensor) -> Tensor:
        return normalise(images) * colours

    subject = digits_subject(
        normalise_training=coloured, normalise_evaluation=lambda images: coloured(images).flip(1)
    )
    advice = examine(subject, "inputs").advice
    assert "channel 0" in advice
    assert "channel 2" in advice
    assert "channel 1 " not in advice


def test_test_images_among_the_training_images_are_caught() -> None:
    images, labels = splits()["train"]
    test_images, test_labels = splits()["test"]
    mixed = torch.cat([images, test_images[:50]]), torch.cat([labels, test_labels[:50]])
    result = examine(digits_subject(train=mixed), "leakage")
    assert result.status == "failed"
    assert "50 of 347 examples of test also lie in train (14.4%)" in result.advice


def test_a_loader_with_the_wrong_split_is_caught_though_the_stored_splits_are_apart() -> None:
    images, labels = splits()["train"]
    subject = digits_subject(
        make_validation_loader=lambda: Batches((normalise(images[:300]), labels[:300]), shuffle=False)
    )
    result = examine(subject, "leakage")
    assert "300 of 300 examples of validation loader also lie in training loader" in result.advice


def test_a_few_duplicates_are_within_the_tolerance_and_one_more_is_not() -> None:
    images, labels = splits()["train"]
    twins = torch.cat([images, splits()["test"][0][:2]]), torch.cat([labels, splits()["test"][1][:2]])
    for tolerance, status in ((2 / 347, "passed"), (1.9 / 347, "failed")):
        subject = digits_subject(train=twins, duplicate_tolerance=tolerance)
        assert examine(subject, "leakage").status == status
