"""The picture of models measured over several seeds."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mlcore.statistics.model_statistics import ModelStatistics

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def draw_models(statistics: ModelStatistics, *, as_percent: bool = False) -> Figure:
    """Every run as a dot, the mean and its 95 % interval beside them; the best model on top."""
    from matplotlib.figure import Figure

    ranking = [name for name, _ in reversed(statistics.ranking())]
    figure = Figure(figsize=(7, 0.5 * len(ranking) + 1.2), layout="constrained")
    axes = figure.add_subplot()
    for row, name in enumerate(ranking):
        summary = statistics.summary(name)
        if summary.interval is not None:
            axes.hlines(row, *summary.interval, color="0.6", linewidth=2)
        if summary.mean is not None:
            axes.plot(summary.mean, row, "|", color="black", markersize=14)
        axes.plot(statistics.values(name), [row] * summary.n, "o", color="#0072b2", alpha=0.7)
    axes.set_yticks(range(len(ranking)), [name.replace("_", " ") for name in ranking])
    if as_percent:
        axes.xaxis.set_major_formatter(lambda value, _: f"{value:.1%}")
    axes.set_xlabel(f"{statistics.metric}: runs (dots), mean and its 95 % interval")
    axes.grid(axis="x", color="0.9")
    axes.spines[["top", "right"]].set_visible(False)
    return figure
