"""Input gradients and attributions against closed forms and the axiom of completeness."""

import pytest
import torch
from mlcore.interpretation import InterpretationError, input_gradient, integrated_gradients, saliency_map
from torch import Tensor, nn


class Linear(nn.Module):
    """Logits of flattened images."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(1)
        self.fc = nn.Linear(64, 10)

    def forward(self, images: Tensor) -> Tensor:
        return self.fc(images.flatten(1))


class Product(nn.Module):
    """Two features (a, b); the logits are a * b and 0."""

    def forward(self, features: Tensor) -> Tensor:
        product = features[:, 0] * features[:, 1]
        return torch.stack([product, torch.zeros_like(product)], 1)


def test_the_gradient_of_a_linear_model_is_the_row_of_its_weight(inputs: Tensor) -> None:
    model, classes = Linear(), torch.arange(12) % 10
    found = input_gradient(model, inputs, classes)
    assert found.shape == inputs.shape
    assert torch.equal(found.flatten(1), model.fc.weight[classes])


def test_without_classes_the_predicted_ones_are_explained(inputs: Tensor) -> None:
    model = Linear()
    predicted = model(inputs).argmax(1)
    assert torch.equal(input_gradient(model, inputs).flatten(1), model.fc.weight[predicted])


def test_the_gradient_is_the_finite_difference_of_the_logit(cnn: nn.Sequential, inputs: Tensor) -> None:
    generator = torch.Generator().manual_seed(0)
    noise, direction = torch.randn(2, 3, 1, 8, 8, generator=generator, dtype=torch.float64)
    # Noise breaks the ties of max pooling in the black parts, where no derivative exists.
    model, images = cnn.double().eval(), inputs[:3].double() + 0.1 * noise
    found = input_gradient(model, images, 4)
    with torch.no_grad():
        step = 1e-7
        change = (model(images + step * direction) - model(images - step * direction))[:, 4] / (2 * step)
    torch.testing.assert_close((found * direction).flatten(1).sum(1), change, rtol=1e-5, atol=1e-6)


def test_flat_inputs_of_a_fully_connected_model_are_explained(inputs: Tensor) -> None:
    model = nn.Sequential(nn.Linear(64, 16), nn.Tanh(), nn.Linear(16, 10))
    assert input_gradient(model, inputs.flatten(1)).shape == (12, 64)


def test_the_saliency_map_is_the_largest_magnitude_over_the_channels() -> None:
    gradients = torch.zeros(2, 3, 4, 4)
    gradients[0, :, 1, 2] = torch.tensor([1.0, -4.0, 2.0])
    gradients[0, 0, 0, 0] = 1.0
    expected = torch.zeros(2, 4, 4)
    expected[0, 1, 2], expected[0, 0, 0] = 1.0, 0.25
    assert torch.equal(saliency_map(gradients), expected)
    with pytest.raises(InterpretationError, match=r"got \(2, 48\); .*\.view\("):
        saliency_map(gradients.flatten(1))


def test_attributions_of_a_linear_model_are_weight_times_difference(inputs: Tensor) -> None:
    model, baseline = Linear().double(), torch.tensor(-0.75, dtype=torch.float64)
    found = integrated_gradients(model, inputs.double(), 2, baseline=baseline, num_steps=1)
    expected = model.fc.weight[2].view(1, 1, 8, 8) * (inputs.double() - baseline)
    torch.testing.assert_close(found.attributions, expected)
    torch.testing.assert_close(found.gap, torch.zeros(12, dtype=torch.float64))


def test_a_product_is_shared_equally_by_its_factors() -> None:
    found = integrated_gradients(Product(), torch.tensor([[3.0, 4.0], [-2.0, 5.0]]), 0, num_steps=5)
    torch.testing.assert_close(found.attributions, torch.tensor([[6.0, 6.0], [-5.0, -5.0]]))


def test_attributions_add_up_to_the_rise_of_the_score(inputs: Tensor) -> None:
    torch.manual_seed(0)
    model = nn.Sequential(
        nn.Conv2d(1, 8, 3), nn.Tanh(), nn.Flatten(), nn.Linear(288, 32), nn.GELU(), nn.Linear(32, 10)
    )
    model, images = model.double(), inputs.double()
    baseline = torch.full((1, 8, 8), -0.75, dtype=torch.float64)
    found = integrated_gradients(model, images, baseline=baseline)
    with torch.no_grad():
        logits, at_baseline = model(images), model(baseline.expand_as(images))
        predicted = logits.argmax(1, keepdim=True)
        rise = (logits - at_baseline).gather(1, predicted).squeeze(1)
    torch.testing.assert_close(found.attributions.flatten(1).sum(1), rise, rtol=1e-8, atol=1e-8)
    assert found.gap.abs().max() < 1e-8


def test_the_gap_tells_when_there_are_too_few_steps(cnn: nn.Sequential, inputs: Tensor) -> None:
    gaps = [integrated_gradients(cnn, inputs, 1, num_steps=steps).gap.abs().mean() for steps in (2, 300)]
    assert gaps[1] < 0.1 * gaps[0]


def test_pixels_that_do_not_differ_from_the_baseline_get_nothing(cnn: nn.Sequential, inputs: Tensor) -> None:
    baseline = inputs.clone()
    baseline[:, :, :4] += 1
    found = integrated_gradients(cnn, inputs, 1, baseline=baseline)
    assert found.attributions[:, :, 4:].abs().max() == 0
    assert found.attributions[:, :, :4].abs().max() > 0


def test_arguments_that_do_not_fit_are_refused(cnn: nn.Sequential, inputs: Tensor) -> None:
    with pytest.raises(InterpretationError, match="num_steps is 0"):
        integrated_gradients(cnn, inputs, num_steps=0)
    with pytest.raises(InterpretationError, match=r"baseline of shape \(5,\) does not fit"):
        integrated_gradients(cnn, inputs, baseline=torch.zeros(5))
    with pytest.raises(InterpretationError, match="class 10 is outside"):
        input_gradient(cnn, inputs, 10)
