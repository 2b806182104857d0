"""The networks for photographs: counts from closed forms, equality with torchvision and plain modules, whitening."""

from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
import torch
from mlmodels.image_classifiers.backbones import Backbone
from mlmodels.image_classifiers.cifar_resnet import BasicBlock, CifarResNet
from mlmodels.image_classifiers.flops import counted_flops
from mlmodels.image_classifiers.photograph_configs import (
    BackboneConfig,
    CifarResNetConfig,
    SimpleCnnConfig,
    SpeedNetConfig,
)
from mlmodels.image_classifiers.simple_cnn import SimpleCnn
from mlmodels.image_classifiers.speed_net import SpeedNet
from pydantic import ValidationError
from safetensors.torch import save_file
from torch import nn
from torchvision import models
from torchvision.models.resnet import BasicBlock as TorchvisionBlock

SMALL: dict[str, Any] = {"image_size": 16, "num_classes": 5}


def parameters_of(model: nn.Module) -> int:
    return sum(parameter.numel() for parameter in model.parameters())


def images(num: int = 4, size: int = 16) -> torch.Tensor:
    return torch.randn(num, 3, size, size, generator=torch.Generator().manual_seed(0))


def resnet_parameters(n: int, width: int = 16) -> int:
    """6n + 2 layers without parameters in the shortcuts: convolutions, two numbers a BatchNorm channel, the head."""
    first = 27 * width + 2 * width
    stages = [width, 2 * width, 4 * width]
    inside = sum((2 * n - 1) * 9 * w * w + 2 * n * 2 * w for w in stages)
    entering = 9 * (width * width + 2 * width * width + 8 * width * width)
    return first + inside + entering + 4 * width * 10 + 10


@pytest.mark.parametrize(("kind", "n", "published"), [("resnet20", 3, 269_722), ("resnet56", 9, 853_018)])
def test_cifar_resnets_have_the_papers_number_of_parameters(kind: str, n: int, published: int) -> None:
    with torch.device("meta"):
        model = CifarResNet(CifarResNetConfig(type=kind))
    assert parameters_of(model) == resnet_parameters(n) == published
    assert sum(isinstance(layer, nn.Conv2d | nn.Linear) for layer in model.modules()) == 6 * n + 2


def test_a_residual_block_is_torchvisions() -> None:
    ours, theirs = BasicBlock(6, 6, 1).double(), TorchvisionBlock(6, 6).double()
    names = {"conv1": "conv1", "norm1": "bn1", "conv2": "conv2", "norm2": "bn2"}
    state = {
        name.replace(name.split(".")[0], names[name.split(".")[0]]): value
        for name, value in ours.state_dict().items()
    }
    theirs.load_state_dict(state)
    x = torch.randn(2, 6, 5, 5, dtype=torch.float64)
    torch.testing.assert_close(ours(x), theirs(x))


def test_the_shortcut_takes_every_second_pixel_and_pads_channels_with_zeros() -> None:
    x = torch.randn(2, 4, 6, 6)
    found = BasicBlock(4, 8, 2).shortcut(x)
    assert torch.equal(found[:, 2:6], x[:, :, ::2, ::2])
    assert float(found[:, :2].abs().max()) == float(found[:, 6:].abs().max()) == 0


def test_checkpointed_blocks_give_the_same_gradients() -> None:
    plain, saving = (
        CifarResNet(CifarResNetConfig(width=4, checkpointing=flag, **SMALL)) for flag in (False, True)
    )
    saving.load_state_dict(plain.state_dict())
    for model in (plain, saving):
        model.train()(images()).square().sum().backward()
    for (name, first), (_, second) in zip(plain.named_parameters(), saving.named_parameters(), strict=True):
        torch.testing.assert_close(first.grad, second.grad, msg=name)


def test_simple_cnn_is_the_plain_sequence_of_its_layers() -> None:
    config = SimpleCnnConfig(channels=(4, 6), convolutions=(1, 2), **SMALL)
    model = SimpleCnn(config)
    c = [layer for layer in model.body if isinstance(layer, nn.Conv2d)]
    n = [layer for layer in model.body if isinstance(layer, nn.BatchNorm2d)]
    pool, relu = nn.MaxPool2d(2), nn.ReLU()
    plain = nn.Sequential(
        c[0],
        relu,
        pool,
        n[0],
        c[1],
        n[1],
        relu,
        c[2],
        n[2],
        relu,
        pool,
        nn.AdaptiveAvgPool2d(1),
        nn.Flatten(),
    )
    # Fresh BatchNorms in evaluation mode only scale by a positive number: all three orders of pooling are one.
    for norm in n:
        norm.eval()
    x = images()
    torch.testing.assert_close(model.eval()(x), model.head(plain(x)))
    assert parameters_of(model) == 27 * 4 + 9 * 4 * 6 + 9 * 6 * 6 + 2 * (4 + 6 + 6) + 6 * 5 + 5


def test_counted_operations_are_those_of_the_closed_form() -> None:
    config = SimpleCnnConfig(channels=(8, 16), convolutions=(1, 2))
    forward = [2 * 32**2 * 27 * 8, 2 * 16**2 * 72 * 16, 2 * 16**2 * 144 * 16, 2 * 16 * 10]

    def make() -> nn.Module:
        with torch.device("meta"):
            return SimpleCnn(config)

    assert counted_flops(make, (3, 32, 32)) == 3 * sum(forward) - forward[0]


@pytest.mark.parametrize(
    ("kind", "published"),
    [("resnet18", 11_173_962), ("resnet50", 23_520_842), ("efficientnet_b0", 4_020_358)],
)
def test_adapted_backbones_have_the_known_numbers_of_parameters(kind: str, published: int) -> None:
    """The ResNets' are those of the usual forms for CIFAR-10; EfficientNet's are torchvision's but for the head."""
    with torch.device("meta"):
        model = Backbone(BackboneConfig(type=kind))
        theirs = models.efficientnet_b0()
    assert parameters_of(model) == published
    if kind == "efficientnet_b0":
        assert published == parameters_of(theirs) - 1281 * 1000 + 1281 * 10


@pytest.mark.parametrize("ending", ["pth", "safetensors"])
def test_a_backbone_with_torchvisions_weights_computes_torchvisions_features(
    tmp_path: Path, ending: str
) -> None:
    torch.manual_seed(0)
    theirs = models.resnet18().eval()
    path = tmp_path / f"weights.{ending}"
    torch.save(theirs.state_dict(), path) if ending == "pth" else save_file(theirs.state_dict(), path)
    ours = Backbone(BackboneConfig(stem="imagenet", weights=path, freeze="backbone", upscale=2)).train()
    theirs.fc = nn.Identity()
    x = images(2, 32)
    enlarged = nn.functional.interpolate(x, scale_factor=2, mode="bilinear")
    torch.testing.assert_close(ours.features(x), theirs(enlarged), atol=1e-5, rtol=1e-4)
    trained = {name for name, parameter in ours.named_parameters() if parameter.requires_grad}
    assert trained == {"head.weight", "head.bias"}
    assert ours.frozen_prefixes == ("body.",)


def test_wrong_files_of_weights_are_named(tmp_path: Path) -> None:
    path = tmp_path / "weights.pth"
    with pytest.raises(ValueError, match="there is no file"):
        Backbone(BackboneConfig(weights=path))
    torch.save({"a": torch.zeros(2)}, path)
    with pytest.raises(ValueError, match=r"holds 0 of the .* tensors of resnet18"):
        Backbone(BackboneConfig(weights=path))
    path.write_bytes(b"no file of torch")
    with pytest.raises(ValueError, match="cannot be read"):
        Backbone(BackboneConfig(weights=path))
    with pytest.raises(ValidationError, match="name a file of weights"):
        BackboneConfig(freeze="backbone")


def test_whitened_patches_are_uncorrelated_with_unit_variance() -> None:
    model = SpeedNet(SpeedNetConfig(whitening_epsilon=1e-9, **SMALL))
    mixed = torch.einsum("dc,bchw->bdhw", torch.randn(3, 3), images(64)).cumsum(dim=3) / 4
    model.fit_first_layer(mixed)
    out = model.whitening(mixed).permute(1, 0, 2, 3).flatten(1)
    half = len(out) // 2
    torch.testing.assert_close(out[:half], -out[half:])
    moments = out[:half] @ out[:half].T / out.shape[1]
    torch.testing.assert_close(moments, torch.eye(half), atol=2e-3, rtol=0)
    assert "whitening.weight_OCPP" in model.state_dict()
    assert "whitening.weight_OCPP" not in dict(model.named_parameters())


def test_speed_net_begins_as_the_identity_and_has_no_scales() -> None:
    model = SpeedNet(SpeedNetConfig(widths=(32, 40), **SMALL))
    x = torch.randn(2, 24, 8, 8)
    torch.testing.assert_close(model.blocks[0].conv1(x)[:, :24], x)
    widths = (24, 32, 40)
    convolutions = sum(9 * a * b + 9 * b * b + 2 * b for a, b in pairwise(widths))
    assert parameters_of(model) == 24 + convolutions + 40 * 5
    features = model.eval().features(images())
    torch.testing.assert_close(model(images()), model.head(features) / 9)


def test_every_parameter_of_speed_net_has_one_role() -> None:
    model = SpeedNet(SpeedNetConfig(widths=(32, 40), **SMALL))
    roles = model.parameter_roles()
    placed = [id(parameter) for group in roles.values() for parameter in group]
    assert sorted(placed) == sorted(map(id, model.parameters()))
    assert [tuple(weight.shape) for weight in roles["matrices"]] == [
        (32, 24, 3, 3),
        (32, 32, 3, 3),
        (40, 32, 3, 3),
        (40, 40, 3, 3),
    ]


CONFIGS = [
    SimpleCnnConfig(channels=(4, 6), convolutions=(1, 1), **SMALL),
    CifarResNetConfig(width=4, **SMALL),
    SpeedNetConfig(widths=(8, 8), **SMALL),
]
KINDS = {"simple_cnn": SimpleCnn, "resnet20": CifarResNet, "speed_net": SpeedNet}


@pytest.mark.parametrize("config", CONFIGS, ids=lambda config: config.type)
def test_starting_weights_come_from_the_generator_alone_and_every_parameter_learns(config: Any) -> None:
    model = KINDS[config.type].from_config(config)
    states = []
    for seed in (3, 3, 4):
        model.init_weights(torch.Generator().manual_seed(seed))
        states.append({name: value.clone() for name, value in model.state_dict().items()})
    assert all(torch.equal(value, states[1][name]) for name, value in states[0].items())
    assert any(not torch.equal(value, states[2][name]) for name, value in states[0].items())
    logits = model.to(memory_format=torch.channels_last)(images())
    assert logits.shape == (4, 5)
    nn.functional.cross_entropy(logits, torch.arange(4)).backward()
    for name, parameter in model.named_parameters():
        assert parameter.grad is not None, name
        assert float(parameter.grad.abs().max()) > 0, name
    torch.testing.assert_close(model.eval().head(model.features(images())) * scale_of(model), model(images()))


def scale_of(model: nn.Module) -> float:
    return model.config.output_scale if isinstance(model, SpeedNet) else 1.0


@pytest.mark.parametrize("config", CONFIGS, ids=lambda config: config.type)
def test_images_of_another_shape_are_refused_and_layers_to_show_answer(config: Any) -> None:
    model = KINDS[config.type].from_config(config)
    with pytest.raises(ValueError, match=r"takes \(batch, 3, 16, 16\)"):
        model(torch.zeros(2, 3, 15, 16))
    seen: list[str] = []
    for name, layer in model.layers_to_show.items():
        layer.register_forward_hook(lambda module, inputs, output, name=name: seen.append(name))
    model(images())
    assert seen == list(model.layers_to_show)
    assert seen


@pytest.mark.parametrize("config", CONFIGS, ids=lambda config: config.type)
def test_smaller_squares_are_for_training_alone(config: Any) -> None:
    model = KINDS[config.type].from_config(config)
    small = images()[:, :, :12, :12]
    assert model.train()(small).shape == (4, 5)
    for wrong in (images()[:, :, :12], images()[:, :2, :12, :12], torch.zeros(4, 3, 20, 20)):
        with pytest.raises(ValueError, match=r"takes \(batch, 3, 16, 16\)"):
            model(wrong)
    with pytest.raises(ValueError, match=r"takes \(batch, 3, 16, 16\)"):
        model.eval()(small)


def test_stages_that_do_not_fit_are_refused() -> None:
    with pytest.raises(ValidationError, match="one number a stage in both"):
        SimpleCnnConfig(channels=(4, 8), convolutions=(1,))
    with pytest.raises(ValidationError, match="at most 4 stages"):
        SimpleCnnConfig(channels=(4,) * 5, convolutions=(1,) * 5, image_size=16)
    with pytest.raises(ValidationError, match="cannot be halved"):
        SpeedNetConfig(widths=(4,) * 4, image_size=8)
