"""Lines of a chart: points, a smoothing without lag, and a thinning that keeps every spike."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

MAX_POINTS = 700

Points = list[tuple[float, float]]


@dataclass(frozen=True)
class Series:
    """One line. `style` is its CSS class: "raw", "train", "validation"; points are shown as dots if asked."""

    name: str
    style: str
    points: tuple[tuple[float, float], ...]
    dots: bool = False
    in_legend: bool = True


def points_of(records: Sequence[Mapping[str, Any]], *path: str) -> Points:
    """(step, value) of the records that have a finite number under `path` ("timing", "items_per_s")."""
    points = []
    for record in records:
        value: Any = record
        for key in path:
            value = value.get(key) if isinstance(value, Mapping) else None
        if isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value):
            points.append((float(record["step"]), float(value)))
    return points


def smoothing_window(num_points: int) -> int:
    """Width of the mean, odd: a fiftieth of the curve, 1 (nothing) under 30 points."""
    return 1 if num_points < 30 else max(3, num_points // 50) | 1


def smoothed(points: Points) -> Points:
    """The smoothing that suits the number of points."""
    return smooth(points, smoothing_window(len(points)))


def raw_and_smooth(points: Points, name: str) -> tuple[Series, ...]:
    """The points as a thin line and smoothed as a strong one; the strong one alone where nothing is smoothed."""
    if not points:
        return ()
    strong = Series(name, "train", tuple(thin(smoothed(points))))
    if smoothing_window(len(points)) == 1:
        return (strong,)
    return (Series(f"{name}, raw", "raw", tuple(thin(points)), in_legend=False), strong)


def smooth(points: Sequence[tuple[float, float]], window: int) -> list[tuple[float, float]]:
    """Centred mean over about `window` points with triangular weights: two moving means of half the width.

    Near the ends the windows shrink on both sides, so the curve neither lags nor bends.
    """
    half_window = (window + 1) // 2 | 1
    return _moving_mean(_moving_mean(points, half_window), half_window) if window > 1 else list(points)


def _moving_mean(points: Sequence[tuple[float, float]], window: int) -> list[tuple[float, float]]:
    sums = [0.0]
    for _, value in points:
        sums.append(sums[-1] + value)
    smoothed = []
    for index, (x, _) in enumerate(points):
        half = min(window // 2, index, len(points) - 1 - index)
        smoothed.append((x, (sums[index + half + 1] - sums[index - half]) / (2 * half + 1)))
    return smoothed


def thin(points: Sequence[tuple[float, float]], limit: int = MAX_POINTS) -> list[tuple[float, float]]:
    """At most about `limit` points: of each stretch the lowest and the highest stay, and both ends."""
    if len(points) <= limit:
        return list(points)
    num_buckets = max(1, limit // 2)
    kept = [points[0]]
    for bucket in range(num_buckets):
        begin = bucket * len(points) // num_buckets
        end = (bucket + 1) * len(points) // num_buckets
        stretch = points[begin:end]
        extremes = {min(stretch, key=lambda point: point[1]), max(stretch, key=lambda point: point[1])}
        kept += sorted(extremes)
    kept.append(points[-1])
    return sorted(set(kept))


def bulk(points: Sequence[tuple[float, float]]) -> list[float]:
    """The values without the outermost hundredth at each end: a single spike must not flatten a curve."""
    values = sorted(value for _, value in points)
    cut = len(values) // 100
    return values[cut : len(values) - cut] if cut else values
