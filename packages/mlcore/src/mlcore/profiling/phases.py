"""The parts of a training step by the clock: data, forward, backward, optimizer, and what is left."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import torch

if TYPE_CHECKING:
    from mlcore.trainer.base import BaseTrainer
    from mlcore.trainer.protocols import Loader

STEP, DATA, FORWARD, BACKWARD = "step", "data", "forward", "backward"
METRICS, OPTIMIZER, AVERAGE, REST = "metrics", "optimizer", "weight average", "rest of the loop"
BOTH = "forward and backward"  # of a model that differentiates itself
ANNOTATION = "part: "  # how the ranges of a trace begin


class PhaseClock:
    """Adds up the time of parts that may lie in one another: a moment counts for the innermost part alone.

    Args:
        now: seconds.
        synchronise: waits for the device, so that its work counts for the part that asked for it.
    """

    def __init__(
        self,
        now: Callable[[], float] = time.perf_counter,
        synchronise: Callable[[], object] = lambda: None,
    ) -> None:
        self._now, self._synchronise = now, synchronise
        self._open: list[str] = []
        self._since = 0.0
        self.seconds: dict[str, float] = {}

    @contextmanager
    def part(self, name: str) -> Iterator[None]:
        """Inside, time counts for `name`; a range of that name stands in the trace."""
        self._switch()
        self._open.append(name)
        try:
            with torch.profiler.record_function(ANNOTATION + name):
                yield
        finally:
            self._switch()
            self._open.pop()

    def take(self) -> dict[str, float]:
        """Seconds by part since the last call."""
        seconds, self.seconds = self.seconds, {}
        return seconds

    def _switch(self) -> None:
        self._synchronise()
        now = self._now()
        if self._open:
            self.seconds[self._open[-1]] = self.seconds.get(self._open[-1], 0.0) + now - self._since
        self._since = now

    def around(self, name: str, function: Callable[..., Any]) -> Callable[..., Any]:
        """The same function as a part."""

        def timed(*arguments: Any, **named: Any) -> Any:
            with self.part(name):
                return function(*arguments, **named)

        return timed


class TimedLoader:
    """The batches of a loader; waiting for each is the part `data`."""

    def __init__(self, loader: Loader, clock: PhaseClock) -> None:
        self._loader, self._clock = loader, clock

    def set_epoch(self, epoch: int) -> None:
        """Pass it on to a loader that wants to know."""
        if hasattr(self._loader, "set_epoch"):
            self._loader.set_epoch(epoch)

    def __iter__(self) -> Iterator[Any]:
        with self._clock.part(DATA):
            batches = iter(self._loader)
        while True:
            with self._clock.part(DATA):
                batch = next(batches, None)
            if batch is None:
                return
            yield batch


def time_parts_of(trainer: BaseTrainer, clock: PhaseClock) -> None:
    """Let the parts of every update of `trainer` be timed; it is good for nothing else afterwards."""
    parts: list[tuple[Any, str, str]] = [
        (trainer, "forward_pass", FORWARD),
        (trainer, "compute_metrics", METRICS),
        (trainer, "compute_gradients", BACKWARD),
        (trainer.updater, "apply", OPTIMIZER),
    ]
    if trainer.ema is not None:
        parts.append((trainer.ema, "update", AVERAGE))
    for owner, method, name in parts:
        setattr(owner, method, clock.around(name, getattr(owner, method)))


def named_parts(seconds: dict[str, float]) -> dict[str, float]:
    """The parts as they are shown, in the order of a step; nested calls that cannot be told apart have one name."""
    own = dict(seconds)
    rest = own.pop(STEP, 0.0)
    if FORWARD not in own and BACKWARD in own:
        own[BOTH] = own.pop(BACKWARD)
    order = (DATA, FORWARD, BOTH, BACKWARD, METRICS, OPTIMIZER, AVERAGE)
    return {**{name: own[name] for name in order if name in own}, REST: rest}
