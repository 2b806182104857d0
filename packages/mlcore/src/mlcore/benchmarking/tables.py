"""The table of a benchmark, for the terminal, for Markdown and for the page."""

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from mlcore.benchmarking.measurement import Measurement
from mlcore.logger.number_format import format_bytes, format_count, format_duration, format_number

if TYPE_CHECKING:
    from rich.console import Console, ConsoleOptions
    from rich.table import Table
    from rich.text import Text

    from mlcore.benchmarking.result import BenchmarkResult

NOTHING = "–"
# Times and ratios are what a benchmark is for; these go where a terminal is narrow.
_LEAST_WANTED = (
    "start-up",
    "first step",
    "FLOP/s",
    "parameters",
    "quartiles",
    "memory",
    "samples/s",
    "of the product",
)


def headings(result: "BenchmarkResult") -> list[str]:
    """The columns."""
    ratios = [f"× {name}" for name in result.baselines]
    fixed = ["variant", "ms a step", "quartiles", f"{result.unit}/s", "FLOP/s", "of the product", "memory"]
    return [*fixed, "start-up", "first step", *further_columns(result), *ratios]


def further_columns(result: "BenchmarkResult") -> list[str]:
    """Columns that only some benchmarks have."""
    parameters = {one.facts["parameters"] for one in result.measurements if "parameters" in one.facts}
    has_samples = any(one.samples_per_s is not None for one in result.measurements)
    return [*(["samples/s"] if has_samples else []), *(["parameters"] if len(parameters) > 1 else [])]


def rows(result: "BenchmarkResult") -> list[list[str]]:
    """One row a variant, then the yardsticks."""
    own = [_cells(result, one) for one in result.measurements]
    width = len(headings(result))
    return [*own, *([*_yardstick_cells(one), *[""] * (width - 5)] for one in result.yardsticks)]


class TerminalTable:
    """The table for a terminal: the columns that it has room for, failures and warnings below them."""

    def __init__(self, result: "BenchmarkResult") -> None:
        self._result = result

    def __rich_console__(self, console: "Console", options: "ConsoleOptions") -> "Iterator[Table | Text]":
        from rich.table import Table
        from rich.text import Text

        result = self._result
        shown = columns_that_fit(result, options.max_width)
        table = Table(
            title=result.title, title_justify="left", box=None, pad_edge=False, padding=(0, 2, 0, 0)
        )
        for column in shown:
            name = headings(result)[column]
            table.add_column(name, justify="left" if column == 0 else "right", no_wrap=True)
        for cells in rows(result):
            table.add_row(*(Text(cells[column]) for column in shown))
        yield table
        missing = [name for column, name in enumerate(headings(result)) if column not in shown]
        if missing:
            yield Text(f"no room for {', '.join(missing)}: they are in the files", style="dim")
        for warning in result.warnings:
            yield Text(warning)


def columns_that_fit(result: "BenchmarkResult", width: int) -> list[int]:
    """The columns for a terminal of so many characters; the first ones of `_LEAST_WANTED` go first."""
    names = headings(result)
    needed = [max(map(len, cells)) + 2 for cells in zip(names, *rows(result), strict=True)]
    shown = list(range(len(names)))
    for name in _LEAST_WANTED:
        if sum(needed[column] for column in shown) - 2 <= width:
            break
        shown = [column for column in shown if names[column] != name]
    return shown


def markdown_table(result: "BenchmarkResult") -> str:
    """The table in Markdown, failures and warnings below it."""
    names = headings(result)
    lines = [names, ["---", *["---:"] * (len(names) - 1)], *rows(result)]
    text = "\n".join(f"| {' | '.join(line)} |" for line in lines) + "\n"
    notes = "".join(f"- {warning}\n" for warning in result.warnings)
    return f"{text}\n{notes}" if notes else text


def _cells(result: "BenchmarkResult", one: Measurement) -> list[str]:
    step, rate, flops = one.step_s(), one.items_per_s(), one.flops_per_s()
    share = result.share_of_yardstick(one.name)
    if step is None or rate is None:
        failed = ["failed" if one.failure else NOTHING]
        return [one.name, *failed, *[NOTHING] * (len(headings(result)) - 2)]
    ratios = (result.ratio(one.name, name) for name in result.baselines)
    names = zip(result.baselines, ratios, strict=True)
    further = {"samples/s": one.samples_per_s, "parameters": one.facts.get("parameters")}
    return [
        f"{one.name} (failed)" if one.failure else one.name,
        milliseconds(step.median),
        f"{milliseconds(step.lower_quartile)} to {milliseconds(step.upper_quartile)}",
        format_number(rate.median),
        NOTHING if flops is None else f"{format_count(flops.median)}",
        NOTHING if share is None else f"{share.estimate:.0%}",
        _shown(one.peak_memory_bytes, format_bytes),
        _shown(one.start_up_s, format_duration),
        _shown(one.first_step_s, format_duration),
        *(_shown(further[name], format_number) for name in further_columns(result)),
        *("1" if name == one.name else NOTHING if ratio is None else str(ratio) for name, ratio in names),
    ]


def _yardstick_cells(one: Measurement) -> list[str]:
    step, flops = one.step_s(), one.flops_per_s()
    products = one.facts.get("products_per_step", 1)
    if step is None or flops is None:
        return [one.name, "failed", NOTHING, "", NOTHING]
    quartiles = (milliseconds(value / products) for value in (step.lower_quartile, step.upper_quartile))
    rate = format_count(flops.median)
    return [one.name, milliseconds(step.median / products), " to ".join(quartiles), "", rate]


def milliseconds(seconds: float) -> str:
    """Three significant digits or whole milliseconds."""
    value = 1e3 * seconds
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


def _shown(value: float | None, show: Callable[[float], str]) -> str:
    return NOTHING if value is None else show(value)
