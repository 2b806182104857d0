"""Grad-CAM against networks whose answer is known in closed form."""

import numpy as np
import pytest
import torch
from mlcore.interpretation import InterpretationError, grad_cam
from PIL import Image
from torch import Tensor, nn


class PooledNet(nn.Module):
    """Convolution, ReLU, global average pooling, linear: the network of Zhou et al. (2016)."""

    def __init__(self, stride: int = 1) -> None:
        super().__init__()
        torch.manual_seed(2)
        self.conv = nn.Conv2d(1, 7, 3, padding=1, stride=stride)
        self.relu = nn.ReLU()
        self.fc = nn.Linear(7, 10)

    def forward(self, images: Tensor) -> Tensor:
        return self.fc(self.relu(self.conv(images)).mean((2, 3)))


def class_activation_map(model: PooledNet, images: Tensor, classes: Tensor) -> Tensor:
    """(B, h, w) of Zhou et al. (2016): the feature maps weighted by the class's row of the linear layer; its
    positive part, scaled to 1.
    """
    with torch.no_grad():
        maps = model.relu(model.conv(images))
        evidence = torch.einsum("bk,bkhw->bhw", model.fc.weight[classes], maps).relu()
    return evidence / evidence.amax((1, 2), keepdim=True)


def test_with_global_average_pooling_it_is_the_class_activation_map(inputs: Tensor) -> None:
    model, classes = PooledNet(), torch.arange(12) % 10
    expected = class_activation_map(model, inputs, classes)
    assert expected.isfinite().all()
    found = grad_cam(model, model.relu, inputs, classes)
    torch.testing.assert_close(found, expected, atol=1e-6, rtol=1e-5)
    assert found.amax((1, 2)).tolist() == pytest.approx([1.0] * 12)


class PatchNet(PooledNet):
    """The same network over a sequence of places, with one place of its own before them, as transformers have it."""

    def __init__(self) -> None:
        super().__init__()
        self.places = nn.Identity()

    def forward(self, images: Tensor) -> Tensor:
        x = self.relu(self.conv(images)).flatten(2).transpose(1, 2)
        x = self.places(torch.cat([x.new_zeros(len(x), 1, 7), x], dim=1))
        return self.fc(x[:, 1:].mean(dim=1))


def test_places_laid_out_as_maps_give_the_same_map(inputs: Tensor) -> None:
    model, classes = PatchNet(), torch.arange(12) % 10
    expected = class_activation_map(model, inputs, classes)

    def as_maps(x: Tensor) -> Tensor:
        return x[:, 1:].transpose(1, 2).unflatten(2, (8, 8))

    found = grad_cam(model, model.places, inputs, classes, as_maps=as_maps)
    torch.testing.assert_close(found, expected, atol=1e-6, rtol=1e-5)
    with pytest.raises(InterpretationError, match="needs a layer with output"):
        grad_cam(model, model.places, inputs, classes)


def test_a_coarse_map_is_enlarged_as_pillow_enlarges_it(inputs: Tensor) -> None:
    model, classes = PooledNet(stride=2), torch.arange(12) % 10
    coarse = class_activation_map(model, inputs, classes)
    assert coarse.shape == (12, 4, 4)
    enlarged = np.stack(
        [Image.fromarray(m.numpy()).resize((8, 8), Image.Resampling.BILINEAR) for m in coarse]
    )
    found = grad_cam(model, model.relu, inputs, classes)
    expected = enlarged / enlarged.max((1, 2), keepdims=True)
    np.testing.assert_allclose(found, expected, atol=1e-6)


def test_channel_weights_are_the_mean_gradients_of_a_linear_read_out(inputs: Tensor) -> None:
    torch.manual_seed(0)
    conv, linear = nn.Conv2d(1, 4, 3, padding=1), nn.Linear(4 * 64, 10)
    model = nn.Sequential(conv, nn.Flatten(), linear)
    with torch.no_grad():
        weights = linear.weight[3].view(4, 64).mean(1)
        evidence = torch.einsum("k,bkhw->bhw", weights, conv(inputs)).relu()
    expected = evidence / evidence.amax((1, 2), keepdim=True)
    torch.testing.assert_close(grad_cam(model, conv, inputs, 3), expected, atol=1e-6, rtol=1e-5)


def test_without_classes_the_predicted_ones_are_explained(cnn: nn.Sequential, inputs: Tensor) -> None:
    with torch.no_grad():
        predicted = cnn.eval()(inputs).argmax(1)
    assert torch.equal(grad_cam(cnn, cnn[5], inputs), grad_cam(cnn, cnn[5], inputs, predicted))


def test_different_classes_are_explained_differently(cnn: nn.Sequential, inputs: Tensor) -> None:
    assert not torch.allclose(grad_cam(cnn, cnn[5], inputs, 1), grad_cam(cnn, cnn[5], inputs, 2))


def test_an_in_place_activation_after_the_layer_changes_nothing(inputs: Tensor) -> None:
    torch.manual_seed(0)
    conv, head = nn.Conv2d(1, 4, 3), nn.Linear(4 * 36, 10)
    in_place = nn.Sequential(conv, nn.ReLU(inplace=True), nn.Flatten(), head)
    copying = nn.Sequential(conv, nn.ReLU(), nn.Flatten(), head)
    torch.testing.assert_close(grad_cam(in_place, conv, inputs, 0), grad_cam(copying, conv, inputs, 0))


def test_each_image_is_explained_by_itself(cnn: nn.Sequential, inputs: Tensor) -> None:
    together = grad_cam(cnn, cnn[4], inputs, 5)
    alone = torch.cat([grad_cam(cnn, cnn[4], image[None], 5) for image in inputs])
    torch.testing.assert_close(together, alone)


def test_an_image_without_evidence_gives_zeros(inputs: Tensor) -> None:
    model = PooledNet()
    with torch.no_grad():
        model.fc.weight.fill_(-1.0)
    assert torch.equal(grad_cam(model, model.relu, inputs, 0), torch.zeros(12, 8, 8))


def test_channels_last_gives_the_same_maps(inputs: Tensor) -> None:
    torch.manual_seed(0)
    model = nn.Sequential(
        nn.Conv2d(3, 8, 3), nn.ReLU(inplace=True), nn.Conv2d(8, 8, 3), nn.Flatten(), nn.Linear(128, 4)
    )
    images = inputs.repeat(1, 3, 1, 1) * torch.tensor([1.0, 0.5, -1.0])[:, None, None]
    expected = grad_cam(model, model[2], images)
    model = model.to(memory_format=torch.channels_last)
    found = grad_cam(model, model[2], images.to(memory_format=torch.channels_last))
    torch.testing.assert_close(found, expected)


def test_it_works_on_frozen_weights_and_inside_no_grad_and_inference_mode(
    cnn: nn.Sequential, inputs: Tensor
) -> None:
    expected = grad_cam(cnn, cnn[5], inputs)
    cnn.requires_grad_(False)
    assert torch.equal(grad_cam(cnn, cnn[5], inputs), expected)
    with torch.no_grad():
        assert torch.equal(grad_cam(cnn, cnn[5], inputs), expected)
    with torch.inference_mode():
        assert torch.equal(grad_cam(cnn, cnn[5], inputs.clone()), expected)


def test_half_precision_models_give_float32_maps(cnn: nn.Sequential, inputs: Tensor) -> None:
    expected = grad_cam(cnn, cnn[5], inputs, 1)
    found = grad_cam(cnn.bfloat16(), cnn[5], inputs.bfloat16(), 1)
    assert found.dtype == torch.float32
    torch.testing.assert_close(found, expected, atol=0.1, rtol=0)


class Unused(nn.Module):
    """Runs a layer whose output goes nowhere."""

    def __init__(self) -> None:
        super().__init__()
        self.conv, self.fc = nn.Conv2d(1, 2, 3), nn.Linear(64, 10)

    def forward(self, images: Tensor) -> Tensor:
        self.conv(images)
        return self.fc(images.flatten(1))


class Twice(nn.Module):
    """Uses one ReLU at two places."""

    def __init__(self) -> None:
        super().__init__()
        self.conv, self.relu = nn.Conv2d(1, 1, 3, padding=1), nn.ReLU()

    def forward(self, images: Tensor) -> Tensor:
        return self.relu(self.conv(self.relu(self.conv(images)))).flatten(1)


def test_a_layer_that_cannot_be_explained_is_named(cnn: nn.Sequential, inputs: Tensor) -> None:
    with pytest.raises(InterpretationError, match=r"Linear gives \(12, 10\).*use input_gradient"):
        grad_cam(cnn, cnn[8], inputs)
    with pytest.raises(InterpretationError, match=r"did not run in the forward pass of Sequential"):
        grad_cam(cnn, nn.Conv2d(1, 1, 3), inputs)
    unused, twice = Unused(), Twice()
    with pytest.raises(InterpretationError, match="do not depend on the output of Conv2d"):
        grad_cam(unused, unused.conv, inputs)
    with pytest.raises(InterpretationError, match="runs more than once"):
        grad_cam(twice, twice.relu, inputs)


@pytest.mark.parametrize(
    ("classes", "message"),
    [
        (10, "class 10 is outside 0 to 9"),
        (torch.tensor([-1] * 12), "class -1 is outside"),
        (torch.tensor([1, 2]), r"12 images need as many classes; got shape \(2,\)"),
    ],
)
def test_classes_that_do_not_fit_are_refused(
    cnn: nn.Sequential, inputs: Tensor, classes: Tensor | int, message: str
) -> None:
    with pytest.raises(InterpretationError, match=message):
        grad_cam(cnn, cnn[5], inputs, classes)


def test_images_that_do_not_fit_are_refused(cnn: nn.Sequential, inputs: Tensor) -> None:
    with pytest.raises(InterpretationError, match=r"images must be .* got \(12, 64\)"):
        grad_cam(cnn, cnn[5], inputs.flatten(1))
    with pytest.raises(InterpretationError, match=r"images are torch.uint8"):
        grad_cam(cnn, cnn[5], inputs.byte())


def test_a_model_that_returns_no_logits_is_refused(inputs: Tensor) -> None:
    conv = nn.Conv2d(1, 2, 3)
    with pytest.raises(InterpretationError, match=r"must return logits .* returned \(12, 2, 6, 6\)"):
        grad_cam(nn.Sequential(conv), conv, inputs)
