"""A convolutional classifier. B batch, C channels, H height, W width, D features, K classes."""

from collections import OrderedDict
from itertools import pairwise
from typing import Self

import torch
from torch import Tensor, nn

from mlmodels.base_model import BaseModel
from mlmodels.image_classifiers.config import CnnConfig
from mlmodels.image_classifiers.initialisation import initialise
from mlmodels.image_classifiers.input_shape import check_images


class CnnClassifier(BaseModel):
    """Conv 3×3 → ReLU → [BatchNorm] → MaxPool 2×2 for every entry of `channels`, then linear → ReLU → dropout
    and a last linear layer, the head.

    On a CPU it is fastest in channels-last memory format: `model.to(memory_format=torch.channels_last)`.
    """

    def __init__(self, config: CnnConfig) -> None:
        super().__init__()
        self.config = config
        channels = (config.in_channels, *config.channels)
        self.blocks = nn.Sequential(
            *(_block(inputs, outputs, config.batch_norm) for inputs, outputs in pairwise(channels))
        )
        self.fc = nn.Linear(channels[-1] * config.final_size**2, config.fc_size)
        self.dropout = nn.Dropout(config.dropout)
        self.head = nn.Linear(config.fc_size, config.num_classes)

    @property
    def dim(self) -> int:
        return self.config.fc_size

    @property
    def layers_to_show(self) -> dict[str, nn.Module]:
        """The convolutions, first to last: weights (outputs, inputs, 3, 3); outputs are maps before the ReLU."""
        return {f"conv{number}": conv for number, conv in enumerate(self._convolutions(), start=1)}

    @classmethod
    def from_config(cls, config: CnnConfig) -> Self:
        return cls(config)

    @torch.no_grad()
    def init_weights(self, generator: torch.Generator | None = None) -> None:
        """Draw convolutions and linear layers by `config.init`, from the first to the head; reset BatchNorms."""
        for layer in (*self._convolutions(), self.fc, self.head):
            assert isinstance(layer.weight, Tensor)
            assert isinstance(layer.bias, Tensor)
            initialise(layer.weight, layer.bias, self.config.init, generator)
        for module in self.blocks.modules():
            if isinstance(module, nn.BatchNorm2d):
                module.reset_parameters()

    def features(self, images_BCHW: Tensor) -> Tensor:
        """What the head sees: (B, D). Images of another shape than the config's are a ValueError."""
        check_images(images_BCHW, self.config)
        # flatten goes by channels, rows, columns, whatever the memory format: the weights of `fc` fit both.
        x_BD = self.blocks(images_BCHW).flatten(1)
        return self.dropout(torch.relu(self.fc(x_BD)))

    def forward(self, images_BCHW: Tensor) -> Tensor:
        """Logits (B, K) of images (B, C, H, W)."""
        return self.head(self.features(images_BCHW))

    def _convolutions(self) -> list[nn.Conv2d]:
        return [module for module in self.blocks.modules() if isinstance(module, nn.Conv2d)]


def _block(inputs: int, outputs: int, batch_norm: bool) -> nn.Sequential:
    """Halves height and width; an odd last row or column is dropped. The ReLU is not in place, so that who
    looks at the convolution's output sees that."""
    layers: list[tuple[str, nn.Module]] = [
        ("conv", nn.Conv2d(inputs, outputs, kernel_size=3, padding=1)),
        ("relu", nn.ReLU()),
    ]
    if batch_norm:
        layers.append(("norm", nn.BatchNorm2d(outputs)))
    return nn.Sequential(OrderedDict([*layers, ("pool", nn.MaxPool2d(2))]))
