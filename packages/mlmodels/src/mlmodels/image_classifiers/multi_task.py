"""A classifier with further heads on the same features. B batch, C channels, H height, W width, K classes."""

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn

from mlmodels.base_model import BaseModel


class MultiTaskClassifier(BaseModel):
    """`body` with its own head, called "class", and a linear layer for every other task.

    Args:
        body: a classifier whose logits are `head(features(images))`.
        heads: how many classes each further task has.
    """

    def __init__(self, body: BaseModel, heads: Mapping[str, int]) -> None:
        super().__init__()
        self.body: Any = body
        self.heads = nn.ModuleDict({name: nn.Linear(body.dim, count) for name, count in heads.items()})

    @property
    def dim(self) -> int:
        return self.body.dim

    def init_weights(self, generator: torch.Generator | None = None) -> None:
        """The further heads within ±1/√D, as torch's linear layers; the body has drawn its own."""
        for head in self.heads.values():
            assert isinstance(head, nn.Linear)
            bound = head.in_features**-0.5
            nn.init.uniform_(head.weight, -bound, bound, generator=generator)
            nn.init.uniform_(head.bias, -bound, bound, generator=generator)

    def forward(self, images_BCHW: Tensor) -> dict[str, Tensor]:
        """Logits (B, K) of every task."""
        x_BD = self.body.features(images_BCHW)
        return {"class": self.body.head(x_BD), **{name: head(x_BD) for name, head in self.heads.items()}}

    @property
    def main_classifier(self) -> BaseModel:
        """What is left without the further heads."""
        return self.body

    def classifier_of(self, task: str) -> nn.Module:
        """Images -> logits (B, K) of one further task."""
        return _OneTask(self, task)


class _OneTask(nn.Module):
    """One head as a classifier."""

    def __init__(self, model: MultiTaskClassifier, task: str) -> None:
        super().__init__()
        self.model, self.task = model, task

    def forward(self, images_BCHW: Tensor) -> Tensor:
        return self.model(images_BCHW)[self.task]
