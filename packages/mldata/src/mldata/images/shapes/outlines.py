"""The ten outlines as functions of the plane: negative inside, positive outside, in units of the shape's radius.

Away from corners each value is the distance to the outline, which is what smooth edges are drawn from
(Quilez, "2D distance functions", 2008 and later).
"""

import math
from collections.abc import Callable, Mapping

import numpy as np
from numpy.typing import NDArray

Field = NDArray[np.float64]


def disc(x: Field, y: Field) -> Field:
    return np.hypot(x, y) - 0.85


def ring(x: Field, y: Field) -> Field:
    return np.abs(np.hypot(x, y) - 0.68) - 0.22


def square(x: Field, y: Field) -> Field:
    return np.maximum(np.abs(x), np.abs(y)) - 0.75


def triangle(x: Field, y: Field) -> Field:
    return _regular(x, y, corners=3, inner_radius=0.5)


def pentagon(x: Field, y: Field) -> Field:
    return _regular(x, y, corners=5, inner_radius=0.76)


def star(x: Field, y: Field) -> Field:
    """Five points: between a tip at radius 1 and a notch at radius 0.42 an edge is straight."""
    sector = math.pi / 5
    angle = np.abs((np.arctan2(y, x) + sector) % (2 * sector) - sector)  # from the nearest tip
    radius = np.hypot(x, y)
    along, across = radius * np.cos(angle), radius * np.sin(angle)
    notch = (0.42 * math.cos(sector), 0.42 * math.sin(sector))
    edge = (notch[0] - 1.0, notch[1])
    length = math.hypot(*edge)
    return ((along - 1.0) * edge[1] - across * edge[0]) / length


def cross(x: Field, y: Field) -> Field:
    horizontal = np.maximum(np.abs(x) - 0.95, np.abs(y) - 0.3)
    vertical = np.maximum(np.abs(x) - 0.3, np.abs(y) - 0.95)
    return np.minimum(horizontal, vertical)


def crescent(x: Field, y: Field) -> Field:
    return np.maximum(np.hypot(x, y) - 0.95, 0.8 - np.hypot(x - 0.45, y))


def half_disc(x: Field, y: Field) -> Field:
    return np.maximum(np.hypot(x, y + 0.4) - 1.0, -0.4 - y)


def bar(x: Field, y: Field) -> Field:
    return np.maximum(np.abs(x) - 1.0, np.abs(y) - 0.33)


def _regular(x: Field, y: Field, *, corners: int, inner_radius: float) -> Field:
    """The farthest of the lines through its edges."""
    distances = [
        x * math.cos(2 * math.pi * k / corners) + y * math.sin(2 * math.pi * k / corners)
        for k in range(corners)
    ]
    return np.maximum.reduce(distances) - inner_radius


OUTLINES: Mapping[str, Callable[[Field, Field], Field]] = {
    "disc": disc,
    "ring": ring,
    "square": square,
    "triangle": triangle,
    "pentagon": pentagon,
    "star": star,
    "cross": cross,
    "crescent": crescent,
    "half disc": half_disc,
    "bar": bar,
}
