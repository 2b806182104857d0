"""What `compare` says about every variant: its loss over the seeds, its size, and what it cost."""

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from mlcore.experiments.run_record import RunRecord
from mlcore.logger.number_format import format_duration
from mlcore.statistics import Summary, summarize
from mlmodels.recurrent.config import RecurrentLanguageModelConfig
from rich.table import Table

COLUMNS = ("variant", "n", "loss ± sd", "parameters", "hidden", "embedding", "tokens", "training", "tokens/s")


@dataclass(frozen=True)
class VariantFigures:
    """One variant over its seeds.

    Attributes:
        loss: validation loss of the best weights, nats per token.
        tokens: that each run was trained on.
        train_s, tokens_per_s: wall time of a run, and the tokens a second while it trained.
    """

    variant: str
    loss: Summary
    parameters: int
    hidden_size: int
    embedding_size: int
    tokens: int
    train_s: Summary
    tokens_per_s: Summary

    def as_dict(self) -> dict[str, Any]:
        """The fields by name, ready for JSON."""
        return asdict(self)

    def cells(self) -> list[str]:
        """The row of the table."""
        return [
            self.variant,
            str(self.loss.n),
            with_spread(self.loss, "{:.4f}"),
            f"{self.parameters:,}",
            str(self.hidden_size),
            str(self.embedding_size),
            f"{self.tokens:,}",
            "–" if self.train_s.mean is None else format_duration(self.train_s.mean),
            with_spread(self.tokens_per_s, "{:,.0f}"),
        ]


def figures_of(
    name: str, model: RecurrentLanguageModelConfig, records: Sequence[RunRecord]
) -> VariantFigures:
    """The figures of one variant's runs; parameters and tokens are those that the runs themselves counted."""

    def values(key: str) -> list[float]:
        # A run of a few steps is over before its speed is known.
        return [record.metrics.get(key, math.nan) for record in records]

    return VariantFigures(
        variant=name,
        loss=summarize(values("validation.loss")),
        parameters=int(values("parameters")[0]),
        hidden_size=model.hidden_size,
        embedding_size=model.embedding_size,
        tokens=int(values("items")[0]),
        train_s=summarize(values("wall_s")),
        tokens_per_s=summarize(values("throughput.items_per_s")),
    )


def with_spread(summary: Summary, form: str) -> str:
    """ "1.2345 ± 0.0067"."""
    if summary.mean is None:
        return "–"
    return form.format(summary.mean) + ("" if summary.sd is None else f" ± {form.format(summary.sd)}")


def figures_table(figures: Sequence[VariantFigures]) -> Table:
    """The table for a terminal."""
    title = "equal parameters, equal tokens"
    table = Table(title=title, title_justify="left", box=None, pad_edge=False, padding=(0, 2, 0, 0))
    for position, name in enumerate(COLUMNS):
        table.add_column(name, justify="right" if position else "left", no_wrap=position in (0, 2))
    for one in figures:
        table.add_row(*one.cells())
    return table


def markdown_lines(figures: Sequence[VariantFigures]) -> list[str]:
    """The table in Markdown."""
    lines = [list(COLUMNS), ["---", *["---:"] * (len(COLUMNS) - 1)], *(one.cells() for one in figures)]
    return [f"| {' | '.join(line)} |" for line in lines]
