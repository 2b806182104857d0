"""Runs, groups and comparisons as tables."""

from __future__ import annotations

import math
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from rich.console import Console, Group, RenderableType
from rich.table import Table
from rich.text import Text

from mlcore.experiments.flattening import value_text
from mlcore.experiments.queries import column
from mlcore.logger.number_format import format_number
from mlcore.statistics.summary import summarize

if TYPE_CHECKING:
    from mlcore.experiments.flattening import Difference
    from mlcore.experiments.run_comparison import RunComparison
    from mlcore.experiments.run_groups import RunGroup
    from mlcore.experiments.run_record import RunRecord

_STYLES = {"completed": "green", "early_stopped": "green", "running": "cyan", "unfinished": "yellow"}
_MOST_SEEDS = 8
_PIPED_WIDTH = 1000  # a program that reads the lines wants them whole


def show(what: RenderableType) -> None:
    """Print for a person at a terminal, or plain lines without frames' padding and colours into a pipe."""
    console = Console(highlight=False)
    if console.is_terminal:
        console.print(what)
        return
    plain = Console(highlight=False, width=_PIPED_WIDTH, color_system=None, force_terminal=False)
    with plain.capture() as captured:
        plain.print(what)
    sys.stdout.write("\n".join(line.rstrip() for line in captured.get().split("\n")))


def run_table(records: Sequence[RunRecord], columns: Sequence[str] = ()) -> Table:
    """One row a run.

    Raises:
        ConfigError: a column that no run has.
    """
    table = plain_table("run", "status", "seed")
    chosen = [column(key, records) for key in columns] if records else []
    for name, _ in chosen:
        table.add_column(name, justify="right")
    has_problems = any(record.problems for record in records)
    if has_problems:
        table.add_column("problems", overflow="fold")
    for record in records:
        cells: list[Text] = [
            Text(record.folder, overflow="fold"),
            Text(record.status, style=_STYLES.get(record.status, "red")),
            Text("–" if record.seed is None else str(record.seed)),
        ]
        cells += [Text(cell_text(read(record))) for _, read in chosen]
        table.add_row(*cells, *([Text("; ".join(record.problems))] if has_problems else []))
    return table


def group_table(groups: Sequence[RunGroup], metric: str | None) -> Table:
    """One row a group: how many runs, and the metric's mean, spread and interval over the seeds."""
    table = plain_table("runs of", "runs", "seeds", "commits")
    if metric is not None:
        for name in (f"{metric}: n", "mean", "sd", "95 % interval"):
            table.add_column(name, justify="right")
    for group in groups:
        shown = ["–" if seed is None else str(seed) for seed in group.seeds[:_MOST_SEEDS]]
        seeds = " ".join([*shown, "…"] if len(group.seeds) > _MOST_SEEDS else shown)
        cells = [group.label, str(len(group.records)), seeds, str(len(group.commits))]
        table.add_row(*map(Text, [*cells, *(_summary_cells(group, metric) if metric is not None else [])]))
    return table


def comparison_view(comparison: RunComparison) -> RenderableType:
    """A comparison as lines and tables, what matters most first."""
    parts: list[RenderableType] = []
    for side, record, group in (
        ("A", comparison.first, comparison.first_group),
        ("B", comparison.second, comparison.second_group),
    ):
        among = "" if group is None or len(group.records) == 1 else f", one of {len(group.records)} runs"
        parts.append(_line(f"{side}  ", f"{record.folder} ({record.status}{among})"))
    parts += [_line("note  ", note, "yellow") for note in comparison.notes]
    parts.append(_line("\nresult  ", str(comparison.metric), "bold"))
    parts += [_line("  test  ", str(test)) for test in comparison.metric.tests]
    if comparison.metric.metric is not None:
        parts += [_line("  ", reason) for reason in comparison.metric.reasons]
    parts.append(_line("\nsteps  ", str(comparison.divergence)))
    parts += _difference_part("configuration", comparison.config)
    parts += _difference_part("environment", comparison.environment)
    return Group(*parts)


def record_view(record: RunRecord, notes: Sequence[Any]) -> RenderableType:
    """Everything that is known of one run."""
    head = plain_table("run", record.folder)
    started = "–" if record.started is None else record.started.isoformat(sep=" ")
    commit = "–" if record.commit is None else record.commit + (" with changes" if record.is_dirty else "")
    for key, value in (
        ("path", str(record.path)),
        ("status", record.status),
        ("started", started),
        ("commit", commit),
    ):
        head.add_row(key, Text(value, overflow="fold"))
    parts: list[RenderableType] = [head]
    parts += [_line("problem  ", problem, "yellow") for problem in record.problems]
    parts += [_line("note  ", str(note)) for note in notes]
    for title, content, text_of in (
        ("metrics", record.metrics, cell_text),
        ("configuration", record.config, value_text),
    ):
        table = plain_table(title, "")
        for name, found in content.items():
            table.add_row(Text(name), Text(text_of(found), overflow="fold"))
        parts += [Text(""), table]
    return Group(*parts)


def plain_table(*columns: str) -> Table:
    """A table without frames: it reads as well in a pipe as on a screen."""
    return Table(*columns, box=None, pad_edge=False, header_style="bold", padding=(0, 2, 0, 0))


def cell_text(value: Any) -> str:
    """A value of a column: numbers short, nothing as –."""
    if value is None:
        return "–"
    if isinstance(value, float):
        return format_number(value, 5) if math.isfinite(value) else str(value)
    return str(value) if isinstance(value, int) else value_text(value)


def _summary_cells(group: RunGroup, metric: str) -> list[str]:
    summary = summarize(list(group.values(metric).values()))
    if summary.mean is None:
        return [str(summary.n), summary.reason or "–", "–", "–"]
    bounds = "–"
    if summary.interval is not None:
        bounds = f"[{summary.interval[0]:.5g}, {summary.interval[1]:.5g}]"
    return [
        str(summary.n),
        f"{summary.mean:.5g}",
        "–" if summary.sd is None else f"{summary.sd:.2g}",
        bounds,
    ]


def _difference_part(title: str, found: Sequence[Difference]) -> list[RenderableType]:
    if not found:
        return [_line(f"\n{title}  ", "the same")]
    table = plain_table(title, "A", "B")
    for difference in found:
        table.add_row(Text(difference.key), *(Text(text, overflow="fold") for text in difference.texts()))
    return [Text(""), table]


def _line(label: str, text: str, style: str = "") -> Text:
    return Text.assemble((label, "bold"), (text, style))
