"""Residual networks in their form for CIFAR-10 (He, Zhang, Ren & Sun, "Deep residual learning", 2015, section 4.2).

B batch, C channels, H height, W width, D features, K classes.
"""

from typing import Self

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint

from mlmodels.base_model import BaseModel
from mlmodels.image_classifiers.convolutions import initialise_network, numbered_convolutions
from mlmodels.image_classifiers.input_shape import check_images
from mlmodels.image_classifiers.photograph_configs import CifarResNetConfig


class BasicBlock(nn.Module):
    """Two 3×3 convolutions beside a shortcut without parameters (the paper's option A)."""

    def __init__(self, inputs: int, outputs: int, stride: int) -> None:
        super().__init__()
        self.stride, self.num_new = stride, outputs - inputs
        self.conv1 = nn.Conv2d(inputs, outputs, 3, stride=stride, padding=1, bias=False)
        self.norm1 = nn.BatchNorm2d(outputs)
        self.conv2 = nn.Conv2d(outputs, outputs, 3, padding=1, bias=False)
        self.norm2 = nn.BatchNorm2d(outputs)

    def forward(self, x_BCHW: Tensor) -> Tensor:
        y_BCHW = torch.relu(self.norm1(self.conv1(x_BCHW)))
        return torch.relu(self.norm2(self.conv2(y_BCHW)) + self.shortcut(x_BCHW))

    def shortcut(self, x_BCHW: Tensor) -> Tensor:
        """Every second pixel, and zeros as the new channels, half of them before and half after the old ones."""
        if self.stride == 1 and self.num_new == 0:
            return x_BCHW
        before = self.num_new // 2
        picked = x_BCHW[:, :, :: self.stride, :: self.stride]
        return F.pad(picked, (0, 0, 0, 0, before, self.num_new - before))


class CifarResNet(BaseModel):
    """One convolution, three stages of n blocks at full, half and quarter size, the mean, one linear layer."""

    def __init__(self, config: CifarResNetConfig) -> None:
        super().__init__()
        self.config = config
        widths = [config.width * factor for factor in (1, 2, 4)]
        self.conv = nn.Conv2d(config.in_channels, widths[0], 3, padding=1, bias=False)
        self.norm = nn.BatchNorm2d(widths[0])
        blocks: list[nn.Module] = []
        inputs = widths[0]
        for stage, outputs in enumerate(widths):
            for number in range(config.blocks_per_stage):
                blocks.append(BasicBlock(inputs, outputs, stride=2 if stage and number == 0 else 1))
                inputs = outputs
        self.blocks = nn.Sequential(*blocks)
        self.head = nn.Linear(inputs, config.num_classes)

    @property
    def dim(self) -> int:
        return self.head.in_features

    @property
    def layers_to_show(self) -> dict[str, nn.Module]:
        """The first convolution, and the last one of each stage."""
        every = list(numbered_convolutions(self).items())
        per_stage = 2 * self.config.blocks_per_stage
        return dict([every[0], *(every[per_stage * stage] for stage in (1, 2, 3))])

    @classmethod
    def from_config(cls, config: CifarResNetConfig) -> Self:
        return cls(config)

    def init_weights(self, generator: torch.Generator | None = None) -> None:
        """As He et al. (2015) draw them."""
        initialise_network(self, generator)

    def features(self, images_BCHW: Tensor) -> Tensor:
        """What the head sees: (B, D)."""
        check_images(images_BCHW, self.config, may_be_smaller=self.training)
        x_BCHW = torch.relu(self.norm(self.conv(images_BCHW)))
        for block in self.blocks:
            if self.config.checkpointing and self.training and torch.is_grad_enabled():
                x_BCHW = checkpoint(block, x_BCHW, use_reentrant=False)
            else:
                x_BCHW = block(x_BCHW)
        return x_BCHW.mean(dim=(2, 3))

    def forward(self, images_BCHW: Tensor) -> Tensor:
        """Logits (B, K) of images (B, C, H, W)."""
        return self.head(self.features(images_BCHW))
