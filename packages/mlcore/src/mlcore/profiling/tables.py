"""The tables of a profile, as rows of text for the terminal and for the page."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from mlcore.logger.number_format import format_bytes, format_count
from mlcore.profiling.profile import LayerCost, StepProfile
from mlcore.profiling.trace import OperatorTime

NOTHING = "–"
NUM_OPERATORS = 25
_WIDEST = 180


@dataclass(frozen=True)
class TextTable:
    """Headings and rows; the first column is a name."""

    title: str
    headings: tuple[str, ...]
    rows: Sequence[tuple[str, ...]]

    def print(self) -> None:
        """To the terminal."""
        from rich.console import Console
        from rich.table import Table
        from rich.text import Text

        table = Table(title=self.title, title_justify="left", box=None, pad_edge=False, padding=(0, 2, 0, 0))
        for position, heading in enumerate(self.headings):
            table.add_column(heading, justify="left" if position == 0 else "right", no_wrap=True)
        for row in self.rows:
            table.add_row(*(Text(cell) for cell in row))
        Console(width=_WIDEST).print(table)  # a cell that is cut off says nothing


def parts_table(profile: StepProfile) -> TextTable:
    """The parts of a step by the clock, and their sum."""
    rows = [
        (name, milliseconds(seconds), f"{profile.share(name):.1%}")
        for name, seconds in profile.parts_s.items()
    ]
    total = sum(profile.parts_s.values())
    rows += [
        ("all parts", milliseconds(total), "100.0%"),
        ("step, from outside", milliseconds(profile.mean_step_s), f"{1 / profile.covered:.1%}"),
    ]
    return TextTable("a step by the clock", ("part", "ms", "share"), rows)


def layers_table(profile: StepProfile) -> TextTable:
    """Every module that computes or has parameters."""
    has_device = any(layer.device_s for layer in profile.layers)
    headings = ("layer", "parameters", "FLOPs", "forward ms", "backward ms", "share", "FLOP/s", "kept")
    total = sum(layer.forward_s + layer.backward_s for layer in profile.layers)
    rows = []
    for layer in profile.layers:
        seconds = layer.forward_s + layer.backward_s
        if not (layer.parameters or layer.flops or seconds > 1e-4 * total):
            continue
        device = (milliseconds(layer.device_s),) if has_device else ()
        rows.append((*_layer_cells(layer, seconds, total), *device))
    return TextTable("layers, a traced step", (*headings, *(("device ms",) if has_device else ())), rows)


def operators_table(profile: StepProfile, num: int = NUM_OPERATORS) -> TextTable:
    """The operators with the largest time of their own; all others together in the last row but one."""
    shown, others = list(profile.operators[:num]), list(profile.operators[num:])
    if others:
        shown.append(_together(others))
    has_device = any(row.device_s for row in shown)
    total = sum(row.own_s for row in shown)
    rows = [_operator_cells(row, total, profile.num_traced, has_device) for row in shown]
    device = ("device ms",) if has_device else ()
    rows.append(
        ("all", "", milliseconds(total / profile.num_traced), "100.0%", "", *([""] * len(device)), "")
    )
    headings = ("operator", "calls", "own ms", "share", "with inner ms", *device, "allocated")
    return TextTable("operators, a traced step", headings, rows)


def milliseconds(seconds: float) -> str:
    """Three digits behind the point below 10, fewer above."""
    value = 1e3 * seconds
    return f"{value:,.3f}" if abs(value) < 10 else f"{value:,.1f}"


def signed_bytes(num_bytes: int) -> str:
    """Given back is negative."""
    return f"−{format_bytes(-num_bytes)}" if num_bytes < 0 else format_bytes(num_bytes)


def _layer_cells(layer: LayerCost, seconds: float, total: float) -> tuple[str, ...]:
    return (
        f"{layer.name} {layer.kind}".strip(),
        f"{layer.parameters:,}" if layer.parameters else NOTHING,
        format_count(layer.flops) if layer.flops else NOTHING,
        milliseconds(layer.forward_s),
        milliseconds(layer.backward_s) if layer.backward_s else NOTHING,
        f"{seconds / total:.1%}" if total else NOTHING,
        format_count(layer.flops / seconds) if layer.flops and seconds else NOTHING,
        signed_bytes(layer.num_bytes) if layer.num_bytes else NOTHING,
    )


def _operator_cells(row: OperatorTime, total: float, num: int, has_device: bool) -> tuple[str, ...]:
    device = (milliseconds(row.device_s / num),) if has_device else ()
    return (
        row.name,
        f"{row.calls / num:,.0f}" if row.calls else "",
        milliseconds(row.own_s / num),
        f"{row.own_s / total:.1%}" if total else NOTHING,
        milliseconds(row.total_s / num) if row.calls else "",
        *device,
        signed_bytes(row.num_bytes // num) if row.num_bytes else NOTHING,
    )


def _together(rows: Sequence[OperatorTime]) -> OperatorTime:
    return OperatorTime(
        f"({len(rows)} others)",
        calls=0,
        own_s=sum(row.own_s for row in rows),
        device_s=sum(row.device_s for row in rows),
        num_bytes=sum(row.num_bytes for row in rows),
    )
