"""How much of the machine everybody else used during a turn."""

import os
import time
from typing import NamedTuple


class LoadReading(NamedTuple):
    """Clock, CPU seconds of the whole machine that were not idle, and of this process."""

    clock_s: float
    busy_s: float
    own_s: float


def read_load() -> LoadReading | None:
    """The present counters; None where the system has none."""
    import psutil

    try:
        times = psutil.cpu_times()
    except (OSError, RuntimeError):
        return None
    # Guest time is counted in user time already. Stolen time is somebody else's, so it counts as busy.
    idle = {"idle", "iowait", "guest", "guest_nice"}
    busy = sum(value for name, value in times._asdict().items() if name not in idle)
    return LoadReading(time.monotonic(), busy, time.process_time())


def other_cpu_share(
    before: LoadReading | None, after: LoadReading | None, child_cpu_s: float, num_cores: int | None = None
) -> float | None:
    """Share of the machine, 0 to 1, that neither the child nor this process used between two readings.

    The counters have steps of about 10 ms: the share of a short turn is rough, that of many turns is not.
    """
    if before is None or after is None or after.clock_s <= before.clock_s:
        return None
    others = (after.busy_s - before.busy_s) - child_cpu_s - (after.own_s - before.own_s)
    room = (after.clock_s - before.clock_s) * (num_cores or os.cpu_count() or 1)
    return min(1.0, max(0.0, others / room))
