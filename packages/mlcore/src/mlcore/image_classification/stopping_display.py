"""Table and figure of a study of adaptive stopping."""

from __future__ import annotations

from collections.abc import Mapping
from statistics import fmean, stdev
from typing import TYPE_CHECKING, Any

import numpy as np
from rich.table import Table

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_HEADINGS = (
    "configuration",
    "best fixed length, epochs",
    "adaptive, epochs",
    "ratio",
    "test accuracy, fixed, %",
    "test accuracy, adaptive, %",
    "lost",
    "noise of a seed",
)

# 80 columns of a terminal have no room for the long ones.
_SHORT_HEADINGS = ("", "fixed", "adaptive", "ratio", "fixed, %", "adaptive, %", "lost", "noise")


def _cells(name: str, figures: Mapping[str, Any]) -> tuple[str, ...]:
    epochs, accuracy = figures["adaptive_epochs"], figures["test_accuracy"]
    return (
        name.replace("_", " "),
        str(figures["best_budget"]),
        f"{fmean(epochs):.1f} ± {stdev(epochs):.1f}",
        f"{figures['epochs_ratio']:.2f}",
        *(
            f"{100 * fmean(accuracy[kind]):.2f} ± {100 * stdev(accuracy[kind]):.2f}"
            for kind in ("fixed", "adaptive")
        ),
        f"{100 * figures['accuracy_lost']:+.2f}",
        f"{100 * figures['seed_noise']:.2f}",
    )


def table(models: Mapping[str, Mapping[str, Any]]) -> Table:
    """One row a configuration, for a terminal; accuracies lost are in percentage points."""
    title = "adaptive stopping beside the best fixed length: epochs, then test accuracy"
    shown = Table(title=title, title_justify="left", header_style="bold")
    for number, heading in enumerate(_SHORT_HEADINGS):
        shown.add_column(heading, justify="left" if number == 0 else "right")
    for name, figures in models.items():
        shown.add_row(*_cells(name, figures))
    return shown


def markdown_table(models: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """The same in Markdown, a line an entry."""
    lines = [_HEADINGS, ("---", *["---:"] * (len(_HEADINGS) - 1))]
    lines += [_cells(name, figures) for name, figures in models.items()]
    return [f"| {' | '.join(line)} |" for line in lines]


def draw_budgets(models: Mapping[str, Mapping[str, Any]]) -> Figure:
    """Validation accuracy against length, mean and range of the seeds; where each way of stopping ended."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(7, 3.2 * len(models)), layout="constrained")
    for axes, (name, figures) in zip(
        figure.subplots(len(models), squeeze=False)[:, 0], models.items(), strict=True
    ):
        accuracy_SN = np.array(figures["validation_accuracy_by_budget"])
        lengths = np.arange(1, accuracy_SN.shape[1] + 1)
        axes.fill_between(
            lengths, accuracy_SN.min(0), accuracy_SN.max(0), color="#0072b2", alpha=0.2, linewidth=0
        )
        axes.plot(lengths, accuracy_SN.mean(0), color="#0072b2", label="validation accuracy of that length")
        axes.axvline(figures["best_budget"], color="black", linestyle="--", label="best fixed length")
        for number, epochs in enumerate(figures["adaptive_epochs"]):
            label = "adaptive stopping ended" if number == 0 else None
            axes.axvline(epochs, color="#d55e00", linewidth=1, label=label)
        axes.set_ylim(bottom=float(np.quantile(accuracy_SN, 0.1)))
        axes.yaxis.set_major_formatter(lambda value, _: f"{value:.1%}")
        axes.set_xlabel("epochs")
        axes.set_title(name.replace("_", " "), loc="left")
        axes.spines[["top", "right"]].set_visible(False)
    handles = figure.axes[0].get_legend_handles_labels()
    figure.legend(*handles, frameon=False, loc="outside lower center", ncols=len(handles[0]), fontsize=9)
    return figure
