"""Learning-rate schedules as closed-form functions: optimizer step -> share of the full rate.

Step 0 is the first update. A rate never depends on how the step was reached, so that a resumed run has the
rates of the uninterrupted one. The plateau schedule alone has a memory, and that is part of the checkpoint.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from mlcore.trainer.schedule_config import (
    ConstantSchedule,
    CosineSchedule,
    ExponentialSchedule,
    NoamSchedule,
    OneCycleSchedule,
    PlateauSchedule,
    ScheduleConfig,
    StepSchedule,
    WSDSchedule,
)


def warmup_factor(step: int, warmup_steps: int) -> float:
    """Linear rise that reaches 1 at the last of ``warmup_steps`` updates; the first update already learns."""
    return min(1.0, (step + 1) / warmup_steps) if warmup_steps > 0 else 1.0


def cosine_factor(step: int, total_steps: int, min_factor: float = 0.0) -> float:
    """Half a cosine from 1 at step 0 to ``min_factor`` at ``total_steps``, which it keeps (Loshchilov and
    Hutter, 2017).
    """
    share = min(1.0, step / max(1, total_steps))
    return min_factor + (1 - min_factor) * (1 + math.cos(math.pi * share)) / 2


def one_cycle_factor(
    step: int,
    total_steps: int,
    *,
    rise_fraction: float = 0.3,
    start_divisor: float = 25.0,
    end_divisor: float = 1e4,
    anneal: str = "cosine",
) -> float:
    """Up to 1 in the first ``rise_fraction`` of the steps, then down far below the start (Smith and Topin,
    2018).
    """
    start, end = 1 / start_divisor, 1 / (start_divisor * end_divisor)
    peak = rise_fraction * total_steps - 1
    last = total_steps - 1
    blend = _cosine_blend if anneal == "cosine" else _linear_blend
    if step <= peak:
        return blend(start, 1.0, step / peak)
    return blend(1.0, end, min(1.0, (step - peak) / (last - peak)) if last > peak else 1.0)


def step_factor(count: int, step_size: int, gamma: float) -> float:
    """``gamma`` to the number of whole ``step_size`` in ``count``."""
    return float(gamma ** (count // step_size))


def exponential_factor(count: int, gamma: float) -> float:
    """``gamma`` to the ``count``."""
    return float(gamma**count)


def noam_factor(step: int, warmup_steps: int) -> float:
    """Linear to 1 at ``warmup_steps`` updates, then the inverse square root (Vaswani et al., 2017)."""
    update = step + 1
    return min(update / warmup_steps, math.sqrt(warmup_steps / update))


def wsd_factor(step: int, total_steps: int, decay_steps: int, shape: str, min_factor: float = 0.0) -> float:
    """1 until the last ``decay_steps`` of ``total_steps``, then down to ``min_factor`` (Hu et al., 2024)."""
    share = min(1.0, max(0.0, (step - (total_steps - decay_steps)) / max(1, decay_steps)))
    fallen = {
        "linear": share,
        "cosine": (1 - math.cos(math.pi * share)) / 2,
        "sqrt": math.sqrt(share),  # Hägele et al., 2024
    }[shape]
    return 1 - (1 - min_factor) * fallen


def _cosine_blend(start: float, end: float, share: float) -> float:
    return end + (start - end) / 2 * (1 + math.cos(math.pi * share))


def _linear_blend(start: float, end: float, share: float) -> float:
    return start + (end - start) * share


class Schedule:
    """A function of the optimizer step alone.

    Args:
        factor: step -> share of the full rate.
        total_steps: the length it was planned for; None where the function does not need it.
    """

    def __init__(self, factor: Callable[[int], float], total_steps: int | None) -> None:
        self._factor = factor
        self.total_steps = total_steps

    def factor(self, step: int) -> float:
        """Share of the full rate for update ``step`` (0 is the first)."""
        return self._factor(step)

    @property
    def can_fall(self) -> bool:
        """Whether the rate would be lowered if the monitored value stood still."""
        return False

    def observe(self, value: float) -> bool:
        """Take in a monitored value; returns whether the rate changes because of it."""
        return False

    def state_dict(self) -> dict[str, Any]:
        """What a checkpoint keeps."""
        return {"total_steps": self.total_steps}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Nothing to restore: the plan of this run holds."""


class PlateauRate(Schedule):
    """Multiplies the rate with ``factor`` when a value has not improved for more than ``patience``
    observations.
    """

    def __init__(self, config: PlateauSchedule, mode: str) -> None:
        super().__init__(self._current, None)
        self._config = config
        self._sign = 1.0 if mode == "min" else -1.0
        self._scale = 1.0
        self._best = math.inf
        self._num_bad = 0
        self._cooldown_left = 0

    @property
    def can_fall(self) -> bool:
        return self._scale > self._config.min_factor

    def _current(self, step: int) -> float:
        return self._scale * warmup_factor(step, self._config.warmup_steps)

    def observe(self, value: float) -> bool:
        signed = self._sign * value
        if self._is_better(signed):
            self._best, self._num_bad = signed, 0
        else:
            self._num_bad += 1
        if self._cooldown_left > 0:
            self._cooldown_left -= 1
            self._num_bad = 0
        if self._num_bad <= self._config.patience:
            return False
        self._num_bad, self._cooldown_left = 0, self._config.cooldown
        before, self._scale = self._scale, max(self._config.min_factor, self._scale * self._config.factor)
        return self._scale < before

    def _is_better(self, signed: float) -> bool:
        if math.isinf(self._best):
            return signed < self._best
        margin = self._config.threshold
        if self._config.threshold_mode == "rel":
            # A share of the best value as torch takes it: below it for min, above it for max.
            margin *= self._best if self._sign > 0 else -self._best
        return signed < self._best - margin

    def state_dict(self) -> dict[str, Any]:
        return {
            "scale": self._scale,
            "best": self._best,
            "num_bad": self._num_bad,
            "cooldown_left": self._cooldown_left,
        }

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        self._scale = float(state["scale"])
        self._best = float(state["best"])
        self._num_bad = int(state["num_bad"])
        self._cooldown_left = int(state["cooldown_left"])


def build_schedule(
    config: ScheduleConfig,
    total_steps: int | None,
    *,
    epoch_of: Callable[[int], int] | None = None,
    mode: str = "min",
) -> Schedule:
    """The schedule that ``config`` describes.

    Args:
        config: one of the schedule sections.
        total_steps: updates of the whole run; only cosine, onecycle and wsd need it.
        epoch_of: update -> its epoch, both from 0, for schedules that count epochs.
        mode: "min" or "max", for plateau.

    Raises:
        ValueError: the schedule needs a length that is not known.
    """
    if isinstance(config, PlateauSchedule):
        return PlateauRate(config, mode)
    if config.type in ("cosine", "onecycle", "wsd") and total_steps is None:
        raise ValueError(f"schedule {config.type} needs the number of steps: set training.steps")
    if getattr(config, "unit", "step") == "epoch" and epoch_of is None:
        raise ValueError(
            f"schedule {config.type} counts epochs, but their length is not known: set unit: step"
        )
    after_warmup = _shape(config, total_steps or 0, epoch_of)
    if isinstance(config, OneCycleSchedule | NoamSchedule) or config.warmup_steps == 0:
        return Schedule(after_warmup, total_steps)
    return Schedule(partial(_with_warmup, after_warmup, config.warmup_steps), total_steps)


def _with_warmup(shape: Callable[[int], float], warmup_steps: int, step: int) -> float:
    """The shape begins, at its own step 0, where the warm-up ends."""
    return warmup_factor(step, warmup_steps) if step < warmup_steps else shape(step - warmup_steps)


def _shape(
    config: ScheduleConfig, total_steps: int, epoch_of: Callable[[int], int] | None
) -> Callable[[int], float]:
    count = epoch_of if epoch_of is not None and getattr(config, "unit", "step") == "epoch" else int
    length = total_steps - getattr(config, "warmup_steps", 0)
    match config:
        case ConstantSchedule():
            return lambda step: 1.0
        case CosineSchedule():
            return partial(cosine_factor, total_steps=length, min_factor=config.min_factor)
        case OneCycleSchedule():
            return partial(one_cycle_factor, total_steps=total_steps, **config.model_dump(exclude={"type"}))
        case StepSchedule():
            return lambda step: step_factor(count(step), config.step_size, config.gamma)
        case ExponentialSchedule():
            return lambda step: exponential_factor(count(step), config.gamma)
        case NoamSchedule():
            return partial(noam_factor, warmup_steps=config.warmup_steps)
        case WSDSchedule():
            decay_steps = max(1, round(config.decay_fraction * total_steps))
            return partial(
                wsd_factor,
                total_steps=length,
                decay_steps=min(decay_steps, length),
                shape=config.shape,
                min_factor=config.min_factor,
            )
    raise AssertionError(f"a schedule without a shape: {config!r}")
