"""The changes that RandAugment chooses from, each for a batch at once: bytes (N, H, W, C) in, bytes out.

Definitions and strengths are torchvision's, which are those of AutoAugment (Cubuk et al., 2018).
"""

import torch
from torch import Tensor

from mldata.images.augmentation.colour import blend, grey, mean_grey


def as_floats(images: Tensor) -> Tensor:
    """(N, C, H, W) in [0, 1]."""
    return images.permute(0, 3, 1, 2).float().div_(255.0)


def as_bytes(floats: Tensor) -> Tensor:
    """(N, H, W, C) of floats (N, C, H, W) in [0, 1], to the nearest byte."""
    return (floats * 255.0).round_().clamp_(0, 255).to(torch.uint8).permute(0, 2, 3, 1).contiguous()


def brightness(images: Tensor, strength: Tensor) -> Tensor:
    """Multiplied by 1 + strength (N,)."""
    return as_bytes((as_floats(images) * _factor(strength)).clamp_(0.0, 1.0))


def saturation(images: Tensor, strength: Tensor) -> Tensor:
    """Away from grey by 1 + strength."""
    floats = as_floats(images)
    return as_bytes(blend(floats, grey(floats), _factor(strength)))


def contrast(images: Tensor, strength: Tensor) -> Tensor:
    """Away from the mean grey by 1 + strength."""
    floats = as_floats(images)
    return as_bytes(blend(floats, mean_grey(floats), _factor(strength)))


def sharpness(images: Tensor, strength: Tensor) -> Tensor:
    """Away from a smoothed image by 1 + strength; the border's pixels stay."""
    if min(images.shape[1:3]) < 3:
        return images  # nothing but border
    values = images.permute(0, 3, 1, 2).int()
    rows = values[:, :, :-2] + values[:, :, 1:-1] + values[:, :, 2:]
    sums = rows[..., :-2] + rows[..., 1:-1] + rows[..., 2:]
    # Weights 1 around 5, over 13: whole numbers, because a convolution of floats rounds otherwise in other batches.
    weighted = sums + 4 * values[:, :, 1:-1, 1:-1]
    floats = as_floats(images)
    smooth = floats.clone()
    smooth[:, :, 1:-1, 1:-1] = weighted.float() / (13 * 255)
    return as_bytes(blend(floats, smooth, _factor(strength)))


def posterize(images: Tensor, bits: Tensor) -> Tensor:
    """The highest `bits` (N,) bits of every value."""
    masks = (256 - (1 << (8 - bits.long()))).to(torch.uint8)
    return images & masks.view(-1, 1, 1, 1)


def solarize(images: Tensor, thresholds: Tensor) -> Tensor:
    """Values from the threshold (N,) up, 0 to 255, are turned round."""
    return torch.where(images.float() >= thresholds.view(-1, 1, 1, 1), 255 - images, images)


def autocontrast(images: Tensor) -> Tensor:
    """Each channel stretched to 0 to 255; one that has a single value stays."""
    floats = images.float()
    low, high = floats.amin(dim=(1, 2), keepdim=True), floats.amax(dim=(1, 2), keepdim=True)
    is_flat = high == low
    scale = torch.where(is_flat, 1.0, 255.0 / (high - low).clamp(min=1.0))
    return ((floats - torch.where(is_flat, 0.0, low)) * scale).round_().clamp_(0, 255).to(torch.uint8)


def equalize(images: Tensor) -> Tensor:
    """Each channel with its values spread evenly, by Pillow's integer rule."""
    num, height, width, channels = images.shape
    values = images.permute(0, 3, 1, 2).reshape(num * channels, height * width).long()
    counts = torch.zeros(num * channels, 256, dtype=torch.int64, device=images.device)
    counts.scatter_add_(1, values, torch.ones_like(values))
    last = counts.gather(1, values.amax(dim=1, keepdim=True))
    step = (height * width - last) // 255
    safe = step.clamp(min=1)
    table = ((counts.cumsum(dim=1) - counts + safe // 2) // safe).clamp_(0, 255)
    table = torch.where(step == 0, torch.arange(256, device=images.device), table)
    spread = table.gather(1, values).to(torch.uint8).reshape(num, channels, height, width)
    return spread.permute(0, 2, 3, 1).contiguous()


def _factor(strength: Tensor) -> Tensor:
    return (1.0 + strength).float().view(-1, 1, 1, 1)
