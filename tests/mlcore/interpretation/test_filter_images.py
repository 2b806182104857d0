"""Filters as pictures, and the images that they answer to, against a direct computation."""

import pytest
import torch
from mlcore.interpretation import InterpretationError, filter_images, maximal_activations, strongest_filters
from torch import Tensor, nn


def test_a_filter_keeps_its_signs_and_its_largest_magnitude_becomes_one() -> None:
    weight = torch.tensor([[[[0.5, -2.0], [0.0, 1.0]]], [[[0.1, 0.0], [0.0, 0.0]]]])
    expected = torch.tensor([[[0.25, -1.0], [0.0, 0.5]], [[1.0, 0.0], [0.0, 0.0]]])
    torch.testing.assert_close(filter_images(weight), expected)
    torch.testing.assert_close(filter_images(weight, scale="all"), weight[:, 0] / 2)


def test_filters_of_colour_images_are_colour_pictures() -> None:
    weight = torch.randn(5, 3, 4, 4)
    found = filter_images(weight)
    assert found.shape == (5, 4, 4, 3)
    for picture, kernel in zip(found, weight, strict=True):
        torch.testing.assert_close(picture, kernel.permute(1, 2, 0) / kernel.abs().max())


def test_slices_of_later_filters_follow_one_another_filter_by_filter() -> None:
    weight = torch.randn(2, 8, 3, 3)
    found = filter_images(weight, scale="all")
    assert found.shape == (16, 3, 3)
    torch.testing.assert_close(found[8 + 5] * weight.abs().max(), weight[1, 5])


@pytest.mark.parametrize(
    ("shape", "expected"), [((4, 6), (7, 4, 6)), ((1, 4, 6), (7, 4, 6)), ((3, 2, 4), (7, 2, 4, 3))]
)
def test_units_of_a_linear_layer_have_the_shape_of_its_images(
    shape: tuple[int, ...], expected: tuple[int, ...]
) -> None:
    layer = nn.Linear(24, 7)
    found = filter_images(layer.weight, shape)
    assert found.shape == expected
    assert not found.requires_grad
    flat = found.permute(0, 3, 1, 2) if found.dim() == 4 else found
    scale = layer.weight.detach().abs().amax(1, keepdim=True)
    torch.testing.assert_close(flat.flatten(1), layer.weight.detach() / scale)


def test_a_filter_of_zeros_stays_zero() -> None:
    assert torch.equal(filter_images(torch.zeros(2, 1, 3, 3)), torch.zeros(2, 3, 3))


def test_the_strongest_filters_have_the_largest_norms() -> None:
    weight = torch.randn(9, 4, 3, 3)
    norms = [float(kernel.square().sum()) for kernel in weight]
    assert strongest_filters(weight, 4).tolist() == sorted(range(9), key=lambda i: -norms[i])[:4]


@pytest.mark.parametrize(
    ("weight", "shape", "message"),
    [
        (torch.zeros(3, 4, 5), None, r"got \(3, 4, 5\)"),
        (torch.zeros(3, 64), None, r"\(3, 64\) of a linear layer needs the shape"),
        (torch.zeros(3, 64), (7, 9), r"shape \(1, 7, 9\) do not hold the 64 inputs"),
        (torch.zeros(3, 64), (64,), "do not hold"),
    ],
)
def test_weights_that_are_no_pictures_are_refused(
    weight: Tensor, shape: tuple[int, ...] | None, message: str
) -> None:
    with pytest.raises(InterpretationError, match=message):
        filter_images(weight, shape)


def test_maximal_activations_are_those_of_one_large_batch(
    cnn: nn.Sequential, digits: tuple[Tensor, Tensor]
) -> None:
    images, labels = digits[0][:200, None].float() / 255, digits[1][:200]
    found = maximal_activations(cnn, cnn[4], zip(images.split(33), labels.split(33), strict=True), num=5)
    with torch.no_grad():
        outputs = cnn.eval()[:5](images).amax((2, 3))
    expected = outputs.topk(5, dim=0)
    assert found.positions.tolist() == expected.indices.T.tolist()
    torch.testing.assert_close(found.values, expected.values.T)


def test_units_of_a_linear_layer_have_maximal_activations_too(cnn: nn.Sequential, inputs: Tensor) -> None:
    found = maximal_activations(cnn, cnn[8], [inputs], num=100)
    with torch.no_grad():
        outputs = cnn.eval()(inputs)
    assert found.positions.shape == (10, 12)
    assert found.positions.tolist() == outputs.argsort(0, descending=True).T.tolist()


def test_no_images_and_layers_of_other_kinds_are_refused(cnn: nn.Sequential) -> None:
    with pytest.raises(InterpretationError, match="there are no images"):
        maximal_activations(cnn, cnn[0], [])
    embedding = nn.Embedding(5, 3)
    with pytest.raises(InterpretationError, match=r"Embedding gives \(2, 4, 3\)"):
        maximal_activations(embedding, embedding, [torch.zeros(2, 4, dtype=torch.int64)])
