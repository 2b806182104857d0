"""Activation maps are what the layers give when they are run by hand."""

import pytest
import torch
from mlcore.interpretation import InterpretationError, activation_maps
from torch import Tensor, nn


def test_maps_are_the_outputs_of_the_layers(cnn: nn.Sequential, inputs: Tensor) -> None:
    cnn.eval()
    with torch.no_grad():
        first = nn.functional.conv2d(inputs, cnn[0].weight, cnn[0].bias, padding=1)
        pooled = cnn[3](cnn[1](first).relu())
        logits = cnn(inputs)
    found = activation_maps(cnn, {"first": cnn[0], "pooled": cnn[3], "logits": cnn[8]}, inputs)
    assert list(found) == ["first", "pooled", "logits"]
    torch.testing.assert_close(found["first"], first)
    torch.testing.assert_close(found["pooled"], pooled)
    torch.testing.assert_close(found["logits"], logits)
    assert not any(values.requires_grad for values in found.values())


def test_what_stands_before_an_in_place_activation_keeps_its_negative_values(
    cnn: nn.Sequential, inputs: Tensor
) -> None:
    found = activation_maps(cnn, {"normalised": cnn[1], "activated": cnn[2]}, inputs)
    assert found["normalised"].min() < 0
    assert torch.equal(found["normalised"].relu(), found["activated"])


def test_one_layer_may_have_two_names(cnn: nn.Sequential, inputs: Tensor) -> None:
    found = activation_maps(cnn, {"one": cnn[0], "other": cnn[0]}, inputs)
    assert torch.equal(found["one"], found["other"])


def test_layers_of_a_compiled_model_are_seen_although_it_was_compiled_without_hooks(
    cnn: nn.Sequential, inputs: Tensor
) -> None:
    expected = activation_maps(cnn, {"first": cnn[0]}, inputs)["first"]
    cnn.compile(backend="eager")
    with torch.no_grad():
        cnn.eval()(inputs)
    torch.testing.assert_close(activation_maps(cnn, {"first": cnn[0]}, inputs)["first"], expected)


def test_a_layer_of_another_model_is_named(cnn: nn.Sequential, inputs: Tensor) -> None:
    with pytest.raises(InterpretationError, match="layer 'stranger' did not run"):
        activation_maps(cnn, {"first": cnn[0], "stranger": nn.ReLU()}, inputs)


def test_a_layer_that_gives_no_tensor_is_named() -> None:
    lstm = nn.LSTM(4, 3)
    with pytest.raises(InterpretationError, match=r"layer 'memory' \(LSTM\) gives a tuple"):
        activation_maps(lstm, {"memory": lstm}, torch.randn(5, 2, 4))
