"""Reproducible chance: the same numbers for the same integers on every machine and Python version."""

from collections.abc import Sequence
from math import sqrt
from random import Random
from typing import TypeVar

T = TypeVar("T")
MASK = (1 << 64) - 1


def mixed(*numbers: int) -> int:
    """One 64-bit number out of several, every bit of each mattering (splitmix64; Steele and others, 2014)."""
    state = 0x9E3779B97F4A7C15
    for number in numbers:
        state = (state + number * 0xBF58476D1CE4E5B9 + 0x9E3779B97F4A7C15) & MASK
        state = ((state ^ (state >> 30)) * 0xBF58476D1CE4E5B9) & MASK
        state = ((state ^ (state >> 27)) * 0x94D049BB133111EB) & MASK
        state ^= state >> 31
    return state


class Chance:
    """Draws for one story. Only `Random.random` is used: its sequence for an integer seed is guaranteed."""

    __slots__ = ("random",)

    def __init__(self, *numbers: int) -> None:
        self.random = Random(mixed(*numbers)).random

    def pick(self, options: Sequence[T]) -> T:
        """One of the options, all equally likely."""
        return options[int(self.random() * len(options))]

    def favour(self, options: Sequence[T]) -> T:
        """One of the options, early ones more often, as the words of a language are used."""
        draw = self.random()
        # Multiplication and square root are rounded the same way everywhere; powers are not.
        return options[int(draw * sqrt(draw) * len(options))]

    def happens(self, probability: float) -> bool:
        return self.random() < probability
