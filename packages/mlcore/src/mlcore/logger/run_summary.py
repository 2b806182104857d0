"""The summary of a run: the content of metrics.json, and the last line on the screen."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mlcore.logger.memory import peak_memory_bytes, peak_process_bytes
from mlcore.logger.number_format import format_count, format_duration, format_loss
from mlcore.logger.run_state import RunState

SCHEMA = 1


def summary_content(
    status: str, state: RunState, info: Mapping[str, Any], given: Mapping[str, Any], **measured: Any
) -> dict[str, Any]:
    """What metrics.json holds.

    `given` is the trainer's own summary and wins where it says something; `measured` holds total_steps,
    wall_s, training_s (wall_s without validation and saving), flops_per_item, item_name and throughput.
    """
    device = info.get("device")
    content = {
        "schema": SCHEMA,
        "status": status,
        "reason": None,
        "steps": state.step,
        "epochs": state.epochs,
        "items": state.items,
        "best": state.best,
        "final": state.latest,
        "parameters": info.get("parameters"),
        "peak_memory_bytes": peak_memory_bytes(device if isinstance(device, str) else None),
        "peak_process_bytes": peak_process_bytes(),
        **measured,
        "info": dict(info),
    }
    content |= {name: value for name, value in given.items() if value is not None}
    best = given.get("best")
    if isinstance(best, Mapping) and state.best is not None and best.get("step") == state.best["step"]:
        content["best"] = {**state.best, **best}
    return content


def closing_line(
    status: str, state: RunState, steps: int, *, wall_s: float, items_per_s: float | None, item_name: str
) -> str:
    """`completed · 1,000 steps · best validation loss 1.2345 at step 900 · 12.4k tokens/s · 3 min 20 s`."""
    parts = [status.replace("_", " "), f"{steps:,} steps"]
    if state.best is not None:
        loss, step = state.best["loss"], state.best["step"]
        parts.append(f"best validation loss {format_loss(loss)} at step {step:,}")
    if items_per_s is not None:
        parts.append(f"{format_count(items_per_s)} {item_name}/s")
    parts.append(format_duration(wall_s))
    return " · ".join(parts)
