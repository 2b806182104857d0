"""Small classifiers and real handwritten digits."""

import sys
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

sys.path.insert(0, str(Path(__file__).parent))


@pytest.fixture
def cnn() -> nn.Sequential:
    """A convolutional classifier of (B, 1, 8, 8) images with batch normalisation, in-place ReLU and dropout."""
    torch.manual_seed(0)
    model = nn.Sequential(
        nn.Conv2d(1, 6, 3, padding=1),
        nn.BatchNorm2d(6),
        nn.ReLU(inplace=True),
        nn.MaxPool2d(2),
        nn.Conv2d(6, 5, 3, padding=1),
        nn.ReLU(inplace=True),
        nn.Flatten(),
        nn.Dropout(0.5),
        nn.Linear(5 * 16, 10),
    )
    for layer in model:
        if isinstance(layer, nn.BatchNorm2d):
            layer.running_mean.uniform_(-0.3, 0.3)
            layer.running_var.uniform_(0.5, 2)
    return model


@pytest.fixture(scope="session")
def digits() -> tuple[Tensor, Tensor]:
    """scikit-learn's 1,797 handwritten digits: images (N, 8, 8) in bytes, and labels (N,)."""
    from sklearn.datasets import load_digits

    data = load_digits()
    images = torch.from_numpy(data.images / 16 * 255).round().to(torch.uint8)
    return images, torch.from_numpy(data.target).long()


@pytest.fixture(scope="session")
def inputs(digits: tuple[Tensor, Tensor]) -> Tensor:
    """(12, 1, 8, 8) normalised digits."""
    return (digits[0][:12, None].float() / 255 - 0.3) / 0.4
