"""The head of the report: what became of the run, and its most important numbers."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from mlcore.logger.number_format import (
    format_bytes,
    format_count,
    format_duration,
    format_loss,
    format_number,
)
from mlcore.report.classification_view import is_classification
from mlcore.report.loose_values import as_interval, as_object, is_number
from mlcore.report.run_contents import RunContents

_STATUS = {
    "completed": ("good", "Completed"),
    "early_stopped": ("good", "Stopped early"),
    "interrupted": ("fair", "Interrupted"),
    "diverged": ("bad", "Diverged"),
    "failed": ("bad", "Failed"),
    "running": ("fair", "Running, or killed"),
}


@dataclass(frozen=True)
class Figure:
    """One number of the head."""

    name: str
    value: str
    note: str = ""


def status_of(run: RunContents) -> tuple[str, str]:
    """CSS class and words for the status."""
    status = str(run.summary.get("status", "unknown"))
    return _STATUS.get(status, ("fair", status.replace("_", " ").capitalize()))


def main_figures(run: RunContents) -> list[Figure]:
    """Validation loss, perplexity, and what the evaluation adds: large."""
    if is_classification(run.evaluation):
        return classification_figures(run)
    figures = []
    best = _best(run)
    if best:
        figures.append(_validation_loss(best))
        perplexity = best.get("perplexity", math.exp(min(best["loss"], 700.0)))
        if is_number(perplexity) and "accuracy" not in best:
            figures.append(Figure("Perplexity", format_number(float(perplexity)), "of the best validation"))
    metrics = run.evaluation.get("metrics")
    split = str(run.evaluation.get("split", "")) or "evaluation"
    if isinstance(metrics, dict):
        if is_number(metrics.get("bits_per_byte")):
            figures.append(Figure("Bits per byte", format_number(metrics["bits_per_byte"]), f"on {split}"))
        if is_number(metrics.get("token_accuracy")):
            figures.append(Figure("Token accuracy", f"{metrics['token_accuracy']:.1%}", f"on {split}"))
    elif best and is_number(best.get("accuracy")):
        figures.append(_validation_accuracy(best))
    return figures


def classification_figures(run: RunContents) -> list[Figure]:
    """The accuracy with its interval and its split; what training saw on the validation split beside it."""
    metrics, split = as_object(run.evaluation.get("metrics")), str(run.evaluation.get("split") or "")
    name = split.replace("_", " ").capitalize() or "Evaluation"
    figures = []
    if is_number(metrics.get("accuracy")):
        interval = as_interval(metrics.get("accuracy_interval"))
        note = f"95 % interval {interval[0]:.2%} – {interval[1]:.2%}" if interval else ""
        figures.append(Figure(f"{name} accuracy", f"{metrics['accuracy']:.2%}", note))
    if is_number(metrics.get("loss")):
        figures.append(Figure(f"{name} loss", format_loss(metrics["loss"]), "nats a sample"))
    best = _best(run)
    if not best or split == "validation":
        return figures
    if is_number(best.get("accuracy")):
        figures.append(_validation_accuracy(best))
    return [*figures, _validation_loss(best)]


def _validation_loss(best: dict[str, Any]) -> Figure:
    return Figure("Best validation loss", format_loss(best["loss"]), f"at step {best.get('step', 0):,}")


def _validation_accuracy(best: dict[str, Any]) -> Figure:
    return Figure("Validation accuracy", f"{best['accuracy']:.2%}", "where the loss is lowest")


def side_figures(run: RunContents) -> list[Figure]:
    """Steps, time, speed, memory, size, device: small."""
    summary, info = run.summary, run.summary.get("info")
    info = info if isinstance(info, dict) else {}
    item_name = str(summary.get("item_name", "tokens"))
    speed = summary.get("throughput")
    speed = speed if isinstance(speed, dict) else {}
    total = summary.get("total_steps")
    planned = f" of {total:,}" if is_number(total) and total != summary.get("steps") else ""
    rows: list[tuple[str, Any, Callable[[Any], str]]] = [
        ("Steps", summary.get("steps"), lambda steps: f"{steps:,}{planned}"),
        ("Epochs", summary.get("epochs") or None, format_number),
        (item_name.capitalize(), summary.get("items") or None, format_count),
        ("Time", summary.get("wall_s"), format_duration),
        (f"{item_name.capitalize()} per second", speed.get("items_per_s"), format_count),
        ("Compute", speed.get("tflops"), lambda n: f"{format_number(n, 3)} TFLOP/s"),
        ("Parameters", summary.get("parameters"), format_count),
        ("Peak memory", summary.get("peak_memory_bytes"), format_bytes),
    ]
    figures = [Figure(name, show(value)) for name, value, show in rows if is_number(value)]
    texts = [(name, info.get(key)) for name, key in (("Device", "device"), ("Precision", "precision"))]
    return figures + [Figure(name, str(text)) for name, text in texts if text]


def reason_of(run: RunContents) -> str:
    """Why the run ended, where it says so."""
    return str(run.summary.get("reason") or "")


def _best(run: RunContents) -> dict[str, Any]:
    """The validation with the lowest loss; the summary's "best" may follow another monitor."""
    best = run.summary.get("best")
    if isinstance(best, dict) and is_number(best.get("loss")):
        return best
    finite = [record for record in run.validations if is_number(record.get("loss"))]
    return min(finite, key=lambda record: record["loss"], default={})
