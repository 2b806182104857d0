"""How many operations one image costs in training: what turns images a second into FLOP/s."""

from collections.abc import Callable
from itertools import pairwise
from typing import TYPE_CHECKING

from mlmodels.image_classifiers.config import CnnConfig, FcConfig, FcScratchConfig
from mlmodels.image_classifiers.photograph_configs import SimpleCnnConfig
from mlmodels.image_classifiers.vit_config import VitConfig

if TYPE_CHECKING:
    from torch import nn


Config = FcConfig | FcScratchConfig | CnnConfig | SimpleCnnConfig | VitConfig


def flops_per_image(config: Config) -> int:
    """Multiplications and additions of matrix products and convolutions for one image, forward and backward.

    A layer costs its forward product three times: forward, gradient of the weights, gradient of the inputs; the
    first layer has no use for the last. Activations, normalisation and pooling are left out, as is usual.
    """
    layers = forward_flops_of_layers(config)
    return 3 * sum(layers) - layers[0]


def forward_flops_of_layers(config: Config) -> list[int]:
    """Forward operations of every layer with weights, from input to logits; a ViT's attention is a layer too."""
    if isinstance(config, VitConfig):
        return _vit_layers(config)
    if isinstance(config, SimpleCnnConfig):
        return _simple_cnn_layers(config)
    if isinstance(config, CnnConfig):
        return _cnn_layers(config)
    widths = (config.input_size, *config.hidden_sizes, config.num_classes)
    return [2 * inputs * outputs for inputs, outputs in pairwise(widths)]


def _cnn_layers(config: CnnConfig) -> list[int]:
    size, layers = config.image_size, []
    for inputs, outputs in pairwise((config.in_channels, *config.channels)):
        layers.append(_convolution(size, inputs, outputs))
        size //= 2
    widths = (size * size * config.channels[-1], config.fc_size, config.num_classes)
    return [*layers, *(2 * inputs * outputs for inputs, outputs in pairwise(widths))]


def _simple_cnn_layers(config: SimpleCnnConfig) -> list[int]:
    size, inputs, layers = config.image_size, config.in_channels, []
    for outputs, count in zip(config.channels, config.convolutions, strict=True):
        for _ in range(count):
            layers.append(_convolution(size, inputs, outputs))
            inputs = outputs
        size //= 2
    return [*layers, 2 * inputs * config.num_classes]


def _convolution(size: int, inputs: int, outputs: int) -> int:
    """3 × 3 kernels, padded: as many places as pixels."""
    return 2 * size * size * inputs * 9 * outputs


def _vit_layers(config: VitConfig) -> list[int]:
    d, num = config.d_model, config.num_positions
    num_inner = 3 if config.feed_forward == "swiglu" else 2  # matrices of the feed-forward network
    patches = 2 * config.grid_size**2 * config.in_channels * config.patch_size**2 * d
    attention = 2 * (2 * num * num * d)  # queries times keys, weights times values
    block = [2 * num * 4 * d * d, attention, 2 * num * num_inner * d * config.d_ffn]
    return [patches, *(config.n_layers * block), 2 * d * config.num_classes]


def counted_flops(make_model: "Callable[[], nn.Module]", image_shape: tuple[int, int, int]) -> int:
    """What torch's own counter finds in a training step for one image (C, H, W), forward and backward.

    Nothing is computed: model and images have shapes only, on the "meta" device.

    Args:
        make_model: builds the model on the meta device.
        image_shape: channels, height, width.
    """
    import torch
    from torch.utils.flop_counter import FlopCounterMode

    num_images = 2  # BatchNorm wants more than one value a channel, however small the maps have become
    model = make_model().train()
    with FlopCounterMode(display=False) as counter:
        model(torch.empty(num_images, *image_shape, device="meta")).sum().backward()
    return counter.get_total_flops() // num_images
