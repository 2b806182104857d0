"""Digits as a hand draws them: strokes, each a list of points from 0 to 1, right and down."""

import math

Strokes = list[list[tuple[float, float]]]


def arc(
    x: float, y: float, width: float, height: float, begin: float, end: float
) -> list[tuple[float, float]]:
    """A part of an ellipse; degrees clockwise from its top."""
    angles = [math.radians(begin + (end - begin) * step / 16) for step in range(17)]
    return [(x + width * math.sin(angle), y - height * math.cos(angle)) for angle in angles]


DIGITS: dict[str, Strokes] = {
    "0": [arc(0.5, 0.5, 0.25, 0.36, 0, 360)],
    "1": [[(0.5, 0.12), (0.5, 0.88)]],
    "2": [[*arc(0.5, 0.33, 0.22, 0.2, -80, 120), (0.26, 0.85), (0.76, 0.85)]],
    "3": [arc(0.48, 0.32, 0.2, 0.2, -70, 170) + arc(0.48, 0.68, 0.23, 0.2, 10, 250)],
    "4": [[(0.38, 0.12), (0.25, 0.55), (0.78, 0.55)], [(0.64, 0.2), (0.6, 0.9)]],
    "5": [[(0.7, 0.13), (0.34, 0.13), (0.31, 0.45), *arc(0.48, 0.65, 0.24, 0.22, -30, 220)]],
    "6": [[(0.62, 0.1), (0.42, 0.3), (0.32, 0.55), *arc(0.51, 0.68, 0.19, 0.2, -90, 270)]],
    "7": [[(0.24, 0.15), (0.74, 0.15), (0.42, 0.88)]],
    "8": [arc(0.5, 0.3, 0.17, 0.18, 180, 540) + arc(0.5, 0.68, 0.2, 0.2, 0, 360)],
    "9": [[*arc(0.5, 0.32, 0.19, 0.2, 90, 450), (0.68, 0.5), (0.62, 0.9)]],
}
