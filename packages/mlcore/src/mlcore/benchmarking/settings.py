"""How a benchmark measures."""

import os
from collections.abc import Mapping
from dataclasses import dataclass

from mlcore.benchmarking.variant import BenchmarkError

_THREAD_VARIABLES = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS")


@dataclass(frozen=True)
class BenchmarkSettings:
    """The numbers of a benchmark.

    Args:
        rounds: how often every variant has its turn.
        steps_per_round: steps of a turn; every one is kept.
        warm_up_steps: steps after the first and before the first round; neither they nor the first are in the medians.
        threads: of the numeric libraries of each child; None leaves them as they are.
        time_limit_s: longest wait for one answer: for building, for the first step (which may compile), for a turn.
        has_yardstick: whether matrix products of the variants' dtypes are timed in the same rounds.
        yardstick_size: rows and columns of these products; None: 2,048 on a CPU, 8,192 on an accelerator.

    Raises:
        BenchmarkError: a number that makes no sense.
    """

    rounds: int = 10
    steps_per_round: int = 3
    warm_up_steps: int = 2
    threads: int | None = None
    time_limit_s: float = 900.0
    has_yardstick: bool = True
    yardstick_size: int | None = None

    def __post_init__(self) -> None:
        least = {"rounds": 1, "steps_per_round": 1, "warm_up_steps": 0, "threads": 1, "yardstick_size": 1}
        for name, smallest in least.items():
            value = getattr(self, name)
            if value is not None and value < smallest:
                raise BenchmarkError(f"{name} must be at least {smallest}, got {value}")
        if not self.time_limit_s > 0:
            raise BenchmarkError(f"time_limit_s must be above 0, got {self.time_limit_s}")

    def environment(self, further: Mapping[str, str]) -> dict[str, str]:
        """The variables of a child: ours, the threads, and the variant's own, which go before."""
        threads = {} if self.threads is None else dict.fromkeys(_THREAD_VARIABLES, str(self.threads))
        return {**os.environ, "PYTHONUNBUFFERED": "1", "PYTHONIOENCODING": "utf-8", **threads, **further}
