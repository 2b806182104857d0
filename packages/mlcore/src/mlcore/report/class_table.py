"""Each class of a classifier for itself, and the pairs that it confuses most."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from mlcore.report.loose_values import as_interval, as_object, as_objects, is_number


@dataclass(frozen=True)
class ClassRow:
    """Scores of one class; `shortfall` is 1 - F1, `share` its part of the worst class's."""

    name: str
    support: str
    precision: str
    recall: str
    recall_interval: str
    f1: str
    shortfall: float
    share: float


@dataclass(frozen=True)
class PairRow:
    """One kind of mistake; `share` places its count on the little bar, 0 to 1."""

    true: str
    predicted: str
    count: str
    rate: str
    share: float


def class_rows(metrics: dict[str, Any]) -> tuple[ClassRow, ...]:
    """The rows of "per_class", in its order."""
    entries = as_objects(metrics.get("per_class"))
    shortfalls = [_shortfall(entry) for entry in entries]
    worst = max(shortfalls, default=0.0) or 1.0
    return tuple(
        ClassRow(
            name=class_name(entry, number),
            support=f"{entry['support']:,}" if is_number(entry.get("support")) else "–",
            precision=_show(entry.get("precision")),
            recall=_show(entry.get("recall")),
            recall_interval=_show_interval(entry.get("recall_interval")),
            f1=_show(entry.get("f1")),
            shortfall=shortfall,
            share=shortfall / worst,
        )
        for number, (entry, shortfall) in enumerate(zip(entries, shortfalls, strict=True))
    )


def pair_rows(metrics: dict[str, Any]) -> tuple[PairRow, ...]:
    """The rows of "confused_pairs", in its order."""
    entries = [entry for entry in as_objects(metrics.get("confused_pairs")) if is_number(entry.get("count"))]
    most = max((entry["count"] for entry in entries), default=1) or 1
    return tuple(
        PairRow(
            true=str(entry.get("true", "")),
            predicted=str(entry.get("predicted", "")),
            count=f"{entry['count']:,}",
            rate=f"{entry['share']:.1%}" if is_number(entry.get("share")) else "",
            share=max(0.0, min(1.0, entry["count"] / most)),
        )
        for entry in entries
    )


def class_name(entry: Any, number: int) -> str:
    """The name of class `number`; its number where it has none."""
    name = as_object(entry).get("name")
    return str(name) if name not in (None, "") else str(number)


def _shortfall(entry: dict[str, Any]) -> float:
    f1 = entry.get("f1")
    return 1.0 - f1 if is_number(f1) and 0 <= f1 <= 1 else 0.0


def _show(value: Any) -> str:
    return f"{value:.2%}" if is_number(value) else "–"


def _show_interval(value: Any) -> str:
    interval = as_interval(value)
    return f"{interval[0]:.1%} – {interval[1]:.1%}" if interval else ""
