"""torchvision's networks for small photographs: other stem, other last layer, weights from a local file.

B batch, C channels, H height, W width, D features, K classes.
"""

from pathlib import Path
from typing import Any, Self

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from mlmodels.base_model import BaseModel
from mlmodels.image_classifiers.convolutions import initialise_network, numbered_convolutions
from mlmodels.image_classifiers.input_shape import check_images
from mlmodels.image_classifiers.photograph_configs import BackboneConfig


class Backbone(BaseModel):
    """ResNet-18, ResNet-50 (He et al., 2015) or EfficientNet-B0 (Tan & Le, 2019) without its last layer, and a head.

    With the small stem the first convolution has no stride (in the ResNets it is 3×3 and no pooling follows), as is
    usual for 32×32; EfficientNet's first strided block keeps its size too.
    """

    def __init__(self, config: BackboneConfig) -> None:
        super().__init__()
        self.config = config
        self.body, width = _resnet(config) if config.type.startswith("resnet") else _efficientnet(config)
        self.head = nn.Linear(width, config.num_classes)

    @property
    def dim(self) -> int:
        return self.head.in_features

    @property
    def frozen_prefixes(self) -> tuple[str, ...]:
        """Beginnings of the names of parameters that are meant not to be trained."""
        return ("body.",) if self.config.freeze == "backbone" else ()

    @property
    def layers_to_show(self) -> dict[str, nn.Module]:
        """The first and the last convolution that sees neighbouring pixels."""
        wide = {
            name: layer
            for name, layer in numbered_convolutions(self.body).items()
            if isinstance(layer, nn.Conv2d) and layer.kernel_size != (1, 1)
        }
        names = list(wide)
        return {name: wide[name] for name in (names[0], names[-1])}

    @classmethod
    def from_config(cls, config: BackboneConfig) -> Self:
        return cls(config)

    def init_weights(self, generator: torch.Generator | None = None) -> None:
        """Drawn anew, then those of the file where one is named."""
        initialise_network(self, generator)
        if self.config.weights is not None:
            load_pretrained(self.body, self.config.weights, self.config.type)
        if self.config.freeze == "backbone":
            self.body.requires_grad_(False)

    def train(self, mode: bool = True) -> Self:
        """A frozen backbone stays in evaluation mode: its BatchNorms keep the statistics they came with."""
        super().train(mode)
        if self.config.freeze == "backbone":
            self.body.eval()
        return self

    def features(self, images_BCHW: Tensor) -> Tensor:
        """What the head sees: (B, D)."""
        check_images(images_BCHW, self.config, may_be_smaller=self.training)
        if self.config.upscale > 1:
            images_BCHW = F.interpolate(
                images_BCHW, scale_factor=self.config.upscale, mode="bilinear", align_corners=False
            )
        return self.body(images_BCHW).mean(dim=(2, 3))

    def forward(self, images_BCHW: Tensor) -> Tensor:
        """Logits (B, K) of images (B, C, H, W)."""
        return self.head(self.features(images_BCHW))


def _resnet(config: BackboneConfig) -> tuple[nn.Module, int]:
    from torchvision import models

    network = models.resnet18() if config.type == "resnet18" else models.resnet50()
    if config.stem == "small":
        network.conv1 = nn.Conv2d(config.in_channels, 64, 3, padding=1, bias=False)
        network.maxpool = nn.Identity()
    elif config.in_channels != 3:
        network.conv1 = nn.Conv2d(config.in_channels, 64, 7, stride=2, padding=3, bias=False)
    width = network.fc.in_features
    return _without(network, ("avgpool", "fc")), width


def _efficientnet(config: BackboneConfig) -> tuple[nn.Module, int]:
    from torchvision import models

    network = models.efficientnet_b0()
    first = network.features[0][0]
    if config.in_channels != 3:
        first = nn.Conv2d(config.in_channels, 32, 3, stride=2, padding=1, bias=False)
        network.features[0][0] = first
    if config.stem == "small":
        first.stride = (1, 1)
        # The first strided block, the second stage's: without its stride 32 × 32 ends as 4 × 4, not as 2 × 2.
        network.features[2][0].block[1][0].stride = (1, 1)
    width = network.classifier[1].in_features
    return _without(network, ("avgpool", "classifier")), width


def _without(network: nn.Module, names: tuple[str, ...]) -> nn.Sequential:
    """The network's parts under their own names, so that a file of its weights fits."""
    body = nn.Sequential()
    for name, part in network.named_children():
        if name not in names:
            body.add_module(name, part)
    return body


def load_pretrained(body: nn.Module, path: Path, kind: str) -> list[str]:
    """Load a state dict of torchvision's network into `body`; returns the names of what was left as it was.

    Left are the layers whose shape differs (a small stem) and the file's last layer, which has other classes.

    Raises:
        ValueError: no such file, no state dict, or one of another network.
    """
    weights = _read_weights(path)
    own = body.state_dict()
    fitting = {
        name: value for name, value in weights.items() if name in own and value.shape == own[name].shape
    }
    left = sorted(own.keys() - fitting.keys())
    if len(fitting) < 0.9 * len(own):
        raise ValueError(
            f"{path} holds {len(fitting)} of the {len(own)} tensors of {kind}: the weights of another network"
        )
    body.load_state_dict({**own, **fitting})
    return left


def _read_weights(path: Path) -> dict[str, Any]:
    path = path.expanduser()
    if not path.is_file():
        raise ValueError(f"model.weights: there is no file {path}")
    try:
        if path.suffix == ".safetensors":
            from safetensors.torch import load_file

            return dict(load_file(path))
        found = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # a damaged file raises whatever its remains amount to
        raise ValueError(
            f"model.weights: {path} cannot be read: {str(error).splitlines()[0][:150]}"
        ) from None
    if not isinstance(found, dict) or not all(isinstance(value, Tensor) for value in found.values()):
        raise ValueError(f"model.weights: {path} holds no state dict")
    return found
