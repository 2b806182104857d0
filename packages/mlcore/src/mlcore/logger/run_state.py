"""What a logger knows about its run: counters, the best validation, the time used. It survives a resume."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

FORMAT = 1


@dataclass
class RunState:
    """Counters of one run. `wall_s` and `training_s` are the times of earlier sessions, before the last resume."""

    step: int = 0
    items: int = 0
    epochs: int = 0
    wall_s: float = 0.0
    training_s: float = 0.0
    best: dict[str, Any] | None = None
    latest: dict[str, dict[str, Any]] = field(default_factory=dict)

    def note_validation(self, step: int, values: dict[str, Any]) -> None:
        """Remembers the newest validation, and the one with the lowest finite loss as the best."""
        self.latest["val"] = values
        loss = values.get("loss")
        # NaN compares false with everything: without this test it could stay the best for ever.
        if not isinstance(loss, int | float) or not math.isfinite(loss):
            return
        if self.best is None or loss < self.best["loss"]:
            self.best = {"step": step, **values}

    def state_dict(self, *, records: int, wall_s: float, training_s: float) -> dict[str, Any]:
        """Plain values, safe for `torch.load(weights_only=True)`; what depends on the clock: "timing"."""
        return {
            "format": FORMAT,
            "step": self.step,
            "items": self.items,
            "epochs": self.epochs,
            "best": None if self.best is None else dict(self.best),
            "records": records,
            "timing": {"wall_s": wall_s, "training_s": training_s},
        }

    def load(self, state: Mapping[str, Any]) -> None:
        """Takes over what `state_dict` returned; only "step" must be there."""
        self.step = int(state["step"])
        self.items = int(state.get("items", 0))
        self.epochs = int(state.get("epochs", 0))
        self.best = dict(state["best"]) if state.get("best") else None
        timing = state.get("timing", {})
        self.wall_s = float(timing.get("wall_s", 0.0))
        self.training_s = float(timing.get("training_s", 0.0))
