"""Spoilt copies of images: how much of its accuracy does a model keep on what it was not trained for?

Kinds and strengths are those of CIFAR-10-C (Hendrycks & Dietterich, "Benchmarking neural network robustness to common
corruptions", 2019) for Gaussian noise, Gaussian blur, brightness and contrast. Noise is a function of (seed, index).
"""

from collections.abc import Mapping
from dataclasses import replace

import torch
import torch.nn.functional as F
from torch import Tensor

from mldata.counter_random import normal
from mldata.errors import did_you_mean
from mldata.images.dataset import ImageDataset

SEVERITIES: Mapping[str, tuple[float, ...]] = {
    "noise": (0.04, 0.06, 0.08, 0.09, 0.10),  # standard deviation, of values from 0 to 1
    "blur": (0.4, 0.6, 0.7, 0.8, 1.0),  # standard deviation, pixels
    "brightness": (0.05, 0.1, 0.15, 0.2, 0.3),  # added to the HSV value
    "contrast": (0.75, 0.5, 0.4, 0.3, 0.15),  # share of the distance from the image's mean that is kept
}
_STREAM = 200
_CHUNK = 1000
_TRUNCATE = 4.0  # of the Gaussian, in standard deviations, as SciPy does


def corrupted(images: ImageDataset, kind: str, severity: int, *, seed: int = 0) -> ImageDataset:
    """A copy of the set in which every image is spoilt.

    Args:
        kind: noise, blur, brightness or contrast.
        severity: 1 to 5.

    Raises:
        ValueError: no such kind or severity.
    """
    if kind not in SEVERITIES:
        raise ValueError(f"no corruption {kind!r}{did_you_mean(kind, SEVERITIES)}")
    if not 1 <= severity <= len(SEVERITIES[kind]):
        raise ValueError(f"severity is {severity}; it must be 1 to {len(SEVERITIES[kind])}")
    strength = SEVERITIES[kind][severity - 1]
    parts = [
        _spoilt(chunk, kind, strength, seed, indices)
        for chunk, indices in zip(images.images.split(_CHUNK), images.indices.split(_CHUNK), strict=True)
    ]
    return replace(images, images=torch.cat(parts), name=f"{images.name}, {kind} {severity}")


def _spoilt(images: Tensor, kind: str, strength: float, seed: int, indices: Tensor) -> Tensor:
    """(B, H, W, C) uint8."""
    floats = images.double() / 255.0
    if kind == "noise":
        drawn = normal(seed, 0, indices, images[0].numel(), stream=_STREAM).double()
        changed = floats + strength * drawn.reshape(floats.shape)
    elif kind == "blur":
        changed = blur(floats, strength)
    elif kind == "brightness":
        changed = brighten(floats, strength)
    else:
        means = floats.mean(dim=(1, 2), keepdim=True)
        changed = (floats - means) * strength + means
    return (changed.clamp(0.0, 1.0) * 255.0).round().to(torch.uint8)


def blur(floats: Tensor, deviation: float) -> Tensor:
    """(B, H, W, C) smoothed by a Gaussian of so many pixels; beyond the border stands its pixel."""
    reach = int(_TRUNCATE * deviation + 0.5)
    places = torch.arange(-reach, reach + 1, dtype=floats.dtype)
    kernel = torch.exp(-0.5 * (places / deviation).square())
    kernel /= kernel.sum()
    channels = floats.shape[3]
    planes = F.pad(floats.permute(0, 3, 1, 2), (reach,) * 4, mode="replicate")
    for shape in ((1, 1, -1, 1), (1, 1, 1, -1)):
        planes = F.conv2d(planes, kernel.view(shape).expand(channels, 1, -1, -1), groups=channels)
    return planes.permute(0, 2, 3, 1)


def brighten(floats: Tensor, added: float) -> Tensor:
    """(B, H, W, C) with `added` to the value of HSV, the largest channel; hue and saturation stay."""
    value = floats.amax(dim=3, keepdim=True)
    raised = (value + added).clamp(max=1.0)
    # Black has no hue: it becomes grey.
    return torch.where(value > 0, floats * raised / value.clamp(min=1e-12), raised.expand_as(floats))
