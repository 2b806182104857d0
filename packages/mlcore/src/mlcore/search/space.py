"""The searched space: one dimension a key, which Optuna can sample, which has a grid, and whose values can be typed."""

import itertools
import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from mlcore.config.scalars import read_scalar
from mlcore.errors import ConfigError
from mlcore.search.config import ParameterConfig

if TYPE_CHECKING:
    from optuna.distributions import BaseDistribution

MAX_GRID_POINTS = 10_000

Point = Mapping[str, Any]
"""A value for every key: a number, or the text of a choice."""


class Dimension(Protocol):
    """The values of one key."""

    @property
    def key(self) -> str: ...

    def distribution(self) -> "BaseDistribution":
        """As Optuna describes it."""

    def texts_to_check(self) -> list[str]:
        """Values, as on a command line, that the configuration must take."""

    def grid(self) -> list[Any]:
        """Every value, in order."""


@dataclass(frozen=True)
class Choices:
    """Values without an order. Optuna knows them by their texts, which are those of the command line."""

    key: str
    texts: tuple[str, ...]

    def distribution(self) -> "BaseDistribution":
        from optuna.distributions import CategoricalDistribution

        return CategoricalDistribution(self.texts)

    def texts_to_check(self) -> list[str]:
        return list(self.texts)

    def grid(self) -> list[str]:
        return list(self.texts)


@dataclass(frozen=True)
class WholeNumbers:
    """The integers from `low` to `high`, every `step`-th of them."""

    key: str
    low: int
    high: int
    step: int = 1
    log: bool = False
    points: int | None = None

    def distribution(self) -> "BaseDistribution":
        from optuna.distributions import IntDistribution

        # Optuna wants the highest value that can be reached.
        high = self.low + (self.high - self.low) // self.step * self.step
        return IntDistribution(self.low, high, log=self.log, step=self.step)

    def texts_to_check(self) -> list[str]:
        return [str(self.low), str(self.high)]

    def grid(self) -> list[int]:
        if self.points is None:
            return list(range(self.low, self.high + 1, self.step))
        return sorted({round(value) for value in spaced(self.low, self.high, self.points, log=self.log)})


@dataclass(frozen=True)
class RealNumbers:
    """The numbers from `low` to `high`, or every `step`-th of them."""

    key: str
    low: float
    high: float
    step: float | None = None
    log: bool = False
    points: int | None = None

    def distribution(self) -> "BaseDistribution":
        from optuna.distributions import FloatDistribution

        high = self.high if self.step is None else self.grid()[-1]
        return FloatDistribution(self.low, high, log=self.log, step=self.step)

    def texts_to_check(self) -> list[str]:
        return [repr(self.low), repr(self.high)]

    def grid(self) -> list[float]:
        if self.step is not None:
            num_steps = math.floor((self.high - self.low) / self.step + 1e-9)
            return [self.low + index * self.step for index in range(num_steps + 1)]
        if self.low == self.high:
            return [self.low]
        if self.points is None:
            raise ConfigError(f"space.{self.key}: a grid needs points (or step) to know which values to take")
        return spaced(self.low, self.high, self.points, log=self.log)


def spaced(low: float, high: float, count: int, *, log: bool) -> list[float]:
    """`count` numbers from `low` to `high`, both of them exactly, evenly spaced (in their logarithm)."""
    if log:
        inner = [low * (high / low) ** (index / (count - 1)) for index in range(1, count - 1)]
    else:
        inner = [low + (high - low) * index / (count - 1) for index in range(1, count - 1)]
    return [float(low), *inner, float(high)]


def make_dimension(key: str, parameter: ParameterConfig, *, takes_fractions: bool) -> Dimension:
    """The dimension that a section of the file describes.

    Args:
        takes_fractions: whether the configuration allows other numbers than whole ones for this key.
    """
    if parameter.choices is not None:
        texts = [choice_text(choice) for choice in parameter.choices]
        if len(set(texts)) < len(texts):
            raise ConfigError(f"space.{key}: a choice stands there twice")
        return Choices(key, tuple(texts))
    low, high, step = parameter.low, parameter.high, parameter.step
    assert low is not None
    assert high is not None
    if not takes_fractions:
        low, high, step = (_whole(key, value) for value in (low, high, 1 if step is None else step))
        return WholeNumbers(key, low, high, step, parameter.log, parameter.points)
    step = None if step is None else float(step)
    return RealNumbers(key, float(low), float(high), step, parameter.log, parameter.points)


def _whole(key: str, value: float) -> int:
    if value != int(value):
        raise ConfigError(f"space.{key}: this key takes whole numbers, got {value}")
    return int(value)


def choice_text(choice: object) -> str:
    """A choice as it is written after ``--set key=``."""
    if isinstance(choice, str):
        is_plain = choice and not choice.startswith(("[", "{", '"', "'")) and choice == choice.strip()
        try:
            is_plain = is_plain and choice.isprintable() and read_scalar(choice) == choice
        except ValueError:
            is_plain = False
        return choice if is_plain else json.dumps(choice)
    return json.dumps(choice)


def value_text(value: object) -> str:
    """A value of a point as it is written after ``--set key=``; read back, it is the same number."""
    return repr(value) if isinstance(value, float) else str(value)


def settings(point: Point) -> list[str]:
    """``["training.learning_rate=0.003", …]``."""
    return [f"{key}={value_text(value)}" for key, value in point.items()]


def grid_points(dimensions: Sequence[Dimension]) -> list[Point]:
    """Every point of the grid once.

    Raises:
        ConfigError: a dimension has no finite number of values, or there are too many points.
    """
    axes = [dimension.grid() for dimension in dimensions]
    num_points = math.prod(len(axis) for axis in axes)
    if num_points > MAX_GRID_POINTS:
        sizes = " × ".join(str(len(axis)) for axis in axes)
        raise ConfigError(
            f"the grid has {sizes} = {num_points:,} points; at most {MAX_GRID_POINTS:,} are tried"
        )
    keys = [dimension.key for dimension in dimensions]
    return [dict(zip(keys, values, strict=True)) for values in itertools.product(*axes)]
