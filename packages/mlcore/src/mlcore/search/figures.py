"""The picture of a search: the metric over the trials, over every parameter, and what the parameters matter."""

from __future__ import annotations

import itertools
import math
from typing import TYPE_CHECKING

from mlcore.search.results import SearchResult, value_of
from mlcore.search.space import Choices, Dimension

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_BLUE, _ORANGE, _GREY = "#2b6cb0", "#c2570c", "0.75"
_COLUMNS = 3


def draw_search(result: SearchResult) -> Figure:
    """One figure; at least one trial is done."""
    from matplotlib.figure import Figure

    dimensions = result.plan.dimensions
    num_panels = 1 + bool(result.importance) + len(dimensions)
    columns = min(_COLUMNS, num_panels)
    rows = math.ceil(num_panels / columns)
    figure = Figure(figsize=(3.6 * columns, 2.9 * rows), layout="constrained")
    panels = [figure.add_subplot(rows, columns, index + 1) for index in range(num_panels)]
    _draw_history(panels[0], result)
    if result.importance:
        _draw_importance(panels[1], result)
    for axes, dimension in zip(panels[1 + bool(result.importance) :], dimensions, strict=True):
        _draw_dimension(axes, result, dimension)
    for axes in panels:
        axes.spines[["top", "right"]].set_visible(False)
        axes.tick_params(labelsize=8)
        axes.title.set_fontsize(9)
    return figure


def _draw_history(axes: Axes, result: SearchResult) -> None:
    done = [record for record in result.records if record.status == "done"]
    numbers = [record.number for record in done]
    values = [value_of(record) for record in done]
    best_so_far = list(itertools.accumulate(values, min if result.plan.mode == "min" else max))
    axes.plot(numbers, values, "o", color=_BLUE, alpha=0.6, markersize=4)
    axes.step(numbers, best_so_far, where="post", color=_ORANGE, linewidth=1.5)
    bad = [record.number for record in result.records if record.status in ("failed", "diverged")]
    if bad:
        bottom = axes.get_ylim()[0]
        axes.plot(bad, [bottom] * len(bad), "x", color="#c1272d", markersize=5, clip_on=False)
    _scale_values(axes, result)
    axes.set_title(f"{result.plan.metric} by trial, and the best so far" + (" (× failed)" if bad else ""))


def _draw_importance(axes: Axes, result: SearchResult) -> None:
    names = list(result.importance)[::-1]
    axes.barh(range(len(names)), [result.importance[name] for name in names], color=_BLUE)
    axes.set_yticks(range(len(names)), [name.rpartition(".")[2] for name in names])
    axes.set_xlim(0, 1)
    axes.set_title("share of the variance explained")


def _draw_dimension(axes: Axes, result: SearchResult, dimension: Dimension) -> None:
    ranked = result.ranked
    values = [value_of(record) for record in ranked]
    if isinstance(dimension, Choices):
        places = [dimension.texts.index(record.point[dimension.key]) for record in ranked]
        axes.set_xticks(range(len(dimension.texts)), list(dimension.texts))
        axes.set_xlim(-0.5, len(dimension.texts) - 0.5)
    else:
        places = [record.point[dimension.key] for record in ranked]
        if getattr(dimension, "log", False):
            axes.set_xscale("log")
    axes.plot(places, values, "o", color=_BLUE, alpha=0.6, markersize=4)
    axes.plot(places[:1], values[:1], "o", color=_ORANGE, markersize=7)
    _scale_values(axes, result)
    axes.set_title(dimension.key)


def _scale_values(axes: Axes, result: SearchResult) -> None:
    """Losses that differ by more than a factor of ten are told apart on a logarithmic scale."""
    values = [value_of(record) for record in result.ranked]
    if result.plan.mode == "min" and min(values) > 0 and max(values) > 10 * min(values):
        axes.set_yscale("log")
    axes.grid(color="0.93")
