"""Networks to prune: all kinds of layers, with biases and BatchNorms that are not at their start."""

from collections import OrderedDict

import pytest
import torch
from torch import nn


class Network(nn.Module):
    """Convolution → pool → BatchNorm → ReLU twice, an embedding that is nobody's business, two linear layers."""

    frozen_prefixes = ("first.",)

    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Conv2d(3, 4, 1)
        self.body = nn.Sequential(
            OrderedDict(
                conv1=nn.Conv2d(4, 6, 3, padding=1, bias=False),
                pool1=nn.MaxPool2d(2),
                norm1=nn.BatchNorm2d(6),
                relu1=nn.ReLU(),
                conv2=nn.Conv2d(6, 10, 3, padding=1),
                norm2=nn.BatchNorm2d(10),
                relu2=nn.ReLU(),
            )
        )
        self.colours = nn.Embedding(3, 5)
        self.fc = nn.Linear(10, 8)
        self.head = nn.Linear(8, 3)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        x = self.body(self.first(images)).mean(dim=(2, 3))
        return self.head(torch.relu(self.fc(x)))


@pytest.fixture
def network() -> nn.Module:
    torch.manual_seed(3)
    model = Network()
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(0.1 * torch.randn_like(parameter))
        for _ in range(3):
            model(torch.randn(8, 3, 8, 8))
    return model
