"""Draw assets/figures/NAME.png from assets/results.

curves: validation accuracy against training time, a line a run. contrasts: by how much the configurations of a study
differ from one of them.
"""

import argparse
import json
from pathlib import Path
from typing import Any

from matplotlib.figure import Figure

REPOSITORY = Path(__file__).resolve().parents[1]
RESULTS, FIGURES = (REPOSITORY / "assets" / part for part in ("results", "figures"))


def draw_curves(results: list[dict[str, Any]]) -> Figure:
    """One colour a result, one line a run; seconds are of the clock, validation included."""
    figure = Figure(figsize=(7, 4), layout="constrained")
    axes = figure.add_subplot()
    for number, result in enumerate(results):
        for place, curve in enumerate(result["validation_curves"]):
            if "accuracy" not in curve:
                raise SystemExit(f"draw_figure: {result['name']} has no validation accuracy by epoch")
            label = result["name"] if place == 0 else None
            axes.plot(
                curve["seconds"], curve["accuracy"], "o-", markersize=3, color=f"C{number}", label=label
            )
    axes.set_xlabel("seconds since the start")
    axes.set_ylabel("validation accuracy")
    axes.yaxis.set_major_formatter(lambda value, _: f"{value:.0%}")
    axes.grid(color="0.93")
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(frameon=False, loc="lower right")
    return figure


def draw_contrasts(results: list[dict[str, Any]]) -> Figure:
    """One panel a result, one row a contrast; a difference above 0 is a higher loss."""
    counts = [len(result["measured"]["contrasts"]) for result in results]
    figure = Figure(figsize=(7, 0.3 * sum(counts) + 0.7 * len(results)), layout="constrained")
    panels = figure.subplots(len(results), sharex=True, squeeze=False, height_ratios=counts)[:, 0]
    for panel, result in zip(panels, results, strict=True):
        contrasts = result["measured"]["contrasts"]
        if len({contrast["baseline"] for contrast in contrasts}) != 1:
            raise SystemExit(
                f"draw_figure: {result['name']} does not compare everything with one configuration"
            )
        for row, contrast in enumerate(contrasts):
            test = contrast["test"]
            panel.plot(test["interval"], (row, row), color="#0072b2", linewidth=1.5)
            panel.plot(test["difference"], row, "o", color="#0072b2", markersize=5)
        panel.axvline(0, color="0.5", linewidth=1)
        panel.set_yticks(range(len(contrasts)), [contrast["model"] for contrast in contrasts])
        panel.set_ylim(len(contrasts) - 0.5, -0.5)
        panel.set_title(f"beside {contrasts[0]['baseline']}", loc="left", fontsize=10)
        panel.grid(axis="x", color="0.93")
        panel.spines[["top", "right"]].set_visible(False)
    panels[-1].set_xlabel("difference of the loss, nats a token: left is better")
    return figure


DRAWINGS = {"curves": draw_curves, "contrasts": draw_contrasts}


def main(argv: list[str] | None = None) -> int:
    """Read the results, write the figure."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("kind", choices=DRAWINGS, help="what is drawn")
    parser.add_argument("name", help="file name in assets/figures, without .png")
    parser.add_argument("results", nargs="+", help="names in assets/results, without .json")
    options = parser.parse_args(argv)
    read = [json.loads((RESULTS / f"{name}.json").read_text(encoding="utf-8")) for name in options.results]
    FIGURES.mkdir(parents=True, exist_ok=True)
    path = FIGURES / f"{options.name}.png"
    DRAWINGS[options.kind](read).savefig(path, dpi=144)
    print(path.relative_to(REPOSITORY))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
