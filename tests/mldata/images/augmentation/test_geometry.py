"""Affine map and interpolation against torch, torchvision, scipy and exact fractions."""

import math
from fractions import Fraction

import numpy as np
import pytest
import torch
from drawn_images import noise_images
from hypothesis import given, settings
from hypothesis import strategies as st
from mldata.images.augmentation.elastic import lattice_noise
from mldata.images.augmentation.geometry import (
    basis,
    inverse_maps,
    resample,
    sampling_grid,
    source_coordinates,
)
from mldata.images.augmentation.parameters import Parameters
from mldata.images.augmentation.pipeline import unit_floats
from scipy import ndimage
from torch import Tensor
from torchvision.transforms.v2 import InterpolationMode
from torchvision.transforms.v2 import functional as vision


def fixed(
    degrees: float = 0.0,
    scale: float = 1.0,
    shear: float = 0.0,
    shift: tuple[float, float] = (0.0, 0.0),
    flipped: bool = False,
) -> Parameters:
    """Parameters of one image."""
    numbers = (math.radians(degrees), scale, math.radians(shear), *shift)
    return Parameters(
        torch.tensor([True]),
        torch.tensor([flipped]),
        *(torch.tensor([number], dtype=torch.float64) for number in numbers),
    )


def mapped(images: Tensor, parameters: Parameters, padding: str = "zeros") -> Tensor:
    """`images` (B, C, H, W) floats under one fixed map."""
    height, width = images.shape[2:]
    maps = inverse_maps(parameters).expand(len(images), 2, 3)
    grid = sampling_grid(source_coordinates(maps, basis(height, None), basis(width, None), None))
    return resample(images, grid, padding)


@pytest.mark.parametrize("size", [28, 31])
@pytest.mark.parametrize(("degrees", "turns"), [(90, -1), (180, 2), (-90, 1), (360, 0)])
def test_a_quarter_turn_is_rot90(size: int, degrees: float, turns: int) -> None:
    images = unit_floats(noise_images(3, size, size, 2))
    torch.testing.assert_close(mapped(images, fixed(degrees)), images.rot90(turns, (2, 3)), atol=2e-5, rtol=0)


@pytest.mark.parametrize("shift", [(3, 0), (0, -2), (-1, 4)])
def test_whole_shifts_are_rolls_inside_the_image(shift: tuple[int, int]) -> None:
    images = unit_floats(noise_images(2, 20, 24, 3))
    found = mapped(images, fixed(shift=shift))
    rolled = images.roll((shift[1], shift[0]), (2, 3))
    torch.testing.assert_close(found[..., 4:-4, 4:-4], rolled[..., 4:-4, 4:-4], atol=1e-5, rtol=0)


def test_a_flip_is_a_flip() -> None:
    images = unit_floats(noise_images(2, 9, 12, 3))
    torch.testing.assert_close(mapped(images, fixed(flipped=True)), images.flip(3), atol=1e-5, rtol=0)


@settings(deadline=None, max_examples=60)
@given(
    degrees=st.floats(-180, 180),
    scale=st.floats(0.5, 1.5),
    shear=st.floats(-40, 40),
    shift=st.tuples(st.integers(-6, 6), st.integers(-6, 6)),
    shape=st.sampled_from([(28, 28, 1), (32, 32, 3), (17, 24, 2)]),
)
def test_the_map_is_torchvisions_affine(
    degrees: float, scale: float, shear: float, shift: tuple[int, int], shape: tuple[int, int, int]
) -> None:
    images = unit_floats(noise_images(2, *shape))
    expected = vision.affine(
        images, degrees, list(shift), scale, [shear, 0.0], interpolation=InterpolationMode.BILINEAR
    )
    found = mapped(images, fixed(degrees, scale, shear, shift))
    # torchvision computes its coordinates in float32; the image's steps are as steep as they can be.
    torch.testing.assert_close(found, expected, atol=2e-4, rtol=0)


def test_a_flip_comes_before_the_other_changes() -> None:
    images = unit_floats(noise_images(2, 28, 28, 1))
    expected = mapped(images.flip(3), fixed(30, 1.1, 10, (2, 1)))
    found = mapped(images, fixed(30, 1.1, 10, (2, 1), flipped=True))
    torch.testing.assert_close(found, expected, atol=2e-5, rtol=0)


@pytest.mark.parametrize(
    ("padding", "mode"), [("zeros", "grid-constant"), ("border", "nearest"), ("reflection", "grid-mirror")]
)
def test_affine_and_elastic_together_are_scipys_interpolation_at_the_sum_of_both(
    padding: str, mode: str
) -> None:
    num, height, width, sigma = 3, 28, 21, 3.0
    images = unit_floats(noise_images(num, height, width, 1))
    maps = inverse_maps(fixed(25, 0.8, 12, (3.3, -2.6))).expand(num, 2, 3)
    rows, columns = basis(height, sigma), basis(width, sigma)
    noise = lattice_noise(1.5, 0, 0, torch.arange(num), rows.shape[1] - 2, columns.shape[1] - 2)
    grid = sampling_grid(source_coordinates(maps, rows, columns, noise))
    found = resample(images, grid, padding)
    y, x = np.mgrid[:height, :width] - np.array([(height - 1) / 2, (width - 1) / 2]).reshape(2, 1, 1)
    for i in range(num):
        bend = np.einsum("hi,dij,wj->dhw", rows[:, :-2], noise[i], columns[:, :-2])
        (a, b, u), (c, d, v) = maps[i].tolist()
        source_x = a * x + b * y + u + bend[0] + (width - 1) / 2
        source_y = c * x + d * y + v + bend[1] + (height - 1) / 2
        expected = ndimage.map_coordinates(
            images[i, 0].double().numpy(), [source_y, source_x], order=1, mode=mode
        )
        np.testing.assert_allclose(found[i, 0].numpy(), expected, atol=3e-5)


def test_coordinates_are_exact() -> None:
    """No sum is rounded: every coordinate is that of rational arithmetic on the same factors."""
    height, width, sigma = 6, 5, 1.5
    maps = inverse_maps(fixed(33.3, 0.87, 7.7, (2.345, -1.234)))
    rows, columns = basis(height, sigma), basis(width, sigma)
    noise = lattice_noise(1.4, 3, 0, torch.tensor([9]), rows.shape[1] - 2, columns.shape[1] - 2)
    found = source_coordinates(maps, rows, columns, noise)[0]
    exact = [[Fraction(v) for v in row] for row in rows.tolist()]
    across = [[Fraction(v) for v in row] for row in columns.tolist()]
    for axis, (a, b, offset) in enumerate(maps[0].tolist()):
        bends = noise[0, axis].tolist()
        for y in range(height):
            for x in range(width):
                total = Fraction(offset) + Fraction(a) * across[x][-1] + Fraction(b) * exact[y][-1]
                total += sum(
                    exact[y][i] * Fraction(bends[i][j]) * across[x][j]
                    for i in range(len(bends))
                    for j in range(len(bends[0]))
                )
                assert Fraction(float(found[axis, y, x])) == total


def test_the_identity_keeps_every_pixel_within_rounding() -> None:
    images = unit_floats(noise_images(2, 28, 28, 1))
    torch.testing.assert_close(mapped(images, fixed()), images, atol=1e-5, rtol=0)


@pytest.mark.parametrize("padding", ["zeros", "border", "reflection"])
def test_what_comes_in_from_outside_follows_the_padding(padding: str) -> None:
    images = torch.full((1, 1, 8, 8), 0.7)
    found = mapped(images, fixed(shift=(3, 0)), padding)
    expected = 0.0 if padding == "zeros" else 0.7
    torch.testing.assert_close(found[..., :3], torch.full((1, 1, 8, 3), expected), atol=1e-5, rtol=0)
