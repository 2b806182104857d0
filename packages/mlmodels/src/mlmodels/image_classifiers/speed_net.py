"""Our own network for accuracy in minutes, in the spirit of the fastest published ones for CIFAR-10.

From Page ("How to train your ResNet", 2018): a frozen first layer that whitens small patches. From Jordan ("94 % on
CIFAR-10 in 3.29 seconds", 2024): few wide convolutions, pooling between them, BatchNorm without a scale, convolutions
that begin as the identity, scaled logits. B batch, C channels, H height, W width, D features, K classes, P patch.
"""

from itertools import pairwise
from typing import Self

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from mlmodels.base_model import BaseModel
from mlmodels.image_classifiers.convolutions import numbered_convolutions
from mlmodels.image_classifiers.input_shape import check_images
from mlmodels.image_classifiers.photograph_configs import SpeedNetConfig
from mlmodels.image_classifiers.pool_norm_gelu import max_pool, norm_gelu, shift_gelu


class Whitening(nn.Module):
    """A convolution whose filters are the principal directions of the training images' patches, and their negatives.

    Each direction is divided by its deviation, so that all outputs begin with the same variance. The filters are no
    parameters: they are set by `fit` and stay; the bias is trained.
    """

    weight_OCPP: Tensor

    def __init__(self, in_channels: int, patch: int, epsilon: float) -> None:
        super().__init__()
        self.epsilon = epsilon
        count = in_channels * patch * patch
        self.out_channels = 2 * count
        self.register_buffer("weight_OCPP", torch.zeros(2 * count, in_channels, patch, patch))
        self.bias = nn.Parameter(torch.zeros(2 * count))

    @torch.no_grad()
    def fit(self, images_BCHW: Tensor) -> None:
        """Set the filters from normalised images."""
        _, channels, patch, _ = self.weight_OCPP.shape
        patches = images_BCHW.double().unfold(2, patch, 1).unfold(3, patch, 1)  # B C H' W' P P
        rows = patches.permute(0, 2, 3, 1, 4, 5).reshape(-1, channels * patch * patch)
        # About zero, not about the mean: brightness is a direction like the others.
        covariance = rows.T @ rows / len(rows)
        variances, directions = torch.linalg.eigh(covariance)
        filters = (directions / (variances + self.epsilon).sqrt()).T.flip(0)
        # An eigenvector's sign is the library's choice: the largest entry is made positive.
        largest = filters.gather(1, filters.abs().argmax(dim=1, keepdim=True))
        filters = (filters * largest.sign()).reshape(-1, channels, patch, patch)
        self.weight_OCPP.copy_(torch.cat((filters, -filters)))

    def forward(self, images_BCHW: Tensor) -> Tensor:
        """The patches in their principal directions, without the bias, which the activation adds."""
        return F.conv2d(images_BCHW, self.weight_OCPP.to(images_BCHW.dtype))


class Block(nn.Module):
    """Conv → pool → BatchNorm → GELU → conv → BatchNorm → GELU."""

    def __init__(self, inputs: int, outputs: int, momentum: float) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(inputs, outputs, 3, padding=1, bias=False)
        self.norm1 = _ShiftedNorm(outputs, momentum)
        self.conv2 = nn.Conv2d(outputs, outputs, 3, padding=1, bias=False)
        self.norm2 = _ShiftedNorm(outputs, momentum)

    def forward(self, x_BCHW: Tensor) -> Tensor:
        x_BCHW = norm_gelu(max_pool(self.conv1(x_BCHW)), self.norm1)
        return norm_gelu(self.conv2(x_BCHW), self.norm2)


class SpeedNet(BaseModel):
    """Whitening → GELU → blocks that halve the image → the largest value of each map → a linear layer, scaled."""

    def __init__(self, config: SpeedNetConfig) -> None:
        super().__init__()
        self.config = config
        self.whitening = Whitening(config.in_channels, config.patch, config.whitening_epsilon)
        widths = (self.whitening.out_channels, *config.widths)
        self.blocks = nn.Sequential(
            *(Block(inputs, outputs, config.norm_momentum) for inputs, outputs in pairwise(widths))
        )
        self.head = nn.Linear(widths[-1], config.num_classes, bias=False)

    @property
    def dim(self) -> int:
        return self.head.in_features

    @property
    def layers_to_show(self) -> dict[str, nn.Module]:
        """The convolutions that are trained."""
        return numbered_convolutions(self.blocks)

    @classmethod
    def from_config(cls, config: SpeedNetConfig) -> Self:
        return cls(config)

    def parameter_roles(self) -> dict[str, list[Tensor]]:
        """What Muon treats as matrices: the filters of the blocks."""
        filters: list[Tensor] = [
            layer.weight for layer in self.blocks.modules() if isinstance(layer, nn.Conv2d)
        ]
        shifts: list[Tensor] = [parameter for parameter in self.parameters() if parameter.ndim == 1]
        return {"matrices": filters, "head": [self.head.weight], "scalars": shifts}

    @torch.no_grad()
    def init_weights(self, generator: torch.Generator | None = None) -> None:
        """torch's own draws, but every convolution's first filters pass their input on; whitening as if of noise."""
        noise = torch.randn(
            64, self.config.in_channels, self.config.image_size, self.config.image_size, generator=generator
        )
        self.whitening.fit(noise.to(self.whitening.weight_OCPP.device))
        nn.init.zeros_(self.whitening.bias)
        for module in self.blocks.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_uniform_(module.weight, a=5**0.5, generator=generator)
                nn.init.dirac_(module.weight[: module.in_channels])
            elif isinstance(module, nn.BatchNorm2d):
                module.reset_parameters()
        nn.init.kaiming_uniform_(self.head.weight, a=5**0.5, generator=generator)

    def fit_first_layer(self, images_BCHW: Tensor) -> None:
        """Take the whitening from normalised training images; called before training."""
        self.whitening.fit(images_BCHW)

    def features(self, images_BCHW: Tensor) -> Tensor:
        """What the head sees: (B, D)."""
        check_images(images_BCHW, self.config, may_be_smaller=self.training)
        x_BCHW = shift_gelu(self.whitening(images_BCHW), self.whitening.bias)
        return self.blocks(x_BCHW).amax(dim=(2, 3))

    def forward(self, images_BCHW: Tensor) -> Tensor:
        """Logits (B, K) of images (B, C, H, W)."""
        return self.head(self.features(images_BCHW)) * self.config.output_scale


class _ShiftedNorm(nn.BatchNorm2d):
    """BatchNorm with a shift and no scale, as the published networks have it."""

    def __init__(self, channels: int, momentum: float) -> None:
        super().__init__(channels, momentum=momentum)
        self.weight = None  # type: ignore[assignment]  # F.batch_norm then scales by 1

    def reset_parameters(self) -> None:
        self.reset_running_stats()
        if self.bias is not None:
            nn.init.zeros_(self.bias)
