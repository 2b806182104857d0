"""Images that look like handwriting, for tests: soft strokes on black, clear of the border."""

import torch
from torch import Tensor


def stroke_images(num: int, height: int = 28, width: int = 28, channels: int = 1, seed: int = 0) -> Tensor:
    """(num, height, width, channels) uint8: each the thick outline of a random ellipse."""
    generator = torch.Generator().manual_seed(seed)
    rows = (torch.arange(height) - (height - 1) / 2).reshape(1, -1, 1, 1) / height
    columns = (torch.arange(width) - (width - 1) / 2).reshape(1, 1, -1, 1) / width
    radii = 0.15 + 0.12 * torch.rand(2, num, 1, 1, channels, generator=generator)
    distance = ((rows / radii[0]) ** 2 + (columns / radii[1]) ** 2).sqrt() - 1.0
    return (255.0 * torch.exp(-((distance / 0.35) ** 2))).round().to(torch.uint8)


def noise_images(num: int, height: int = 28, width: int = 28, channels: int = 1, seed: int = 0) -> Tensor:
    """(num, height, width, channels) uint8: every value its own."""
    generator = torch.Generator().manual_seed(seed)
    return torch.randint(0, 256, (num, height, width, channels), dtype=torch.uint8, generator=generator)
