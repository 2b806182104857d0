"""Asks the machine about one candidate: a benchmark's worker process under a memory bound."""

import math
import statistics
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from mlcore.benchmarking.child import Child, ChildError
from mlcore.benchmarking.settings import BenchmarkSettings
from mlcore.benchmarking.spread import spread_of
from mlcore.machine_settings.answer import Answer, Candidate, Verdict
from mlcore.machine_settings.memory_bound import SHARE_OF_FREE, MemoryBound, free_memory_bytes

_MIN_STEPS, _MAX_STEPS = 5, 2000
_TURNS = 8
# What torch, NumPy, CUDA and the kernel say when there is no more.
_OUT_OF_MEMORY = (
    "OutOfMemoryError",
    "MemoryError",
    "out of memory",
    "not enough memory",
    "can't allocate memory",
)
_TOO_SLOW = "no answer within"


@dataclass(frozen=True)
class ProcessMeter:
    """Measures candidates; call it with one.

    Args:
        target: ``package.module:function``; called with `arguments` and ``batch_size=``, returns a
            `mlcore.benchmarking.Workload` whose step includes the optimizer's.
        arguments: ready for JSON.
        seconds: how long a candidate's steps are timed.
        limit_bytes: memory bound of its process; None: four fifths of what is free now.
        time_limit_s: longest wait for building, and for a turn of steps.
    """

    target: str
    arguments: Mapping[str, Any] = field(default_factory=dict)
    seconds: float = 2.0
    limit_bytes: int | None = None
    time_limit_s: float = 120.0

    def __call__(self, candidate: Candidate) -> Answer:
        """The machine's answer; never an exception for what the candidate does."""
        settings = BenchmarkSettings(threads=candidate.threads)
        limit = int(SHARE_OF_FREE * free_memory_bytes()) if self.limit_bytes is None else self.limit_bytes
        with tempfile.TemporaryDirectory() as folder:
            child = Child(settings.environment({}), Path(folder) / "candidate.log")
            try:
                with MemoryBound(child.pid, limit, child.kill) as bound:
                    try:
                        return self._measure(child, candidate, bound)
                    except ChildError as error:
                        reason = str(error)
                    verdict = verdict_of(reason, was_exceeded=bound.was_exceeded)
                    if bound.was_exceeded:
                        reason = f"its process grew beyond {limit / 2**30:.2f} GiB"
                    return Answer(candidate, verdict, peak_memory_bytes=bound.peak_bytes, reason=reason)
            finally:
                child.kill()

    def _measure(self, child: Child, candidate: Candidate, bound: MemoryBound) -> Answer:
        built = child.ask(
            "build",
            self.time_limit_s,
            path=list(sys.path),
            target=self.target,
            arguments={**self.arguments, "batch_size": candidate.batch_size},
            imports=[],
            threads=candidate.threads,
        )
        child.ask("steps", self.time_limit_s, count=1, is_peak_fresh=False)  # allocates, and may compile
        walls, peak = self._timed_steps(child)
        child.close()
        on_device = peak["device"]
        return Answer(
            candidate,
            "ok",
            items_per_s=float(built["items_per_step"]) / statistics.median(walls),
            noise=noise_of_median(walls),
            peak_memory_bytes=bound.peak_bytes if on_device is None else int(on_device),
            device=str(built["device"]).partition(":")[0],
        )

    def _timed_steps(self, child: Child) -> tuple[list[float], dict[str, Any]]:
        """Seconds of steps until the time is up, and the peaks of memory.

        In short turns: how long a step takes may change while others use the machine, and the time must hold all the
        same.
        """
        walls: list[float] = []
        count, is_first = 1, True
        while True:
            answer = child.ask("steps", self.time_limit_s, count=count, is_peak_fresh=is_first)
            walls += answer["wall_s"]
            if (len(walls) >= _MIN_STEPS and sum(walls) >= self.seconds) or len(walls) >= _MAX_STEPS:
                return walls, answer["peak"]
            turn = self.seconds / _TURNS / max(statistics.median(walls), 1e-9)
            count, is_first = max(1, min(math.ceil(turn), _MAX_STEPS - len(walls))), False


def noise_of_median(walls: Sequence[float]) -> float:
    """Standard error of the median as a share of it, from the quartiles: 1.253 / 1.349 · their distance / sqrt(n)."""
    spread = spread_of(walls)
    assert spread is not None
    return 0.93 * spread.relative_width / math.sqrt(spread.n)


def verdict_of(reason: str, *, was_exceeded: bool) -> Verdict:
    """What the end of a child means."""
    if was_exceeded or any(words in reason for words in _OUT_OF_MEMORY):
        return "out of memory"
    return "too slow" if reason.startswith(_TOO_SLOW) else "crashed"
