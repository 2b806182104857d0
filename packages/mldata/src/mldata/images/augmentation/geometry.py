"""Affine map and elastic bending as one sampling grid, and one bilinear interpolation.

Coordinates are pixels from the image's centre, x to the right and y downwards. The pixel p of the result is
read from the image at inverse(p - shift) + displacement(p).

Both parts are sums of products of a function of y and a function of x, hence the whole grid is one product of
three matrices an image: (H, K) basis of the rows, (K, K') coefficients, (K', W) basis of the columns. The bases
hold the lattice's weights, then 1, then the coordinate; only the coefficients are random.
"""

from functools import lru_cache

import torch
import torch.nn.functional as F
from torch import Tensor

from mldata.images.augmentation.config import Padding
from mldata.images.augmentation.elastic import lattice_weights
from mldata.images.augmentation.exactness import to_multiples
from mldata.images.augmentation.parameters import Parameters

_BITS = 24  # fractional bits of the affine map's entries


def inverse_maps(parameters: Parameters) -> Tensor:
    """(B, 2, 3) float64: from the coordinates of the result to those of the image, rows x and y.

    The map itself flips, then shears, scales, rotates (clockwise) and shifts, with the conventions of
    torchvision's `affine`.
    """
    cos, sin = parameters.angles.cos(), parameters.angles.sin()
    slant = parameters.shears.tan()
    sign = 1.0 - 2.0 * parameters.flipped.double()
    # inverse = flip · [[1, slant], [0, 1]] · [[cos, sin], [-sin, cos]] / scale
    a, b = sign * (cos - slant * sin) / parameters.scales, sign * (sin + slant * cos) / parameters.scales
    c, d = -sin / parameters.scales, cos / parameters.scales
    # Rounded before the shifts enter: cosine and sine may differ in their last bit from batch to batch.
    a, b, c, d = (to_multiples(entry, _BITS) for entry in (a, b, c, d))
    x, y = parameters.shifts_x, parameters.shifts_y
    offsets = (to_multiples(-(a * x + b * y), _BITS), to_multiples(-(c * x + d * y), _BITS))
    return torch.stack((a, b, offsets[0], c, d, offsets[1]), dim=1).reshape(-1, 2, 3)


@lru_cache(maxsize=16)
def basis(size: int, sigma: float | None) -> Tensor:
    """(size, nodes + 2) float64: the lattice's weights (none without a sigma), 1, and the coordinate."""
    coordinates = torch.arange(size, dtype=torch.float64) - (size - 1) / 2.0
    plane = torch.stack((torch.ones_like(coordinates), coordinates), dim=1)
    return plane if sigma is None else torch.cat((lattice_weights(size, sigma), plane), dim=1)


def source_coordinates(maps: Tensor, rows: Tensor, columns: Tensor, noise: Tensor | None) -> Tensor:
    """(B, 2, H, W) float64: x and y, in pixels from the image's centre, where each pixel of the result is read.

    Exact: all factors are multiples of powers of two, and the sums fit float64 for images up to 1,024 pixels.

    Args:
        maps: (B, 2, 3) float64, from `inverse_maps`.
        rows, columns: (H, K) and (W, K') float64, from `basis`.
        noise: (B, 2, K - 2, K' - 2) float64 displacements in pixels at the lattice's nodes, or None.
    """
    coefficients = maps.new_zeros(len(maps), 2, rows.shape[1], columns.shape[1])
    if noise is not None:
        coefficients[:, :, :-2, :-2] = noise
    coefficients[:, :, -2, -1] = maps[:, :, 0]
    coefficients[:, :, -1, -2] = maps[:, :, 1]
    coefficients[:, :, -2, -2] = maps[:, :, 2]
    return rows @ (coefficients @ columns.T)


def sampling_grid(coordinates: Tensor) -> Tensor:
    """(B, H, W, 2) float32 in `grid_sample`'s units, from coordinates (B, 2, H, W) in pixels.

    -1 and 1 are the outer edges of the image's border pixels.
    """
    height, width = coordinates.shape[2:]
    to_units = torch.tensor((2.0 / width, 2.0 / height), dtype=torch.float64, device=coordinates.device)
    return (coordinates.permute(0, 2, 3, 1) * to_units).float()


def resample(images: Tensor, grid: Tensor, padding: Padding) -> Tensor:
    """(B, C, H, W) in [0, 1]: images (B, C, H, W) float32 read bilinearly at `grid` (B, H, W, 2)."""
    sampled = F.grid_sample(images, grid, mode="bilinear", padding_mode=padding, align_corners=False)
    return sampled.clamp_(0.0, 1.0)  # weights may sum to 1 + 1e-7
