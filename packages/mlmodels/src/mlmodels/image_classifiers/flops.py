"""How many operations one image costs in training: what turns images a second into FLOP/s."""

from itertools import pairwise

from mlmodels.image_classifiers.config import CnnConfig, FcConfig, FcScratchConfig


def flops_per_image(config: FcConfig | FcScratchConfig | CnnConfig) -> int:
    """Multiplications and additions of matrix products and convolutions for one image, forward and backward.

    A layer costs its forward product three times: forward, gradient of the weights, gradient of the inputs; the
    first layer has no use for the last. Activations, normalisation and pooling are left out, as is usual.
    """
    layers = forward_flops_of_layers(config)
    return 3 * sum(layers) - layers[0]


def forward_flops_of_layers(config: FcConfig | FcScratchConfig | CnnConfig) -> list[int]:
    """Forward operations of every layer with weights, from input to logits."""
    if not isinstance(config, CnnConfig):
        widths = (config.input_size, *config.hidden_sizes, config.num_classes)
        return [2 * inputs * outputs for inputs, outputs in pairwise(widths)]
    size, layers = config.image_size, []
    for inputs, outputs in pairwise((config.in_channels, *config.channels)):
        layers.append(
            2 * size * size * inputs * 9 * outputs
        )  # 3 × 3 kernels, padded: as many places as pixels
        size //= 2
    widths = (size * size * config.channels[-1], config.fc_size, config.num_classes)
    return [*layers, *(2 * inputs * outputs for inputs, outputs in pairwise(widths))]
