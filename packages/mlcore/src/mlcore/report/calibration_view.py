"""Calibration in words, in numbers, and as a reliability diagram."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from markupsafe import Markup

from mlcore.logger.number_format import format_loss, format_number
from mlcore.report.loose_values import as_object, as_objects, is_number
from mlcore.report.reliability_diagram import Bin, draw_reliability, filled_bins


@dataclass(frozen=True)
class CalibrationView:
    """Facts (name, value, note), the diagram, and the rows of the bins."""

    facts: tuple[tuple[str, str, str], ...]
    diagram: Markup
    bins: tuple[tuple[str, ...], ...]


def calibration_view(metrics: dict[str, Any]) -> CalibrationView | None:
    """The view of "calibration"; None where there is nothing to show."""
    calibration = as_object(metrics.get("calibration"))
    bins = filled_bins(calibration.get("bins"))
    facts = _facts(metrics, calibration)
    if not facts and not bins:
        return None
    diagram = draw_reliability(bins, _describe(bins, facts)) if bins else Markup("")
    return CalibrationView(facts, diagram, tuple(_bin_row(bin) for bin in bins))


def _facts(metrics: dict[str, Any], calibration: dict[str, Any]) -> tuple[tuple[str, str, str], ...]:
    equal_mass = as_object(calibration.get("equal_mass"))
    width, mass = (len(as_objects(binning.get("bins"))) for binning in (calibration, equal_mass))
    rows = [
        ("Expected calibration error", calibration.get("expected_error"), _bins(width, "width")),
        ("Expected calibration error", equal_mass.get("expected_error"), _bins(mass, "mass")),
        ("Maximum calibration error", calibration.get("maximum_error"), "the widest gap of a bin"),
        ("Mean confidence", calibration.get("mean_confidence"), _excess(metrics, calibration)),
        ("Top-2 accuracy", metrics.get("top_2_accuracy"), "the class is one of the two likeliest"),
    ]
    facts = [(name, f"{value:.2%}", note) for name, value, note in rows if is_number(value)]
    if is_number(metrics.get("brier_score")):
        facts.append(("Brier score", format_loss(metrics["brier_score"]), "0 is perfect, 2 the worst"))
    return tuple(facts + _scaled(as_object(metrics.get("temperature_scaled"))))


def _bins(count: int, kind: str) -> str:
    return f"{count} {'bin' if count == 1 else 'bins'} of equal {kind}"


def _excess(metrics: dict[str, Any], calibration: dict[str, Any]) -> str:
    mean, accuracy = calibration.get("mean_confidence"), metrics.get("accuracy")
    if not (is_number(mean) and is_number(accuracy)):
        return ""
    points = 100 * (mean - accuracy)
    return f"{abs(points):.2f} points {'over' if points >= 0 else 'under'} the accuracy"


def _scaled(scaled: dict[str, Any]) -> list[tuple[str, str, str]]:
    if not is_number(scaled.get("temperature")):
        return []
    notes = []
    if is_number(scaled.get("expected_error")):
        notes.append(f"calibration error {scaled['expected_error']:.2%}")
    if is_number(scaled.get("loss")):
        notes.append(f"loss {format_loss(scaled['loss'])}")
    note = f"dividing the logits by it: {', '.join(notes)}" if notes else ""
    return [("Best temperature", format_number(scaled["temperature"], 3), note)]


def _describe(bins: tuple[Bin, ...], facts: tuple[tuple[str, str, str], ...]) -> str:
    largest = max(bins, key=lambda bin: bin.count)
    text = (
        f"{len(bins)} bins have samples; the largest, {largest.count:,} of them, has mean confidence "
        f"{largest.confidence:.1%} and accuracy {largest.accuracy:.1%}."
    )
    return f"{facts[0][0]} {facts[0][1]}. {text}" if facts else text


def _bin_row(bin: Bin) -> tuple[str, ...]:
    interval = f"{bin.interval[0]:.1%} – {bin.interval[1]:.1%}" if bin.interval else "–"
    return (
        f"{bin.low:.1%} – {bin.high:.1%}",
        f"{bin.count:,}",
        f"{bin.confidence:.2%}",
        f"{bin.accuracy:.2%}",
        interval,
    )
