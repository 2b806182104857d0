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
    figures = []
    best = _best(run)
    if best:
        figures.append(
            Figure("Best validation loss", format_loss(best["loss"]), f"at step {best.get('step', 0):,}")
        )
        perplexity = best.get("perplexity", math.exp(min(best["loss"], 700.0)))
        if _is_number(perplexity) and "accuracy" not in best:
            figures.append(Figure("Perplexity", format_number(float(perplexity)), "of the best validation"))
    metrics = run.evaluation.get("metrics")
    split = str(run.evaluation.get("split", "")) or "evaluation"
    if isinstance(metrics, dict):
        if _is_number(metrics.get("bits_per_byte")):
            figures.append(Figure("Bits per byte", format_number(metrics["bits_per_byte"]), f"on {split}"))
        if _is_number(metrics.get("token_accuracy")):
            figures.append(Figure("Token accuracy", f"{metrics['token_accuracy']:.1%}", f"on {split}"))
    elif best and _is_number(best.get("accuracy")):
        figures.append(Figure("Accuracy", f"{best['accuracy']:.2%}", "of the best validation"))
    return figures


def side_figures(run: RunContents) -> list[Figure]:
    """Steps, time, speed, memory, size, device: small."""
    summary, info = run.summary, run.summary.get("info")
    info = info if isinstance(info, dict) else {}
    item_name = str(summary.get("item_name", "tokens"))
    speed = summary.get("throughput")
    speed = speed if isinstance(speed, dict) else {}
    total = summary.get("total_steps")
    planned = f" of {total:,}" if _is_number(total) and total != summary.get("steps") else ""
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
    figures = [Figure(name, show(value)) for name, value, show in rows if _is_number(value)]
    texts = [(name, info.get(key)) for name, key in (("Device", "device"), ("Precision", "precision"))]
    return figures + [Figure(name, str(text)) for name, text in texts if text]


def reason_of(run: RunContents) -> str:
    """Why the run ended, where it says so."""
    return str(run.summary.get("reason") or "")


def _best(run: RunContents) -> dict[str, Any]:
    """The validation with the lowest loss; the summary's "best" may follow another monitor."""
    best = run.summary.get("best")
    if isinstance(best, dict) and _is_number(best.get("loss")):
        return best
    finite = [record for record in run.validations if _is_number(record.get("loss"))]
    return min(finite, key=lambda record: record["loss"], default={})


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
