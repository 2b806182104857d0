"""Means and examples of classes against NumPy."""

import numpy as np
import pytest
import torch
from mlcore.interpretation import InterpretationError, class_means, examples_of_classes
from torch import Tensor


def test_means_and_deviations_are_numpys(digits: tuple[Tensor, Tensor]) -> None:
    images, labels = digits
    found = class_means(images, labels, 10)
    for number in range(10):
        own = images[labels == number].numpy() / 255
        np.testing.assert_allclose(found.means[number], own.mean(0), atol=1e-6)
        np.testing.assert_allclose(found.deviations[number], own.std(0), atol=1e-6)
    assert found.counts.tolist() == np.bincount(labels).tolist()


def test_floats_keep_their_units_and_an_absent_class_gives_zeros() -> None:
    found = class_means(torch.tensor([[[[3.0]]], [[[5.0]]]]), torch.tensor([2, 2]), 4)
    assert found.means.flatten().tolist() == [0, 0, 4, 0]
    assert found.deviations.flatten().tolist() == [0, 0, 1, 0]
    assert found.counts.tolist() == [0, 0, 2, 0]


def test_examples_belong_to_their_class_and_none_comes_twice(digits: tuple[Tensor, Tensor]) -> None:
    labels = digits[1]
    chosen = examples_of_classes(labels, 11, 20, seed=4)
    for number, positions in enumerate(chosen[:10]):
        assert labels[positions].tolist() == [number] * 20
        assert len(set(positions.tolist())) == 20
    assert chosen[10].tolist() == []
    again, other = (examples_of_classes(labels, 11, 20, seed=seed) for seed in (4, 5))
    assert all(torch.equal(one, two) for one, two in zip(chosen, again, strict=True))
    assert not torch.equal(chosen[0], other[0])


def test_labels_that_do_not_fit_are_refused() -> None:
    with pytest.raises(InterpretationError, match="label 3 is outside 0 to 2"):
        class_means(torch.zeros(2, 4, 4), torch.tensor([0, 3]), 3)
    with pytest.raises(InterpretationError, match=r"2 images need as many labels; got \(3,\)"):
        class_means(torch.zeros(2, 4, 4), torch.zeros(3).long(), 3)
