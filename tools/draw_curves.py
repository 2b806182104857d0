"""Draw assets/figures/NAME.png from assets/results: validation accuracy against training time, a line a run."""

import argparse
import json
from pathlib import Path
from typing import Any

from matplotlib.figure import Figure

REPOSITORY = Path(__file__).resolve().parents[1]
RESULTS, FIGURES = (REPOSITORY / "assets" / part for part in ("results", "figures"))


def draw(results: list[dict[str, Any]]) -> Figure:
    """One colour a result, one line a run; seconds are of the clock, validation included."""
    figure = Figure(figsize=(7, 4), layout="constrained")
    axes = figure.add_subplot()
    for number, result in enumerate(results):
        for place, curve in enumerate(result["validation_curves"]):
            if "accuracy" not in curve:
                raise SystemExit(f"draw_curves: {result['name']} has no validation accuracy by epoch")
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


def main(argv: list[str] | None = None) -> int:
    """Read the results, write the figure."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("name", help="file name in assets/figures, without .png")
    parser.add_argument("results", nargs="+", help="names in assets/results, without .json")
    options = parser.parse_args(argv)
    read = [json.loads((RESULTS / f"{name}.json").read_text(encoding="utf-8")) for name in options.results]
    FIGURES.mkdir(parents=True, exist_ok=True)
    path = FIGURES / f"{options.name}.png"
    draw(read).savefig(path, dpi=144)
    print(path.relative_to(REPOSITORY))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
