"""Models of different cells with the same number of parameters. Imports no torch."""

from collections.abc import Callable
from functools import partial
from typing import TypeVar

from mlmodels.recurrent.config import RecurrentClassifierConfig, RecurrentLanguageModelConfig
from mlmodels.recurrent.size import count_parameters

Config = TypeVar("Config", RecurrentLanguageModelConfig, RecurrentClassifierConfig)
TOLERANCE = 0.005
_WIDEST_CHANGE = 4  # the embedding changes by a quarter at most


def with_num_parameters(config: Config, num_parameters: int, *, tolerance: float = TOLERANCE) -> Config:
    """The config with the hidden size that gives it `num_parameters`, to within the share `tolerance`.

    Where no whole hidden size does (a hidden unit of a small model is more than that), the embedding size changes as
    well, by as little as is needed.

    Raises:
        ValueError: no sizes near enough; names the nearest count.
    """

    def total(embedding_size: int, hidden_size: int) -> int:
        sizes = {"hidden_size": hidden_size, "embedding_size": embedding_size}
        return count_parameters(config.model_copy(update=sizes))["total"]

    nearest = None
    base = config.embedding_size
    offsets = sorted(range(-(base // _WIDEST_CHANGE), base // _WIDEST_CHANGE + 1), key=abs)
    for embedding in (base + offset for offset in offsets):
        hidden = _nearest(partial(total, embedding), num_parameters)
        count = total(embedding, hidden)
        if abs(count - num_parameters) <= tolerance * num_parameters:
            return config.model_copy(update={"hidden_size": hidden, "embedding_size": embedding})
        if nearest is None or abs(count - num_parameters) < abs(nearest - num_parameters):
            nearest = count
    raise ValueError(
        f"no hidden size gives {num_parameters:,} parameters to within {tolerance:.1%}; the nearest is {nearest:,}"
    )


def _nearest(count: Callable[[int], int], wanted: int) -> int:
    """The argument, at least 1, whose count is nearest; counts grow with it."""
    high = 1
    while count(high) < wanted:
        high *= 2
    low = max(1, high // 2)
    while low + 1 < high:
        middle = (low + high) // 2
        low, high = (middle, high) if count(middle) < wanted else (low, middle)
    return min((low, high), key=lambda size: abs(count(size) - wanted))
