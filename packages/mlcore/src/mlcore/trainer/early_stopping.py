"""When to stop before the end: three policies over one monitored value, or two. Their memory is part of every
checkpoint.

- patience: no new best by more than ``min_delta`` in ``patience`` evaluations in a row (Prechelt, 1998).
- plateau: the newer half of the last ``window`` evaluations is on average no better than the older half.
- adaptive: a new best counts only when it exceeds the noise of the curve, and patience grows with the time
  that the best took to come (after Bengio, 2012, section 3.1.3). Where a schedule lowers the rate at plateaus, a lower
  rate must have been tried since the best: at the full rate a curve may stand still that falls again at the next.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Mapping
from statistics import fmean, median
from typing import Any

from mlcore.trainer.config import EarlyStoppingConfig

# The median absolute deviation of normal numbers, times this, is their standard deviation; differences of
# neighbours have the square root of two times the deviation of the values themselves.
_MAD_TO_DEVIATION = 1.4826
_DIFFERENCE_TO_VALUE = 1 / math.sqrt(2)


class EarlyStopping(ABC):
    """One policy. Values are turned so that smaller is better.

    Args:
        config: the policy's keys.
        mode: "min" or "max".

    Attributes:
        stopped: whether the run should end; it stays true.
        best: the best finite value so far, turned.
    """

    def __init__(self, config: EarlyStoppingConfig, mode: str) -> None:
        self.config = config
        self._sign = 1.0 if mode == "min" else -1.0
        self.stopped = False
        self.best = math.inf
        self.num_seen = 0

    def observe(self, value: float, *, rate_can_fall: bool = False) -> bool:
        """Take in the value of one evaluation; NaN is never an improvement. Returns ``stopped``.

        Args:
            rate_can_fall: the schedule would lower the rate at a plateau.
        """
        self.stopped = self.stalls(value, rate_can_fall=rate_can_fall) or self.stopped
        return self.stopped

    def rate_fell(self) -> None:  # noqa: B027 - most policies do not care
        """The schedule has lowered the rate."""

    def stalls(self, value: float, *, rate_can_fall: bool = False) -> bool:
        """Take in the value of one evaluation; whether the metric stands still now."""
        self.num_seen += 1
        signed = self._sign * value
        return self._should_stop(signed if math.isfinite(signed) else math.inf)

    @abstractmethod
    def _should_stop(self, signed: float) -> bool: ...

    @abstractmethod
    def reason(self) -> str:
        """One sentence about why it stopped."""

    @abstractmethod
    def _memory(self) -> dict[str, Any]: ...

    @abstractmethod
    def _remember(self, memory: Mapping[str, Any]) -> None: ...

    def state_dict(self) -> dict[str, Any]:
        """What a checkpoint keeps."""
        return {
            "policy": self.config.policy,
            "stopped": self.stopped,
            "best": self.best,
            "num_seen": self.num_seen,
            **self._memory(),
        }

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Restore. The memory of another policy, or of two metrics, means nothing here: it begins afresh."""
        if state["policy"] != self.config.policy or "best" not in state:
            return
        self.stopped = bool(state["stopped"])
        self.best = float(state["best"])
        self.num_seen = int(state["num_seen"])
        self._remember(state)


class PatiencePolicy(EarlyStopping):
    """Counts evaluations since the last improvement."""

    def __init__(self, config: EarlyStoppingConfig, mode: str) -> None:
        super().__init__(config, mode)
        self.num_waited = 0

    def _should_stop(self, signed: float) -> bool:
        if signed < self.best - self.config.min_delta:
            self.best, self.num_waited = signed, 0
        else:
            self.num_waited += 1
        return self.num_waited >= self.config.patience

    def reason(self) -> str:
        return f"no improvement by more than {self.config.min_delta:g} in {self.num_waited} evaluations"

    def _memory(self) -> dict[str, Any]:
        return {"num_waited": self.num_waited}

    def _remember(self, memory: Mapping[str, Any]) -> None:
        self.num_waited = int(memory["num_waited"])


class PlateauPolicy(EarlyStopping):
    """Compares the two halves of a window, so that one lucky evaluation neither saves nor ends a run."""

    def __init__(self, config: EarlyStoppingConfig, mode: str) -> None:
        super().__init__(config, mode)
        self._values: list[float] = []

    def _should_stop(self, signed: float) -> bool:
        if math.isinf(signed):
            return False
        self.best = min(self.best, signed)
        self._values = [*self._values, signed][-self.config.window :]
        if len(self._values) < self.config.window:
            return False
        half = self.config.window // 2
        gain = fmean(self._values[:half]) - fmean(self._values[-half:])
        return gain <= self.config.min_delta

    def reason(self) -> str:
        half = self.config.window // 2
        return f"plateau: the last {half} evaluations are no better than the {half} before"

    def _memory(self) -> dict[str, Any]:
        return {"values": list(self._values)}

    def _remember(self, memory: Mapping[str, Any]) -> None:
        self._values = [float(value) for value in memory["values"]]


class AdaptivePolicy(EarlyStopping):
    """Patience in units of what the curve itself shows: its noise, and the time its best took."""

    def __init__(self, config: EarlyStoppingConfig, mode: str) -> None:
        super().__init__(config, mode)
        self._values: list[float] = []
        self.num_waited = 0
        self.seen_at_best = 0
        self.fell_since_best = False

    def rate_fell(self) -> None:
        self.fell_since_best = True

    def stalls(self, value: float, *, rate_can_fall: bool = False) -> bool:
        return super().stalls(value) and (self.fell_since_best or not rate_can_fall)

    def _should_stop(self, signed: float) -> bool:
        if math.isinf(signed):
            self.num_waited += 1
            return self.num_waited >= self.patience
        margin = max(self.config.min_delta, self.config.noise_factor * self.noise())
        self._values = [*self._values, signed][-self.config.window :]
        if signed < self.best - margin:
            self.best, self.num_waited, self.seen_at_best = signed, 0, self.num_seen
            self.fell_since_best = False
        else:
            self.num_waited += 1
        return self.num_waited >= self.patience

    @property
    def patience(self) -> int:
        """Evaluations that are waited for now."""
        return max(self.config.patience, math.ceil(self.config.stretch * self.seen_at_best))

    def noise(self) -> float:
        """Deviation of the values from their trend, by the median of neighbours' differences; 0 for fewer
        than three.
        """
        changes = [later - earlier for earlier, later in zip(self._values, self._values[1:], strict=False)]
        if len(changes) < 2:
            return 0.0
        middle = median(changes)
        spread = median(abs(change - middle) for change in changes)
        return spread * _MAD_TO_DEVIATION * _DIFFERENCE_TO_VALUE

    def reason(self) -> str:
        return f"no improvement beyond the noise ({self.noise():.3g}) in {self.num_waited} evaluations"

    def _memory(self) -> dict[str, Any]:
        return {
            "values": list(self._values),
            "num_waited": self.num_waited,
            "seen_at_best": self.seen_at_best,
            "fell_since_best": self.fell_since_best,
        }

    def _remember(self, memory: Mapping[str, Any]) -> None:
        self._values = [float(value) for value in memory["values"]]
        self.num_waited = int(memory["num_waited"])
        self.seen_at_best = int(memory["seen_at_best"])
        self.fell_since_best = bool(memory.get("fell_since_best", False))


_POLICIES: dict[str, type[EarlyStopping]] = {
    "patience": PatiencePolicy,
    "plateau": PlateauPolicy,
    "adaptive": AdaptivePolicy,
}


class JointStopping:
    """Several metrics under one policy: the run ends at the first evaluation at which all of them stand still.

    A loss may rise while the accuracy still grows, and an accuracy may rest while the loss still falls: either alone
    would end such a run too early.

    Args:
        config: the policy's keys.
        modes: "min" or "max" by the metrics' names.
    """

    def __init__(self, config: EarlyStoppingConfig, modes: Mapping[str, str]) -> None:
        self.config = config
        self.parts = {name: _POLICIES[config.policy](config, mode) for name, mode in modes.items()}
        self.stopped = False

    def observe(self, *values: float, rate_can_fall: bool = False) -> bool:
        """Take in the values of one evaluation, in the order of the names. Returns ``stopped``."""
        pairs = zip(self.parts.values(), values, strict=True)
        stalled = [part.stalls(value, rate_can_fall=rate_can_fall) for part, value in pairs]
        self.stopped = self.stopped or all(stalled)
        return self.stopped

    def rate_fell(self) -> None:
        """The schedule has lowered the rate."""
        for part in self.parts.values():
            part.rate_fell()

    def reason(self) -> str:
        """One sentence about why it stopped."""
        return "; ".join(f"{name}: {part.reason()}" for name, part in self.parts.items())

    def state_dict(self) -> dict[str, Any]:
        """What a checkpoint keeps."""
        parts = {name: part.state_dict() for name, part in self.parts.items()}
        return {"policy": self.config.policy, "stopped": self.stopped, "parts": parts}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Restore what is known of each metric; a metric that was not watched begins afresh."""
        if state["policy"] != self.config.policy:
            return
        self.stopped = bool(state["stopped"])
        for name, part in self.parts.items():
            if name in state.get("parts", {}):
                part.load_state_dict(state["parts"][name])


def build_early_stopping(
    config: EarlyStoppingConfig | None, modes: Mapping[str, str]
) -> EarlyStopping | JointStopping | None:
    """The policy that ``config`` names, over the metrics whose "min" or "max" are given; None for None."""
    if config is None:
        return None
    if len(modes) == 1:
        (mode,) = modes.values()
        return _POLICIES[config.policy](config, mode)
    return JointStopping(config, modes)
