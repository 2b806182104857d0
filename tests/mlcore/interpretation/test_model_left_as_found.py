"""Looking into a model changes nothing about it: mode, gradients, buffers, hooks, random numbers."""

from collections.abc import Callable
from typing import Any

import pytest
import torch
from mlcore.interpretation import (
    activation_maps,
    grad_cam,
    input_gradient,
    integrated_gradients,
    maximal_activations,
)
from torch import Tensor, nn

Look = Callable[[nn.Sequential, Tensor], Any]
LOOKS: dict[str, Look] = {
    "grad_cam": lambda model, images: grad_cam(model, model[4], images),
    "input_gradient": lambda model, images: input_gradient(model, images),
    "integrated_gradients": lambda model, images: integrated_gradients(model, images, num_steps=3),
    "activation_maps": lambda model, images: activation_maps(model, {"first": model[0]}, images),
    "maximal_activations": lambda model, images: maximal_activations(model, model[0], [images]),
}


def snapshot(model: nn.Module) -> dict[str, Any]:
    """Everything that could have changed, by value."""
    hooks = ("_forward_hooks", "_forward_pre_hooks", "_backward_hooks", "_backward_pre_hooks")
    return {
        "modes": [module.training for module in model.modules()],
        "state": {name: value.clone() for name, value in model.state_dict().items()},
        "gradients": [None if p.grad is None else p.grad.clone() for p in model.parameters()],
        "trainable": [p.requires_grad for p in model.parameters()],
        "hooks": [[len(getattr(module, name)) for name in hooks] for module in model.modules()],
        "random": torch.get_rng_state(),
    }


def assert_same(before: dict[str, Any], after: dict[str, Any]) -> None:
    for plain in ("modes", "trainable", "hooks"):
        assert before[plain] == after[plain]
    assert torch.equal(before["random"], after["random"])
    for name, value in before["state"].items():
        assert torch.equal(value, after["state"][name]), name
    for one, other in zip(before["gradients"], after["gradients"], strict=True):
        assert (one is None and other is None) or torch.equal(one, other)


@pytest.fixture
def training_model(cnn: nn.Sequential, inputs: Tensor) -> nn.Sequential:
    """In the middle of training: gradients of a batch, one part frozen in evaluation mode, one frozen weight."""
    cnn.train()
    cnn(inputs).sum().backward()
    cnn[1].eval()
    cnn[0].weight.requires_grad_(False)
    cnn[0].bias.grad = None
    cnn[4].register_forward_hook(lambda *_: None)
    return cnn


@pytest.mark.parametrize("look", LOOKS.values(), ids=LOOKS)
def test_the_model_is_left_as_it_was(training_model: nn.Sequential, inputs: Tensor, look: Look) -> None:
    images, before = inputs.clone(), snapshot(training_model)
    look(training_model, images)
    assert_same(before, snapshot(training_model))
    assert torch.equal(images, inputs)
    assert not images.requires_grad


class Broken(nn.Module):
    """Fails in the forward pass."""

    def forward(self, _: Tensor) -> Tensor:
        raise RuntimeError("broken layer")


@pytest.mark.parametrize("look", LOOKS.values(), ids=LOOKS)
def test_the_model_is_left_as_it_was_when_its_forward_pass_fails(
    training_model: nn.Sequential, inputs: Tensor, look: Look
) -> None:
    training_model.append(Broken())
    before = snapshot(training_model)
    with pytest.raises(RuntimeError, match="broken layer"):
        look(training_model, inputs)
    assert_same(before, snapshot(training_model))


@pytest.mark.parametrize("look", LOOKS.values(), ids=LOOKS)
def test_dropout_and_batch_statistics_are_switched_off(
    training_model: nn.Sequential, inputs: Tensor, look: Look
) -> None:
    found = look(training_model, inputs)
    expected = look(training_model.eval(), inputs)
    for one, other in zip(tensors_of(found), tensors_of(expected), strict=True):
        assert torch.equal(one, other)


def tensors_of(result: Any) -> list[Tensor]:
    if isinstance(result, Tensor):
        return [result]
    if hasattr(result, "__dataclass_fields__"):
        return [getattr(result, name) for name in result.__dataclass_fields__]
    return list(result.values()) if isinstance(result, dict) else list(result)
