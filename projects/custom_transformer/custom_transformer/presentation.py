"""How an evaluation looks in a terminal."""

from collections.abc import Iterator
from typing import Any

from mlcore.evaluator import generation_advice
from rich.panel import Panel
from rich.table import Table
from rich.text import Text


def figures_table(content: dict[str, Any]) -> Table:
    """The model beside the baselines on the same validation tokens."""
    table = Table(
        title=f"{content['split']} · {content['checkpoint']}", title_justify="left", header_style="bold"
    )
    table.add_column("")
    for heading in ("nats per token", "perplexity", "bits per byte", "accuracy"):
        table.add_column(heading, justify="right")
    metrics = content["metrics"]
    table.add_row("this model", *_cells(metrics), style="bold green")
    interval = metrics.get("loss_interval")
    if interval:
        table.add_row("  95 % interval", f"{interval[0]:.3f} to {interval[1]:.3f}", "", "", "", style="dim")
    for name in ("trigram", "bigram", "unigram", "uniform"):
        if name in content["baselines"]:
            table.add_row(name, *_cells(content["baselines"][name]))
    return table


def _cells(figures: dict[str, Any]) -> list[str]:
    bits = figures.get("bits_per_byte")
    return [
        f"{figures['loss']:.3f}",
        f"{figures['perplexity']:,.2f}",
        "" if bits is None else f"{bits:.3f}",
        f"{figures['token_accuracy']:.1%}",
    ]


def sample_panels(content: dict[str, Any]) -> Iterator[Panel]:
    """Every sample, its prompt in bold; then what the judges say."""
    for sample in content.get("samples") or []:
        text = Text(sample["prompt"], style="bold")
        text.append(sample["text"], style="not bold")
        yield Panel(text, title="sample", title_align="left")
    judgements = []
    if heuristic := content.get("heuristic"):
        judgements.append(f"heuristic (offline)  {_means(heuristic['means'])}")
    if coherence := content.get("coherence"):
        scores = {name: score["mean"] for name, score in coherence["scores"].items()}
        judgements.append(f"coherence (Claude)   {coherence['status']}  {_means(scores)}")
    if advice := generation_advice(content):
        judgements.append(advice)
    if judgements:
        yield Panel("\n".join(judgements), title="judges", title_align="left")


def _means(scores: dict[str, float | None]) -> str:
    return ", ".join(
        f"{name.replace('_', ' ')} {value:.2f}" for name, value in scores.items() if value is not None
    )
