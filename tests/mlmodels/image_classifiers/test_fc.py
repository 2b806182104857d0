"""The fully connected classifier against the same network as a plain torch.nn.Sequential."""

import pytest
import torch
from mlmodels.image_classifiers import FcClassifier, FcConfig
from torch import Tensor, nn
from torch.nn import functional


def plain_network(*, batch_norm: bool) -> nn.Sequential:
    def norm(width: int) -> list[nn.Module]:
        return [nn.BatchNorm1d(width)] if batch_norm else []

    return nn.Sequential(
        nn.Flatten(),
        *(nn.Linear(784, 256), *norm(256), nn.ReLU(), nn.Dropout(0.2)),
        *(nn.Linear(256, 128), *norm(128), nn.ReLU(), nn.Dropout(0.2)),
        nn.Linear(128, 10),
    ).double()


def model_and_plain(*, batch_norm: bool) -> tuple[FcClassifier, nn.Sequential]:
    """Both in float64 with the same weights, which are given by the layers' order."""
    model, plain = (
        FcClassifier(FcConfig(batch_norm=batch_norm)).double(),
        plain_network(batch_norm=batch_norm),
    )
    layers = [layer for pair in zip(model.hidden, model.norms, strict=True) for layer in pair]
    ours = [layer for layer in (*layers, model.head) if not isinstance(layer, nn.Identity)]
    theirs = [layer for layer in plain if isinstance(layer, nn.Linear | nn.BatchNorm1d)]
    for layer, other in zip(ours, theirs, strict=True):
        other.load_state_dict(layer.state_dict())
    return model, plain


def batch(size: int = 8) -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(0)
    images = torch.randn(size, 1, 28, 28, generator=generator, dtype=torch.float64)
    return images, torch.randint(0, 10, (size,), generator=generator)


def num_parameters(model: nn.Module) -> int:
    return sum(parameter.numel() for parameter in model.parameters())


def test_the_defaults_have_exactly_the_published_number_of_parameters() -> None:
    with torch.device("meta"):
        assert num_parameters(FcClassifier(FcConfig())) == 235_146


@pytest.mark.parametrize("batch_norm", [False, True])
def test_training_and_evaluation_equal_a_plain_sequential(batch_norm: bool) -> None:
    model, plain = model_and_plain(batch_norm=batch_norm)
    images, labels = batch()
    logits = []
    for network in (model, plain):
        torch.manual_seed(1)  # the same dropout masks
        logits.append(network(images))
        functional.cross_entropy(logits[-1], labels).backward()
    torch.testing.assert_close(*logits, rtol=0, atol=0)
    ours, theirs = list(model.parameters()), list(plain.parameters())
    assert len(ours) == len(theirs)
    squares = [sum(float(p.grad.square().sum()) for p in parameters) for parameters in (ours, theirs)]
    assert squares[0] == pytest.approx(squares[1], rel=1e-12)
    torch.testing.assert_close(model.hidden[0].weight.grad, plain[1].weight.grad, rtol=0, atol=1e-14)
    torch.testing.assert_close(model.eval()(images), plain.eval()(images), rtol=0, atol=0)


def test_images_may_be_rows_already() -> None:
    model, images = FcClassifier(FcConfig()).double().eval(), batch()[0]
    torch.testing.assert_close(model(images), model(images.reshape(8, 784)), rtol=0, atol=0)
    in_other_memory = images.expand(8, 1, 28, 28).to(memory_format=torch.channels_last)
    torch.testing.assert_close(model(images), model(in_other_memory), rtol=0, atol=0)


def test_colour_images_are_flattened_by_channel_whatever_the_memory_format() -> None:
    model = FcClassifier(FcConfig(input_size=3 * 4 * 5)).eval()
    images = torch.randn(2, 3, 4, 5)
    torch.testing.assert_close(model(images), model(images.to(memory_format=torch.channels_last)))


@pytest.mark.parametrize("hidden_sizes", [(), (12,), (12, 7, 5)])
def test_the_head_makes_logits_of_the_features(hidden_sizes: tuple[int, ...]) -> None:
    model = FcClassifier(FcConfig(hidden_sizes=hidden_sizes, num_classes=3)).eval()
    images = batch()[0].float()
    features = model.features(images)
    assert features.shape == (8, model.dim)
    assert model.dim == (hidden_sizes[-1] if hidden_sizes else 784)
    torch.testing.assert_close(model.head(features), model(images))
    assert model(images).shape == (8, 3)
    (layer,) = model.layers_to_show.values()
    assert layer.weight.shape[1] == 784


@pytest.mark.parametrize(
    ("shape", "hint"), [((4, 3, 32, 32), "input_size: 3072"), ((784,), "first dimension is the batch")]
)
def test_images_of_another_size_are_refused_with_the_remedy(shape: tuple[int, ...], hint: str) -> None:
    with pytest.raises(ValueError, match=hint):
        FcClassifier(FcConfig())(torch.zeros(shape))


def test_reading_a_state_dict_gives_the_same_model() -> None:
    first, second = (FcClassifier.from_config(FcConfig(batch_norm=True)) for _ in range(2))
    first(batch()[0].float())
    second.load_state_dict(first.state_dict())
    images = batch()[0].float()
    assert torch.equal(first.eval()(images), second.eval()(images))
