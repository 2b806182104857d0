"""How the evaluation of a language model looks in a terminal."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from rich.console import Console
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from mlcore.evaluator.poor_generation import generation_advice

_HEADINGS = ("nats per token", "perplexity", "bits/character", "bits/byte", "accuracy")


def print_text_evaluation(content: Mapping[str, Any]) -> None:
    """The figures as a table, then the samples."""
    console = Console()
    console.print(figures_table(content))
    for panel in sample_panels(content):
        console.print(panel)


def figures_table(content: Mapping[str, Any]) -> Table:
    """The model beside the baselines on the same validation tokens, the strongest of them first."""
    title = f"{content['split']} · {content['checkpoint']}"
    table = Table(title=title, title_justify="left", header_style="bold")
    table.add_column("")
    for heading in _HEADINGS:
        table.add_column(heading, justify="right")
    metrics = content["metrics"]
    table.add_row("this model", *_cells(metrics), style="bold green")
    if interval := metrics.get("loss_interval"):
        empty = [""] * (len(_HEADINGS) - 1)
        table.add_row("  95 % interval", f"{interval[0]:.3f} to {interval[1]:.3f}", *empty, style="dim")
    if one_gap := content.get("one_gap"):
        table.add_row("  one gap at a time", *_cells(one_gap), style="green")
        if interval := one_gap.get("perplexity_interval"):
            between = f"{interval[0]:,.2f} to {interval[1]:,.2f}"
            table.add_row("  95 % interval", "", between, *[""] * (len(_HEADINGS) - 2), style="dim")
    for name, figures in sorted(content["baselines"].items(), key=lambda item: item[1]["loss"]):
        table.add_row(name, *_cells(figures))
    return table


def _cells(figures: Mapping[str, Any]) -> list[str]:
    bits = [figures.get(name) for name in ("bits_per_character", "bits_per_byte")]
    return [
        f"{figures['loss']:.3f}",
        f"{figures['perplexity']:,.2f}",
        *("" if value is None else f"{value:.3f}" for value in bits),
        f"{figures['token_accuracy']:.1%}",
    ]


def sample_panels(content: Mapping[str, Any]) -> Iterator[Panel]:
    """Every sample, its prompt in bold; then what the judges say."""
    for sample in content.get("samples") or []:
        plain = sample if isinstance(sample, Mapping) else sample.as_dict()
        text = Text(plain["prompt"], style="bold")
        text.append(plain["text"], style="not bold")
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


def _means(scores: Mapping[str, float | None]) -> str:
    return ", ".join(
        f"{name.replace('_', ' ')} {value:.2f}" for name, value in scores.items() if value is not None
    )
