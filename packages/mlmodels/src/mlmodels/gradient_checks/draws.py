"""Random numbers of one test case: a function of (seed, subject, case index) alone."""

import zlib
from collections.abc import Sequence
from typing import TypeVar

import torch
from torch import Tensor

Choice = TypeVar("Choice")


class Draws:
    """Draws shapes and float64 values; two `Draws` of equal arguments draw the same."""

    def __init__(self, seed: int, subject: str, index: int) -> None:
        self.index = index
        self.generator = torch.Generator().manual_seed(zlib.crc32(f"{seed}/{subject}/{index}".encode()))

    def integer(self, low: int, high: int) -> int:
        """An integer in [low, high], both included."""
        return int(torch.randint(low, high + 1, (), generator=self.generator))

    def choice(self, options: Sequence[Choice]) -> Choice:
        """One of the options, each equally probable."""
        return options[self.integer(0, len(options) - 1)]

    def normal(self, *shape: int) -> Tensor:
        """Standard normal values."""
        return torch.randn(shape, generator=self.generator, dtype=torch.float64)

    def signs(self, like: Tensor) -> Tensor:
        """+1 and -1, equally probable, in `like`'s shape."""
        return torch.randint(0, 2, like.shape, generator=self.generator).to(torch.float64) * 2.0 - 1.0

    def tokens(self, vocab_size: int, *shape: int) -> Tensor:
        """Token ids in [0, vocab_size)."""
        return torch.randint(0, vocab_size, shape, generator=self.generator)
