"""Corrections for asking many questions at once: p-values adjusted so that each may be held against alpha.

None stands for a question that could not be tested: it stays None and is not counted.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from mlcore.statistics.values import StatisticsError

PValues = Sequence[float | None]


def holm(p_values: PValues) -> list[float | None]:
    """Holm's step-down adjustment (Holm, 1979): the chance of any false finding stays below alpha.

    Always at least as powerful as Bonferroni's and valid whatever the dependence between the tests.

    Raises:
        StatisticsError: a p-value outside 0 to 1, NaN among them.
    """
    return _adjusted(p_values, _holm_sorted)


def benjamini_hochberg(p_values: PValues) -> list[float | None]:
    """The adjustment of Benjamini and Hochberg (1995): the share of false findings stays below alpha.

    For independent or positively dependent tests.

    Raises:
        StatisticsError: a p-value outside 0 to 1, NaN among them.
    """
    return _adjusted(p_values, _benjamini_hochberg_sorted)


def _holm_sorted(ordered: NDArray[np.float64]) -> NDArray[np.float64]:
    remaining = np.arange(len(ordered), 0, -1)
    return np.minimum(np.maximum.accumulate(ordered * remaining), 1.0)


def _benjamini_hochberg_sorted(ordered: NDArray[np.float64]) -> NDArray[np.float64]:
    # The quotient first: the largest p-value is then multiplied by exactly 1.
    scaled = ordered * (len(ordered) / np.arange(1, len(ordered) + 1))
    return np.minimum(np.minimum.accumulate(scaled[::-1])[::-1], 1.0)


def _adjusted(
    p_values: PValues, adjust_sorted: Callable[[NDArray[np.float64]], NDArray[np.float64]]
) -> list[float | None]:
    known = [(index, float(p)) for index, p in enumerate(p_values) if p is not None]
    for index, p in known:
        if not 0 <= p <= 1:
            raise StatisticsError(f"p_values[{index}] is {p}: a p-value lies between 0 and 1")
    known.sort(key=lambda pair: pair[1])
    adjusted: list[float | None] = [None] * len(p_values)
    for (index, _), value in zip(known, adjust_sorted(np.array([p for _, p in known])), strict=True):
        adjusted[index] = float(value)
    return adjusted
