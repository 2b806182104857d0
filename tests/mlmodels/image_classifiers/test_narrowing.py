"""Filters that put out nothing but zeros can be left out of SimpleCnn, and nothing changes."""

import pytest
import torch
from mlmodels.image_classifiers.photograph_configs import SimpleCnnConfig
from mlmodels.image_classifiers.simple_cnn import SimpleCnn
from torch import nn

KEPT = ([0, 3, 4], [1, 5], [2, 7])  # of the three convolutions


def with_zero_filters(kept: tuple[list[int], ...], pooling: str = "mean") -> SimpleCnn:
    """Two stages with one and two convolutions, trained statistics, and only some filters left."""
    torch.manual_seed(0)
    config = SimpleCnnConfig(
        image_size=8, channels=(6, 8), convolutions=(1, 2), num_classes=3, pooling=pooling
    )
    model = SimpleCnn(config).double()
    with torch.no_grad():
        for _ in range(3):
            model(1 + 2 * torch.randn(16, 3, 8, 8, dtype=torch.float64))
        for parameter in model.parameters():
            parameter.add_(0.2 * torch.randn_like(parameter))
        convolutions = [layer for layer in model.body if isinstance(layer, nn.Conv2d)]
        norms = [layer for layer in model.body if isinstance(layer, nn.BatchNorm2d)]
        for convolution, norm, numbers in zip(convolutions, norms, kept, strict=True):
            out = torch.ones(len(norm.weight), dtype=torch.bool)
            out[numbers] = False
            for tensor in (convolution.weight, norm.weight, norm.bias):
                tensor[out] = 0.0
    return model.eval()


@pytest.mark.parametrize("pooling", ["mean", "max"])
def test_the_narrow_network_says_the_same(pooling: str) -> None:
    model = with_zero_filters(KEPT, pooling)
    narrow = model.without_removed_filters()
    assert narrow.config.channels == (3, 2)
    expected = 3 * 27 + 2 * (3 + 2 + 2) + 2 * 3 * 9 + 2 * 2 * 9 + 2 * 3 + 3
    assert sum(parameter.numel() for parameter in narrow.parameters()) == expected
    images = torch.randn(5, 3, 8, 8, dtype=torch.float64)
    with torch.no_grad():
        torch.testing.assert_close(narrow(images), model(images), rtol=1e-12, atol=1e-12)
        assert model(images).std() > 0.01, "there is something to be equal"


def test_it_trains_from_there_as_the_wide_one_would_with_its_statistics() -> None:
    model = with_zero_filters(KEPT)
    narrow = model.without_removed_filters()
    images = torch.randn(5, 3, 8, 8, dtype=torch.float64)
    model.train()
    narrow.train()
    torch.testing.assert_close(narrow(images), model(images), rtol=1e-10, atol=1e-10)


def test_a_filter_that_still_puts_out_a_constant_stays() -> None:
    model = with_zero_filters(KEPT)
    with torch.no_grad():
        model.body[2].bias[1] = 0.5  # the BatchNorm behind the first convolution and its pooling
    assert isinstance(model.body[2], nn.BatchNorm2d)
    assert model.without_removed_filters().config.channels == (4, 2)


def test_widths_that_no_config_can_say_are_refused() -> None:
    with pytest.raises(ValueError, match="different numbers of filters"):
        with_zero_filters(([0], [1, 5], [2])).without_removed_filters()
