"""The confusion matrix as a table whose colours show where the mistakes are.

Colours go by the share of a row, on a scale of about half a decade a step: on a linear one the diagonal would
be everything and the mistakes nothing. The style sheet has the colours: "hit-1" to "hit-4" on the diagonal,
"miss-1" to "miss-6" beside it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from markupsafe import Markup

from mlcore.logger.number_format import format_count
from mlcore.report.class_table import class_name
from mlcore.report.loose_values import is_number

_MISS_LIMITS = (0.001, 0.003, 0.01, 0.03, 0.1)  # of a row; what is above the last is level 6
_HIT_LIMITS = (0.8, 0.95, 0.99)
_MAX_CLASSES_IN_TABLE = 30
_MAX_CLASSES = 2000
_LONGEST_FLAT_NAME = 3
_FEW_CLASSES = 6
_LONGEST_NAME = 20

MISS_LEGEND = tuple(
    (f"miss-{level}", text)
    for level, text in enumerate(("≤ 0.1%", "≤ 0.3%", "≤ 1%", "≤ 3%", "≤ 10%", "more"), start=1)
)


@dataclass(frozen=True)
class MatrixCell:
    """One cell; `level` is its CSS class, empty for none."""

    text: str
    level: str
    note: str


@dataclass(frozen=True)
class MatrixRow:
    """The samples of one class: what they were taken for."""

    name: str
    cells: tuple[MatrixCell, ...]


@dataclass(frozen=True)
class ConfusionView:
    """The matrix. With very many classes `rows` is empty and `picture` shows it without numbers.

    `shape` holds CSS classes: "upright" for long names over the columns, "few" for few classes.
    """

    names: tuple[str, ...]
    shape: str
    rows: tuple[MatrixRow, ...]
    picture: Markup
    most_frequent: str


def confusion_view(metrics: dict[str, Any]) -> ConfusionView | None:
    """The view of "confusion" (rows are true classes); None where it is no square of counts."""
    counts = _counts(metrics.get("confusion"))
    if not counts:
        return None
    entries = metrics.get("per_class")
    entries = entries if isinstance(entries, list) and len(entries) == len(counts) else [None] * len(counts)
    names = [class_name(entry, number) for number, entry in enumerate(entries)]
    in_table = len(counts) <= _MAX_CLASSES_IN_TABLE
    return ConfusionView(
        names=tuple(_clip(name) for name in names),
        shape=" upright" * (max(map(len, names)) > _LONGEST_FLAT_NAME)
        + " few" * (len(names) <= _FEW_CLASSES),
        rows=tuple(_row(names, counts, true) for true in range(len(counts))) if in_table else (),
        picture=Markup("") if in_table else _picture(counts),
        most_frequent=_most_frequent(names, counts),
    )


def _counts(value: Any) -> list[list[int]]:
    """The matrix, or [] where it is none."""
    if not isinstance(value, list) or not 0 < len(value) <= _MAX_CLASSES:
        return []
    for row in value:
        if not isinstance(row, list) or len(row) != len(value):
            return []
        if not all(is_number(count) and count >= 0 for count in row):
            return []
    return value


def _row(names: list[str], counts: list[list[int]], true: int) -> MatrixRow:
    support = sum(counts[true])
    cells = []
    for predicted, count in enumerate(counts[true]):
        if count == 0:
            cells.append(MatrixCell("", "", ""))
            continue
        note = f"{names[true]} taken for {names[predicted]}: {count:,} of {support:,} ({count / support:.2%})"
        if predicted == true:
            note = f"{names[true]} recognised: {count:,} of {support:,} ({count / support:.2%})"
        text = str(count) if count < 10_000 else format_count(count)  # four digits do without a comma
        cells.append(MatrixCell(text, _level(count, support, hit=predicted == true), note))
    return MatrixRow(_clip(names[true]), tuple(cells))


def _level(count: float, support: float, *, hit: bool) -> str:
    """CSS class of a cell with `count` of the `support` samples of its row."""
    limits = _HIT_LIMITS if hit else _MISS_LIMITS
    share = count / support
    # A hit is at least, a miss at most as large as its limit.
    above = sum(share >= limit if hit else share > limit for limit in limits)
    return f"{'hit' if hit else 'miss'}-{above + 1}"


def _picture(counts: list[list[int]]) -> Markup:
    """One square a cell, one path a colour."""
    paths: dict[str, list[str]] = {}
    for true, row in enumerate(counts):
        support = sum(row)
        for predicted, count in enumerate(row):
            if count:
                level = _level(count, support, hit=predicted == true)
                paths.setdefault(level, []).append(f"M{predicted} {true}h1v1h-1z")
    drawn = [
        Markup('<path class="{}" d="{}"/>').format(level, "".join(squares))
        for level, squares in sorted(paths.items())
    ]
    opening = Markup('<svg class="confusion-map" viewBox="0 0 {} {}" role="img" aria-label="{}">').format(
        len(counts), len(counts), f"Confusion matrix of {len(counts)} classes; the worst pairs are listed"
    )
    return Markup("").join([opening, *drawn, Markup("</svg>")])


def _most_frequent(names: list[str], counts: list[list[int]]) -> str:
    """What answering always the same would score: the least that an accuracy has to beat."""
    supports = [sum(row) for row in counts]
    total = sum(supports)
    if not total:
        return ""
    top = max(range(len(names)), key=lambda number: supports[number])
    share = supports[top] / total
    return f"Always answering “{names[top]}”, the most frequent class, is right {share:.2%} of the time."


def _clip(name: str) -> str:
    return name if len(name) <= _LONGEST_NAME else name[: _LONGEST_NAME - 1].rstrip() + "…"
