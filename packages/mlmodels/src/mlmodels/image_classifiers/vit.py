"""The vision transformer: an image as a sequence of patches (Dosovitskiy et al., 2021).

B batch, C channels, H height, W width, N positions (patches, row by row, after the class token if there is one),
D features, K classes.
"""

import math
from typing import Self

import torch
from torch import Tensor, nn

from mlmodels.base_model import BaseModel
from mlmodels.image_classifiers.input_shape import check_images
from mlmodels.image_classifiers.vit_config import VitConfig
from mlmodels.transformer_encoders.encoder import Encoder
from mlmodels.transformer_eras.initialisation import reset_biases_and_norms
from mlmodels.transformer_eras.positions import sinusoids_2d

_STD = 0.02


class VitClassifier(BaseModel):
    """Patches are projected, positions added; blocks in which each position sees all; one linear layer, the head."""

    def __init__(self, config: VitConfig) -> None:
        super().__init__()
        self.config = config
        width, has_class_token = config.d_model, config.pooling == "class_token"
        self.patches = nn.Conv2d(config.in_channels, width, config.patch_size, stride=config.patch_size)
        self.class_token = nn.Parameter(torch.empty(1, 1, width)) if has_class_token else None
        if config.positions == "learned":
            self.positions = nn.Parameter(torch.empty(config.num_positions, width))
        else:
            self.register_buffer("positions", _fixed_positions(config), persistent=False)
        self.dropout = nn.Dropout(config.dropout)
        self.encoder = Encoder(config)
        self.head = nn.Linear(width, config.num_classes)

    @property
    def dim(self) -> int:
        return self.config.d_model

    @property
    def layers_to_show(self) -> dict[str, nn.Module]:
        """The projection of the patches: weights (D, C, patch, patch); its outputs are maps (B, D, H', W')."""
        return {"patches": self.patches}

    @property
    def evidence_layer(self) -> nn.Module:
        """Where Grad-CAM looks: behind it the patches are read for the last time."""
        return self.encoder.blocks[-1].norm_1

    def as_maps(self, x_BND: Tensor) -> Tensor:
        """(B, D, H', W') what stands at the patches' positions of (B, N, D)."""
        size = self.config.grid_size
        return x_BND[:, -size * size :].transpose(1, 2).unflatten(2, (size, size))

    @classmethod
    def from_config(cls, config: VitConfig) -> Self:
        return cls(config)

    @torch.no_grad()
    def init_weights(self, generator: torch.Generator | None = None) -> None:
        """Blocks Xavier-uniform, patches normal of variance 1/fan_in, the rest N(0, 0.02); biases 0."""
        reset_biases_and_norms(self)
        nn.init.normal_(
            self.patches.weight, 0.0, math.sqrt(1 / self.patches.weight[0].numel()), generator=generator
        )
        assert self.patches.bias is not None
        nn.init.zeros_(self.patches.bias)
        for layer in (module for module in self.encoder.modules() if isinstance(module, nn.Linear)):
            nn.init.xavier_uniform_(layer.weight, generator=generator)
        nn.init.normal_(self.head.weight, 0.0, _STD, generator=generator)
        for parameter in (self.class_token, self.positions):
            if isinstance(parameter, nn.Parameter):
                nn.init.normal_(parameter, 0.0, _STD, generator=generator)

    def features(self, images_BCHW: Tensor) -> Tensor:
        """What the head sees: (B, D). Images of another shape than the config's are a ValueError."""
        check_images(images_BCHW, self.config)
        x_BND = self.patches(images_BCHW).flatten(2).transpose(1, 2)
        if self.class_token is not None:
            x_BND = torch.cat([self.class_token.expand(len(x_BND), -1, -1), x_BND], dim=1)
        x_BND = self.encoder(self.dropout(x_BND + self.positions))
        return x_BND.mean(dim=1) if self.class_token is None else x_BND[:, 0]

    def forward(self, images_BCHW: Tensor) -> Tensor:
        """Logits (B, K) of images (B, C, H, W)."""
        return self.head(self.features(images_BCHW))


def _fixed_positions(config: VitConfig) -> Tensor:
    """(N, D): sines and cosines of the patches; the class token, which stands nowhere, has zeros."""
    size = config.grid_size
    table = sinusoids_2d(size, size, config.d_model)
    return torch.cat([table.new_zeros(config.num_positions - len(table), config.d_model), table])
