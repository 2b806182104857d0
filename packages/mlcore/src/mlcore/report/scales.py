"""From data to pixels: linear and logarithmic axes with round tick values."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

_SMALLEST = 1e-250  # under this, logarithms run out of floats
_WIDEST = 1e-12  # a logarithmic axis shows twelve decades at most


@dataclass(frozen=True)
class Scale:
    """Maps [low, high] of the data to [start, end] of the picture; `log` maps the logarithm instead."""

    low: float
    high: float
    start: float
    end: float
    log: bool = False

    def __call__(self, value: float) -> float:
        share = (self._place(value) - self._place(self.low)) / (
            self._place(self.high) - self._place(self.low)
        )
        return self.start + share * (self.end - self.start)

    def _place(self, value: float) -> float:
        # Values at or under zero have no logarithm: they go just under the axis, where the clip hides them.
        return math.log10(max(value, self.low / 10)) if self.log else value

    def ticks(self, count: int) -> list[float]:
        """About `count` round values inside the range."""
        return log_ticks(self.low, self.high, count) if self.log else linear_ticks(self.low, self.high, count)


def linear_ticks(low: float, high: float, count: int) -> list[float]:
    """Multiples of 1, 2, 2.5 or 5 times a power of ten inside [low, high]."""
    if not high > low:
        return [low]
    rough = (high - low) / max(count, 1)
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(factor * power for factor in (1, 2, 2.5, 5, 10) if factor * power >= rough * 0.999)
    first = math.ceil(low / step - 1e-9)
    last = math.floor(high / step + 1e-9)
    return [number * step for number in range(first, last + 1)]


def log_ticks(low: float, high: float, count: int) -> list[float]:
    """Powers of ten where the range is wide, else 1, 2, 5 times them; linear within a factor of 2."""
    if high / low < 2:
        return linear_ticks(low, high, count)
    exponents = range(math.floor(math.log10(low)) - 1, math.ceil(math.log10(high)) + 1)
    for digits in ((1,), (1, 3), (1, 2, 5), (1, 2, 3, 4, 5, 6, 7, 8, 9)):
        values = [digit * 10.0**exponent for exponent in exponents for digit in digits]
        inside = [value for value in values if low * 0.9999 <= value <= high * 1.0001]
        if len(inside) >= min(count, 4):
            every = math.ceil(len(inside) / (count + 3))
            return inside[::every]
    return inside


def data_range(values: Sequence[float], *, log: bool = False, from_zero: bool = False) -> tuple[float, float]:
    """The range of an axis for `values` (finite), with a little air; never empty."""
    usable = [value for value in values if value > _SMALLEST] if log else list(values)
    if not usable:
        return (0.1, 1.0) if log else (0.0, 1.0)
    low, high = min(usable), max(usable)
    if log:
        low = max(low, high * _WIDEST)
        low, high = (low / 1.5, high * 1.5) if high / low < 1.001 else (low, high)
        air = (high / low) ** 0.04
        return low / air, high * air
    if from_zero:
        low = min(low, 0.0)
    if high - low <= 1e-12 * max(abs(high), abs(low)):
        half = abs(high) * 0.5 or 0.5
        return low - (0.0 if from_zero else half), high + half
    air = 0.05 * (high - low)
    return (low if from_zero and low == 0 else low - air), high + air
