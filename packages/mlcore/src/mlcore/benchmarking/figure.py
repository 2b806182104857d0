"""The figure of a benchmark: rates as bars with their spread, memory beside them."""

from typing import TYPE_CHECKING

from mlcore.benchmarking.measurement import Measurement

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from mlcore.benchmarking.result import BenchmarkResult

_BLUE, _ORANGE, _GREY = "#2b6cb0", "#c2570c", "#63636a"  # told apart with every kind of colour vision
_MEBIBYTE = 2**20


def draw(result: "BenchmarkResult") -> "Figure":
    """One row a variant that was measured, the first at the top; touches no global state of matplotlib."""
    from matplotlib.figure import Figure

    measured = [one for one in result.measurements if one.turns]
    figure = Figure(figsize=(10, 0.42 * max(1, len(measured)) + 1.3), layout="constrained")
    rate, memory = figure.subplots(1, 2, sharey=True, width_ratios=(3, 2))
    figure.suptitle(result.title, x=0.01, ha="left", fontsize=12, fontweight="bold")
    _draw_rates(rate, measured, result.unit)
    _draw_memory(memory, measured)
    rate.set_yticks(range(len(measured)), [one.name for one in measured])
    rate.invert_yaxis()
    for axes in (rate, memory):
        axes.grid(axis="x", color="0.9")
        axes.set_axisbelow(True)
        axes.spines[["top", "right"]].set_visible(False)
    return figure


def _draw_rates(axes: "Axes", measured: list[Measurement], unit: str) -> None:
    """The bar is the median, the thick line the quartiles, the thin one all steps."""
    for row, one in enumerate(measured):
        spread = one.items_per_s()
        if spread is None:
            continue
        axes.barh(row, spread.median, height=0.62, color=_BLUE)
        axes.hlines(row, spread.minimum, spread.maximum, color=_GREY, linewidth=1)
        axes.hlines(row, spread.lower_quartile, spread.upper_quartile, color=_GREY, linewidth=4)
    axes.set_xlabel(f"{unit} a second: median, quartiles, range of the steps")
    axes.set_xlim(left=0)
    axes.xaxis.set_major_formatter(lambda value, _: f"{value:,.4g}" if value < 1e4 else f"{value:,.0f}")


def _draw_memory(axes: "Axes", measured: list[Measurement]) -> None:
    for row, one in enumerate(measured):
        if one.peak_memory_bytes is not None:
            axes.barh(row, one.peak_memory_bytes / _MEBIBYTE, height=0.62, color=_ORANGE)
    axes.set_xlabel("peak memory above the base, MiB")
    axes.set_xlim(left=0)
