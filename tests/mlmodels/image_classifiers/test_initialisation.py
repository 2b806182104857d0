"""Starting weights: torch's own bit for bit, and the variances of the two papers."""

import math

import pytest
import torch
from mlmodels.image_classifiers import (
    CnnClassifier,
    CnnConfig,
    FcClassifier,
    FcConfig,
    FcScratch,
    FcScratchConfig,
)
from mlmodels.image_classifiers.initialisation import initialise
from torch import Tensor, nn

SHAPES = [(300, 500), (64, 32, 3, 3)]


def fans(weight: Tensor) -> tuple[int, int]:
    kernel = math.prod(weight.shape[2:])
    return weight.shape[1] * kernel, weight.shape[0] * kernel


def drawn(shape: tuple[int, ...], scheme: str) -> tuple[Tensor, Tensor]:
    weight, bias = torch.full(shape, 7.0), torch.full(shape[:1], 7.0)
    initialise(weight, bias, scheme, torch.Generator().manual_seed(0))
    return weight, bias


@pytest.mark.parametrize("shape", SHAPES)
def test_xavier_is_uniform_with_the_variance_of_the_paper(shape: tuple[int, ...]) -> None:
    weight, bias = drawn(shape, "xavier")
    fan_in, fan_out = fans(weight)
    assert float(weight.var()) == pytest.approx(2 / (fan_in + fan_out), rel=0.02)
    bound = math.sqrt(6 / (fan_in + fan_out))
    assert 0.99 * bound < float(weight.abs().max()) <= bound
    assert not bias.any()


@pytest.mark.parametrize("shape", SHAPES)
def test_kaiming_is_normal_with_the_variance_of_the_paper(shape: tuple[int, ...]) -> None:
    weight, bias = drawn(shape, "kaiming")
    deviation = math.sqrt(2 / fans(weight)[0])
    assert float(weight.var()) == pytest.approx(deviation**2, rel=0.04)
    within = float((weight.abs() < deviation).float().mean())
    assert within == pytest.approx(math.erf(1 / math.sqrt(2)), abs=0.01)
    assert not bias.any()


def test_kaiming_keeps_the_signal_through_many_layers_and_xavier_does_not() -> None:
    images = torch.randn(50, 256, generator=torch.Generator().manual_seed(1))
    spread = {}
    for init in ("xavier", "kaiming"):
        model = FcClassifier(FcConfig(input_size=256, hidden_sizes=(256,) * 10, init=init)).eval()
        model.init_weights(torch.Generator().manual_seed(2))
        spread[init] = float(model.features(images).detach().square().mean())
    assert 0.3 < spread["kaiming"] < 3.0
    assert spread["xavier"] == pytest.approx(2**-10 * spread["kaiming"], rel=1.0)


@pytest.mark.parametrize("model", [FcClassifier(FcConfig()), CnnClassifier(CnnConfig())], ids=["fc", "cnn"])
def test_the_default_is_what_torch_draws(model: FcClassifier | CnnClassifier) -> None:
    torch.manual_seed(5)
    model.init_weights()
    found = [parameter.clone() for parameter in model.parameters()]
    torch.manual_seed(5)
    for module in model.modules():  # in the order in which a Sequential would have built them
        if isinstance(module, nn.Linear | nn.Conv2d | nn.BatchNorm2d):
            module.reset_parameters()
    for parameter, expected in zip(model.parameters(), found, strict=True):
        assert torch.equal(parameter, expected)


@pytest.mark.parametrize("init", ["default", "xavier", "kaiming"])
@pytest.mark.parametrize(
    "model",
    [
        FcClassifier(FcConfig(hidden_sizes=(5,))),
        CnnClassifier(CnnConfig(channels=(2,), fc_size=3)),
        FcScratch(FcScratchConfig(hidden_sizes=(5,))),
    ],
    ids=["fc", "cnn", "fc_scratch"],
)
def test_weights_are_a_function_of_the_generator_alone(model: FcClassifier, init: str) -> None:
    model = type(model)(model.config.model_copy(update={"init": init}))
    states = []
    for global_seed, seed in [(0, 1), (1, 1), (1, 2)]:
        torch.manual_seed(global_seed)
        before = torch.get_rng_state()
        model.init_weights(torch.Generator().manual_seed(seed))
        assert torch.equal(torch.get_rng_state(), before)
        states.append({name: value.clone() for name, value in model.state_dict().items()})
    first, same, other = states
    assert all(torch.equal(value, same[name]) for name, value in first.items())
    weights = [name for name in first if name.endswith("weight") and "norm" not in name]
    assert weights
    assert not any(torch.equal(first[name], other[name]) for name in weights)


def test_the_numpy_model_starts_from_the_same_weights() -> None:
    model, scratch = FcClassifier(FcConfig()), FcScratch(FcScratchConfig())
    for network in (model, scratch):
        network.init_weights(torch.Generator().manual_seed(9))
    expected = model.state_dict()
    assert all(torch.equal(value, expected[name]) for name, value in scratch.named_parameters())
    assert len(expected) == len(list(scratch.parameters()))
