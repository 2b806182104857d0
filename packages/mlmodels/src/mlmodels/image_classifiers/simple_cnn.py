"""A plain convolutional classifier of photographs. B batch, C channels, H height, W width, D features, K classes."""

from typing import Self

import torch
from torch import Tensor, nn

from mlmodels.base_model import BaseModel
from mlmodels.image_classifiers.convolutions import initialise_network, numbered_convolutions
from mlmodels.image_classifiers.input_shape import check_images
from mlmodels.image_classifiers.photograph_configs import SimpleCnnConfig


class SimpleCnn(BaseModel):
    """Stages of conv 3×3 → BatchNorm → ReLU; the last convolution of a stage is max-pooled 2×2 before its BatchNorm.

    Then the mean (or the largest value) over what is left of the image, and one linear layer. Pooling comes before
    BatchNorm and ReLU because both then touch a quarter of the values.
    """

    def __init__(self, config: SimpleCnnConfig) -> None:
        super().__init__()
        self.config = config
        layers: list[nn.Module] = []
        inputs = config.in_channels
        for outputs, count in zip(config.channels, config.convolutions, strict=True):
            for number in range(count):
                layers.append(nn.Conv2d(inputs, outputs, 3, padding=1, bias=False))
                if number == count - 1:
                    layers.append(nn.MaxPool2d(2))
                layers += [nn.BatchNorm2d(outputs), nn.ReLU()]
                inputs = outputs
        self.body = nn.Sequential(*layers)
        self.dropout = nn.Dropout(config.dropout)
        self.head = nn.Linear(inputs, config.num_classes)

    @property
    def dim(self) -> int:
        return self.head.in_features

    @property
    def layers_to_show(self) -> dict[str, nn.Module]:
        """The convolutions, first to last."""
        return numbered_convolutions(self.body)

    @classmethod
    def from_config(cls, config: SimpleCnnConfig) -> Self:
        return cls(config)

    def init_weights(self, generator: torch.Generator | None = None) -> None:
        """Convolutions normal with variance 2/fan_in (He et al., 2015); BatchNorms 1 and 0."""
        initialise_network(self, generator)

    def features(self, images_BCHW: Tensor) -> Tensor:
        """What the head sees: (B, D)."""
        check_images(images_BCHW, self.config, may_be_smaller=self.training)
        x_BCHW = self.body(images_BCHW)
        x_BD = x_BCHW.amax(dim=(2, 3)) if self.config.pooling == "max" else x_BCHW.mean(dim=(2, 3))
        return self.dropout(x_BD)

    def forward(self, images_BCHW: Tensor) -> Tensor:
        """Logits (B, K) of images (B, C, H, W)."""
        return self.head(self.features(images_BCHW))

    @torch.no_grad()
    def without_removed_filters(self) -> Self:
        """A narrower network that computes the same: without filters that are zero in all that is theirs.

        Raises:
            ValueError: the convolutions of a stage keep different numbers, which no config of this model can say.
        """
        convolutions = [layer for layer in self.body if isinstance(layer, nn.Conv2d)]
        norms = [layer for layer in self.body if isinstance(layer, nn.BatchNorm2d)]
        kept = [_kept_filters(*pair) for pair in zip(convolutions, norms, strict=True)]
        numbers = iter([len(filters) for filters in kept])
        stages = [{next(numbers) for _ in range(count)} for count in self.config.convolutions]
        if any(len(stage) > 1 for stage in stages):
            raise ValueError(f"the convolutions of a stage keep different numbers of filters: {stages}")
        channels = tuple(stage.pop() for stage in stages)
        narrow = type(self)(self.config.model_copy(update={"channels": channels}))
        inputs = torch.arange(self.config.in_channels, device=self.head.weight.device)
        own = iter(zip(convolutions, norms, kept, strict=True))
        for layer in narrow.to(self.head.weight).body:
            if isinstance(layer, nn.Conv2d):
                convolution, norm, filters = next(own)
                layer.weight.copy_(convolution.weight[filters][:, inputs])
                inputs = filters
            elif isinstance(layer, nn.BatchNorm2d):
                state = norm.state_dict()
                layer.load_state_dict({k: v if v.ndim == 0 else v[filters] for k, v in state.items()})
        narrow.head.weight.copy_(self.head.weight[:, inputs])
        narrow.head.bias.copy_(self.head.bias)
        return narrow.train(self.training)


def _kept_filters(convolution: nn.Conv2d, norm: nn.BatchNorm2d) -> Tensor:
    """Positions of the filters from which anything but zeros can come."""
    speaks = convolution.weight.flatten(1).any(dim=1) | (norm.weight != 0) | (norm.bias != 0)
    return speaks.nonzero().squeeze(1)
