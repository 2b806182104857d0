"""Draws images of shapes: ground, clutter, the shape, something in front of it, noise.

An image is a function of (seed, index): its numbers come from the counter-based generator that augmentation uses, so
that it is the same in any number and order of images. All is computed in float64 and rounded once, to bytes.
"""

from collections.abc import Iterator

import numpy as np
import torch
from numpy.typing import NDArray

from mldata.counter_random import normal, uniform
from mldata.images.shapes.outlines import OUTLINES, Field

SIZE = 32
NUM_CLUTTER = 2
_CHUNK = 64  # images drawn at a time: what they need stays in a core's cache
_TILT = 0.6  # radians, either way: the shapes stand upright, more or less
_COARSE = 5  # cells of the ground's texture along an axis
_NUMBERS = 64  # uniform numbers an image may use
_GROUND, _NOISE, _SHAPE = range(100, 103)  # streams; augmentation has the first few


def draw_shapes(labels: NDArray[np.int64], *, seed: int, first_index: int = 0) -> NDArray[np.uint8]:
    """(N, 32, 32, 3): image i shows the outline `labels[i]` and is a function of (seed, first_index + i, label)."""
    return draw_coloured_shapes(labels, seed=seed, first_index=first_index)[0]


def draw_coloured_shapes(
    labels: NDArray[np.int64], *, seed: int, first_index: int = 0
) -> tuple[NDArray[np.uint8], Field]:
    """The images of `draw_shapes`, and the colours (N, 3) that the shapes themselves were painted with, 0 to 1."""
    drawn = np.empty((len(labels), SIZE, SIZE, 3), dtype=np.uint8)
    colours = np.empty((len(labels), 3))
    for start in range(0, len(labels), _CHUNK):
        rows = slice(start, start + _CHUNK)
        part = labels[rows]
        indices = torch.arange(first_index + start, first_index + start + len(part))
        drawn[rows], colours[rows] = _drawn(part, seed, indices)
    return drawn, colours


class _Draws:
    """Uniform numbers of every image, one column after the other."""

    def __init__(self, seed: int, indices: torch.Tensor) -> None:
        numbers = uniform(seed, 0, indices, _NUMBERS, stream=_SHAPE).double().numpy()
        self._columns: Iterator[NDArray[np.float64]] = iter(numbers.T)

    def between(self, low: float, high: float) -> Field:
        """(N, 1, 1)"""
        return (low + (high - low) * next(self._columns))[:, None, None]

    def colour(self, low: float = 0.1, high: float = 0.9) -> Field:
        """(N, 1, 1, 3)"""
        return np.stack([self.between(low, high) for _ in range(3)], axis=-1)


def _drawn(labels: NDArray[np.int64], seed: int, indices: torch.Tensor) -> tuple[NDArray[np.uint8], Field]:
    draws = _Draws(seed, indices)
    pixels: Field = (np.arange(SIZE, dtype=np.float64) - (SIZE - 1) / 2)[None, :]
    x, y = pixels[:, None, :], pixels[:, :, None]
    ground = draws.colour(0.05, 0.45)
    images = ground + _texture(draws, seed, indices)
    for number in range(NUM_CLUTTER):
        images = _blend(images, draws.colour(), 0.5 * _clutter(draws, x, y, is_line=number % 2 == 0))
    colour = _brighter(draws, ground)
    images = _blend(images, colour, _shape(draws, labels, x, y))
    images = _blend(images, draws.colour(), _occlusion(draws, x, y))
    deviation = draws.between(0.01, 0.06)[..., None]
    noise = normal(seed, 0, indices, SIZE * SIZE * 3, stream=_NOISE).double().numpy()
    images = images + deviation * noise.reshape(images.shape)
    return np.clip(np.rint(images * 255), 0, 255).astype(np.uint8), colour[:, 0, 0]


def _blend(images: Field, colour: Field, cover: Field) -> Field:
    """`colour` (N, 1, 1, 3) over the images where `cover` (N, H, W) is 1; in place."""
    images += cover[..., None] * (colour - images)
    return images


def _cover(distance: Field) -> Field:
    """How much of a pixel lies inside, from its centre's distance to the outline in pixels."""
    return np.clip(0.5 - distance, 0.0, 1.0)


def _texture(draws: _Draws, seed: int, indices: torch.Tensor) -> Field:
    """(N, H, W, 3): coarse random cells, interpolated linearly, as strong as each image draws it."""
    strength = draws.between(0.0, 0.1)[..., None]
    count = _COARSE * _COARSE * 3
    cells = normal(seed, 0, indices, count, stream=_GROUND).double().numpy().reshape(-1, _COARSE, _COARSE, 3)
    places = np.linspace(0, _COARSE - 1, SIZE)
    weights = np.clip(1 - np.abs(places[:, None] - np.arange(_COARSE)[None, :]), 0, None)
    smooth = np.einsum("yi,nijc,xj->nyxc", weights, cells, weights, optimize=True)
    return strength * smooth


def _turned(
    draws: _Draws, x: Field, y: Field, reach: float, largest_angle: float = np.pi
) -> tuple[Field, Field]:
    """Coordinates around a random centre within ± reach of the middle, turned by up to ± the largest angle."""
    dx, dy = x - draws.between(-reach, reach), y - draws.between(-reach, reach)
    angle = draws.between(-largest_angle, largest_angle)
    cos, sin = np.cos(angle), np.sin(angle)
    return dx * cos + dy * sin, dy * cos - dx * sin


def _clutter(draws: _Draws, x: Field, y: Field, *, is_line: bool) -> Field:
    """A short line or a small blob."""
    u, v = _turned(draws, x, y, 15.0)
    length, width = draws.between(3.0, 9.0), draws.between(0.6, 2.2)
    if is_line:
        return _cover(np.maximum(np.abs(u) - length, np.abs(v) - width))
    return _cover(np.hypot(u, v) - width - 0.4)


def _brighter(draws: _Draws, ground: Field) -> Field:
    """A colour that is brighter than the ground by 0.3 or more in at least one channel."""
    colour = draws.colour(0.35, 1.0)
    gain = (colour - ground).max(axis=-1, keepdims=True)
    return np.where(gain < 0.3, colour + 0.3 - gain, colour)


def _shape(draws: _Draws, labels: NDArray[np.int64], x: Field, y: Field) -> Field:
    """The cover of each image's own outline, of a random place, size, turn and stretch."""
    u, v = _turned(draws, x, y, 4.0, _TILT)
    radius, stretch = draws.between(7.5, 13.0), draws.between(0.85, 1.18)
    u, v = u / (radius * stretch), v / (radius / stretch)
    distance = np.empty_like(u)
    for number, outline in enumerate(OUTLINES.values()):
        mine = labels == number
        distance[mine] = outline(u[mine], v[mine])
    return draws.between(0.7, 1.0) * _cover(distance * radius)


def _occlusion(draws: _Draws, x: Field, y: Field) -> Field:
    """In three of ten images a strip that may hide a part of the shape."""
    is_there = draws.between(0.0, 1.0) < 0.3
    u, _ = _turned(draws, x, y, 9.0)
    return is_there * _cover(np.abs(u) - draws.between(1.0, 2.8))
