"""How the evaluation of a classifier looks in a terminal."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rich.table import Table
from rich.text import Text


def print_classification(content: Mapping[str, Any], items: str) -> None:
    """The content of evaluation.json as three tables; `items` is the plural of what was classified."""
    from rich.console import Console

    console = Console()
    for table in (figures_table(content, items), class_table(content, items), confusion_table(content)):
        console.print(table)


def figures_table(content: Mapping[str, Any], items: str) -> Table:
    """The model beside the baselines on the same items."""
    metrics = content["metrics"]
    title = f"{content['split']} · {metrics['num_samples']:,} {items} · {content['checkpoint']}"
    table = Table(title=title, title_justify="left", header_style="bold")
    table.add_column("")
    for heading in ("accuracy", "95 % interval", "errors", "cross-entropy", "calibration error"):
        table.add_column(heading, justify="right")
    table.add_row("this model", *_cells(metrics), style="bold green")
    for name, figures in content.get("tasks", {}).items():
        table.add_row(f"its {name}", *_cells(figures), style="green")
    baselines = content["baselines"].items()
    for name, figures in sorted(baselines, key=lambda item: -item[1]["accuracy"]):
        table.add_row(name.replace("_", " "), *_cells({"num_samples": metrics["num_samples"], **figures}))
    return table


def _cells(figures: Mapping[str, Any]) -> list[str]:
    low, high = figures["accuracy_interval"]
    errors = round((1 - figures["accuracy"]) * figures["num_samples"])
    loss, calibration = figures.get("loss"), figures.get("calibration")
    return [
        f"{figures['accuracy']:.2%}",
        f"{low:.2%} to {high:.2%}",
        f"{errors:,}",
        "" if loss is None else f"{loss:.4f}",
        "" if calibration is None else f"{calibration['expected_error']:.4f}",
    ]


def class_table(content: Mapping[str, Any], items: str) -> Table:
    """Precision, recall and F1 of every class."""
    table = Table(title="classes", title_justify="left", header_style="bold")
    table.add_column("class")
    for heading in ("precision", "recall", "F1", items):
        table.add_column(heading, justify="right")
    for entry in content["metrics"]["per_class"]:
        rates = ["–" if entry[key] is None else f"{entry[key]:.4f}" for key in ("precision", "recall", "f1")]
        table.add_row(entry["name"], *rates, f"{entry['support']:,}")
    return table


def confusion_table(content: Mapping[str, Any]) -> Table:
    """Rows are the true classes, columns the predicted ones; zeros are left out."""
    metrics = content["metrics"]
    names = [entry["name"] for entry in metrics["per_class"]]
    table = Table(title="confusion: true class by row", title_justify="left", header_style="bold")
    table.add_column("")
    for name in names:
        table.add_column(name, justify="right")
    for row, (name, counts) in enumerate(zip(names, metrics["confusion"], strict=True)):
        cells = [
            Text(str(count) if count else "·", style="green" if column == row else "red" if count else "dim")
            for column, count in enumerate(counts)
        ]
        table.add_row(name, *cells)
    return table
