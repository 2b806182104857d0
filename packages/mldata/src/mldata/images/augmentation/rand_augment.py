"""RandAugment for whole batches: every image gets its own few changes of one strength (Cubuk et al., 2019)."""

from collections.abc import Callable

import torch
from torch import Tensor

from mldata.counter_random import uniform
from mldata.images.augmentation import photograph_ops as ops
from mldata.images.augmentation.exactness import to_multiples
from mldata.images.augmentation.geometry import basis, resample, sampling_grid, source_coordinates
from mldata.images.augmentation.parameters import RAND_AUGMENT_STREAM

GEOMETRIC = ("shear_x", "shear_y", "translate_x", "translate_y", "rotate")
SIGNED = ("brightness", "saturation", "contrast", "sharpness")
NAMES = ("identity", *GEOMETRIC, *SIGNED, "posterize", "solarize", "autocontrast", "equalize")
ALL_NAMES = (*NAMES, "invert")  # the last one is AutoAugment's alone
_LARGEST_SHEAR, _LARGEST_SHIFT, _LARGEST_ANGLE, _LARGEST_FACTOR = 0.3, 150.0 / 331.0, 30.0, 0.9
_BITS = 24  # fractional bits of a map's entries: see `exactness`


def rand_augment(
    images: Tensor, num_ops: int, magnitude: float, seed: int, epoch: int, indices: Tensor
) -> Tensor:
    """(B, H, W, C) uint8: `images` after `num_ops` changes in turn, drawn by (seed, epoch, index).

    Args:
        magnitude: share of the largest strength, 0 to 1; torchvision's 9 of 30 is 0.3.
    """
    draws = uniform(seed, epoch, indices, 2 * num_ops, stream=RAND_AUGMENT_STREAM)
    for number in range(num_ops):
        chosen = (draws[:, 2 * number] * len(NAMES)).long()
        signs = torch.where(draws[:, 2 * number + 1] < 0.5, -1.0, 1.0).double()
        images = apply_ops(images, chosen, magnitude * signs)
    return images


def apply_ops(images: Tensor, chosen: Tensor, strengths: Tensor) -> Tensor:
    """(B, H, W, C) uint8: image i after the change `ALL_NAMES[chosen[i]]` of strength `strengths[i]`, -1 to 1."""
    result = images.clone()
    for number, name in enumerate(ALL_NAMES):
        places = (chosen == number).nonzero().flatten()
        if not len(places) or name == "identity":
            continue
        result[places] = apply_op(name, images[places], strengths[places])
    return result


def apply_op(name: str, images: Tensor, strengths: Tensor) -> Tensor:
    """One change for all `images` (N, H, W, C); changes without a sign take the strength's magnitude."""
    if name in GEOMETRIC:
        return _mapped(images, _maps(name, strengths, images.shape[1], images.shape[2]))
    if name in SIGNED:
        change: Callable[[Tensor, Tensor], Tensor] = getattr(ops, name)
        return change(images, _LARGEST_FACTOR * strengths)
    sizes = strengths.abs()
    if name == "posterize":
        return ops.posterize(images, 8 - (4 * sizes).round())
    if name == "solarize":
        return ops.solarize(images, (255.0 * (1.0 - sizes)).float())
    if name == "invert":
        return 255 - images
    return ops.autocontrast(images) if name == "autocontrast" else ops.equalize(images)


def _maps(name: str, strengths: Tensor, height: int, width: int) -> Tensor:
    """(N, 2, 3) float64: from the result's coordinates to the image's, about the image's centre."""
    maps = torch.zeros(len(strengths), 2, 3, dtype=torch.float64, device=strengths.device)
    maps[:, 0, 0] = maps[:, 1, 1] = 1.0
    if name == "shear_x":
        maps[:, 0, 1] = _LARGEST_SHEAR * strengths
    elif name == "shear_y":
        maps[:, 1, 0] = _LARGEST_SHEAR * strengths
    elif name == "translate_x":
        maps[:, 0, 2] = _LARGEST_SHIFT * width * strengths
    elif name == "translate_y":
        maps[:, 1, 2] = _LARGEST_SHIFT * height * strengths
    else:
        angles = torch.deg2rad(_LARGEST_ANGLE * strengths)
        maps[:, 0, 0], maps[:, 0, 1] = angles.cos(), angles.sin()
        maps[:, 1, 0], maps[:, 1, 1] = -angles.sin(), angles.cos()
    return to_multiples(maps, _BITS)


def _mapped(images: Tensor, maps: Tensor) -> Tensor:
    """Read bilinearly; black lies outside."""
    height, width = images.shape[1:3]
    rows, columns = basis(height, None).to(images.device), basis(width, None).to(images.device)
    grid = sampling_grid(source_coordinates(maps, rows, columns, None))
    return ops.as_bytes(resample(ops.as_floats(images), grid, "zeros"))
