"""The convolutional classifier against the same network as a plain torch.nn.Sequential."""

import pytest
import torch
from mlmodels.image_classifiers import CnnClassifier, CnnConfig
from torch import Tensor, nn
from torch.nn import functional

SMALL = {"in_channels": 3, "image_size": 13, "channels": (4, 6), "fc_size": 9, "num_classes": 5}


def plain_network(*, batch_norm: bool) -> nn.Sequential:
    def norm(channels: int) -> list[nn.Module]:
        return [nn.BatchNorm2d(channels)] if batch_norm else []

    return nn.Sequential(
        *(nn.Conv2d(1, 32, 3, padding=1), nn.ReLU(), *norm(32), nn.MaxPool2d(2)),
        *(nn.Conv2d(32, 64, 3, padding=1), nn.ReLU(), *norm(64), nn.MaxPool2d(2)),
        *(nn.Flatten(), nn.Linear(64 * 7 * 7, 128), nn.ReLU(), nn.Dropout(0.5)),
        nn.Linear(128, 10),
    ).double()


def batch(size: int = 4, channels: int = 1, side: int = 28, num_classes: int = 10) -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(0)
    images = torch.randn(size, channels, side, side, generator=generator, dtype=torch.float64)
    return images, torch.randint(0, num_classes, (size,), generator=generator)


def logits_after_backward(model: nn.Module, images: Tensor, labels: Tensor) -> Tensor:
    torch.manual_seed(1)  # the same dropout masks
    logits = model(images)
    functional.cross_entropy(logits, labels).backward()
    return logits


def test_the_defaults_have_exactly_the_published_number_of_parameters() -> None:
    with torch.device("meta"):
        model = CnnClassifier(CnnConfig())
    assert sum(parameter.numel() for parameter in model.parameters()) == 421_834


@pytest.mark.parametrize("batch_norm", [True, False])
def test_training_and_evaluation_equal_a_plain_sequential(batch_norm: bool) -> None:
    model, plain = (
        CnnClassifier(CnnConfig(batch_norm=batch_norm)).double(),
        plain_network(batch_norm=batch_norm),
    )
    ours, theirs = model.state_dict(), plain.state_dict()
    plain.load_state_dict(dict(zip(theirs, ours.values(), strict=True)))  # both in the order of the layers
    images, labels = batch()
    logits = [logits_after_backward(network, images, labels) for network in (model, plain)]
    torch.testing.assert_close(*logits, rtol=0, atol=1e-13)
    for parameter, other in zip(model.parameters(), plain.parameters(), strict=True):
        torch.testing.assert_close(parameter.grad, other.grad, rtol=0, atol=1e-13)
    for statistic, other in zip(model.buffers(), plain.buffers(), strict=True):
        torch.testing.assert_close(statistic, other)
    torch.testing.assert_close(model.eval()(images), plain.eval()(images), rtol=0, atol=1e-13)


def test_channels_last_is_the_same_model() -> None:
    contiguous, last = CnnClassifier(CnnConfig(**SMALL)).double(), CnnClassifier(CnnConfig(**SMALL)).double()
    last.load_state_dict(contiguous.state_dict())
    last = last.to(memory_format=torch.channels_last)
    images, labels = batch(channels=3, side=13, num_classes=5)
    maps: list[Tensor] = []
    last.layers_to_show["conv2"].register_forward_hook(lambda module, inputs, output: maps.append(output))
    expected = logits_after_backward(contiguous, images, labels)
    found = logits_after_backward(last, images.to(memory_format=torch.channels_last), labels)
    torch.testing.assert_close(found, expected, rtol=0, atol=1e-12)
    for parameter, other in zip(last.parameters(), contiguous.parameters(), strict=True):
        torch.testing.assert_close(parameter.grad, other.grad, rtol=0, atol=1e-12)
    assert maps[0].is_contiguous(memory_format=torch.channels_last)
    assert not maps[0].is_contiguous()


@pytest.mark.parametrize("changes", [{}, {"channels": (8,)}, {"image_size": 8, "channels": (2, 3, 4)}])
def test_the_head_makes_logits_of_the_features(changes: dict[str, object]) -> None:
    config = CnnConfig(**{**SMALL, **changes})
    model = CnnClassifier.from_config(config).eval()
    images = batch(channels=3, side=config.image_size)[0].float()
    features = model.features(images)
    assert features.shape == (4, model.dim) == (4, 9)
    torch.testing.assert_close(model.head(features), model(images))
    assert model(images).shape == (4, 5)


def test_every_convolution_is_shown_by_name_with_its_untouched_output() -> None:
    model = CnnClassifier(CnnConfig(**SMALL))
    assert list(model.layers_to_show) == ["conv1", "conv2"]
    seen: dict[str, Tensor] = {}
    for name, layer in model.layers_to_show.items():
        layer.register_forward_hook(lambda module, inputs, output, name=name: seen.update({name: output}))
    model(batch(channels=3, side=13)[0].float())
    assert seen["conv1"].shape == (4, 4, 13, 13)
    assert seen["conv2"].shape == (4, 6, 6, 6)
    assert all(bool((maps < 0).any()) for maps in seen.values())  # no ReLU has written over them


def test_initialising_again_forgets_the_running_statistics() -> None:
    model = CnnClassifier(CnnConfig(**SMALL))
    model.init_weights(torch.Generator().manual_seed(3))
    before = {name: value.clone() for name, value in model.state_dict().items()}
    with torch.no_grad():
        model(batch(channels=3, side=13)[0].float())
        for parameter in model.parameters():
            parameter.add_(1.0)
    assert int(model.blocks[0].norm.num_batches_tracked) == 1
    model.init_weights(torch.Generator().manual_seed(3))
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())


@pytest.mark.parametrize("shape", [(4, 784), (1, 28, 28), (4, 3, 28, 28), (4, 1, 28, 32)])
def test_images_of_another_shape_are_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match=r"takes \(batch, 1, 28, 28\): see in_channels and image_size"):
        CnnClassifier(CnnConfig())(torch.zeros(shape))
