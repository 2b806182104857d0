"""A fully connected classifier. B batch, I values of an image, D features, K classes."""

from itertools import pairwise
from typing import Self

import torch
from torch import Tensor, nn

from mlmodels.base_model import BaseModel
from mlmodels.image_classifiers.config import FcConfig
from mlmodels.image_classifiers.initialisation import initialise


class FcClassifier(BaseModel):
    """Linear → [BatchNorm] → ReLU → dropout for every hidden size, then a last linear layer, the head."""

    def __init__(self, config: FcConfig) -> None:
        super().__init__()
        self.config = config
        widths = (config.input_size, *config.hidden_sizes)
        # A bias before a BatchNorm is redundant; it stays, so that batch_norm changes one thing and no more.
        self.hidden = nn.ModuleList(nn.Linear(inputs, outputs) for inputs, outputs in pairwise(widths))
        self.norms = nn.ModuleList(
            nn.BatchNorm1d(width) if config.batch_norm else nn.Identity() for width in config.hidden_sizes
        )
        self.dropout = nn.Dropout(config.dropout)
        self.head = nn.Linear(widths[-1], config.num_classes)

    @property
    def dim(self) -> int:
        return self.head.in_features

    @property
    def layers_to_show(self) -> dict[str, nn.Module]:
        """The layer whose weights (outputs, I) can be looked at as images."""
        return {"fc1": self.hidden[0] if self.hidden else self.head}

    @classmethod
    def from_config(cls, config: FcConfig) -> Self:
        return cls(config)

    @torch.no_grad()
    def init_weights(self, generator: torch.Generator | None = None) -> None:
        """Draw linear layers by `config.init`, from the first to the head; reset BatchNorms."""
        for layer in (*self.hidden, self.head):
            initialise(layer.weight, layer.bias, self.config.init, generator)
        for norm in self.norms:
            if isinstance(norm, nn.BatchNorm1d):
                norm.reset_parameters()

    def features(self, images: Tensor) -> Tensor:
        """What the head sees: (B, D). Images (B, C, H, W) or (B, I); a wrong size is a ValueError."""
        x_BD = flatten_images(images, self.config.input_size)
        for layer, norm in zip(self.hidden, self.norms, strict=True):
            x_BD = self.dropout(torch.relu(norm(layer(x_BD))))
        return x_BD

    def forward(self, images: Tensor) -> Tensor:
        """Logits (B, K) of images (B, C, H, W) or (B, I)."""
        return self.head(self.features(images))


def flatten_images(images: Tensor, input_size: int) -> Tensor:
    """Images as rows (B, I): channels, then rows, then columns, whatever their memory format is.

    Raises:
        ValueError: an image has not `input_size` values.
    """
    rows_BI = images.flatten(1) if images.dim() > 1 else images
    if rows_BI.dim() != 2 or rows_BI.shape[1] != input_size:
        hint = (
            f"set input_size: {rows_BI.shape[1]}"
            if rows_BI.dim() == 2
            else "the first dimension is the batch"
        )
        raise ValueError(
            f"images of shape {tuple(images.shape)} for a model with input_size {input_size}: {hint}"
        )
    return rows_BI
