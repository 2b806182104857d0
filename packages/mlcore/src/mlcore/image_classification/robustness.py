"""How much of its accuracy a classifier keeps on spoilt copies of the same images."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from rich.table import Table

from mlcore.image_classification.classifier import ImageClassifier
from mlcore.image_classification.evaluation import accuracy
from mlcore.image_classification.wiring import ImageSet
from mlcore.statistics import wilson_interval

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def accuracies_on_spoilt(
    classifier: ImageClassifier,
    images: ImageSet,
    spoil: Callable[[str, int], ImageSet],
    kinds: Mapping[str, Sequence[float]],
    *,
    batch_size: int = 1000,
) -> dict[str, Any]:
    """Accuracy by kind of corruption and severity, without averaging over views.

    Args:
        images: as they are, for comparison.
        spoil: kind and severity (from 1) -> the spoilt copy.
        kinds: the strength of each severity, by kind.

    Returns:
        `clean`, `mean` over all kinds and severities, and `kinds`: for each kind a list of `severity`, `strength`,
        `accuracy` and `accuracy_interval` (Wilson, 95 %).
    """
    found: dict[str, list[dict[str, Any]]] = {}
    for kind, strengths in kinds.items():
        for severity, strength in enumerate(strengths, start=1):
            share = accuracy(classifier, spoil(kind, severity), batch_size)
            interval = wilson_interval(round(share * len(images)), len(images))
            entry = {"severity": severity, "strength": strength, "accuracy": share}
            found.setdefault(kind, []).append({**entry, "accuracy_interval": [interval.low, interval.high]})
    every = [entry["accuracy"] for entries in found.values() for entry in entries]
    return {
        "clean": accuracy(classifier, images, batch_size),
        "mean": sum(every) / len(every),
        "kinds": found,
    }


def robustness_table(content: Mapping[str, Any]) -> Table:
    """Kinds by row, severities by column."""
    table = Table(title="accuracy on spoilt copies, by severity", title_justify="left", header_style="bold")
    table.add_column("")
    columns = max(len(entries) for entries in content["kinds"].values())
    for severity in range(1, columns + 1):
        table.add_column(str(severity), justify="right")
    for kind, entries in content["kinds"].items():
        table.add_row(kind, *(f"{entry['accuracy']:.2%}" for entry in entries))
    table.caption = f"as they are {content['clean']:.2%}; mean of all copies {content['mean']:.2%}"
    return table


def draw_robustness(content: Mapping[str, Any]) -> Figure:
    """A line a kind over the severities, with 95 % intervals; severity 0 is the images as they are."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(6, 3.6), layout="constrained")
    axes = figure.add_subplot()
    for kind, entries in content["kinds"].items():
        places = [0, *(entry["severity"] for entry in entries)]
        (line,) = axes.plot(places, [content["clean"], *(entry["accuracy"] for entry in entries)], label=kind)
        lows, highs = zip(*(entry["accuracy_interval"] for entry in entries), strict=True)
        axes.vlines(places[1:], lows, highs, color=line.get_color(), alpha=0.5)
    axes.yaxis.set_major_formatter(lambda value, _: f"{value:.0%}")
    axes.set_xlabel("severity")
    axes.set_ylabel("accuracy")
    axes.grid(axis="y", color="0.9")
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(frameon=False)
    return figure
