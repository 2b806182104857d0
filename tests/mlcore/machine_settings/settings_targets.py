"""Steps that take the time, the memory or the end that is asked for. Standard library only: a child starts at once."""

import os
import signal
import time

from mlcore.benchmarking.workload import Workload

MIB = 2**20


def waiting(batch_size: int, fixed_s: float = 0.02, item_s: float = 0.0) -> Workload:
    """Takes fixed_s + batch_size · item_s seconds for batch_size items."""
    return Workload(step=lambda: time.sleep(fixed_s + batch_size * item_s), items_per_step=batch_size)


def growing(batch_size: int, mib_per_item: int = 1) -> Workload:
    """Holds so much memory an item, and really touches it, from its first step on."""
    held: list[bytearray] = []

    def step() -> None:
        while len(held) < batch_size * mib_per_item:
            held.append(bytearray(os.urandom(64)) * (MIB // 64))
        time.sleep(0.02)

    return Workload(step=step, items_per_step=batch_size)


def dying(batch_size: int, how: str, limit: int = 0) -> Workload:
    """Ends in one of several ways above a batch size."""

    def step() -> None:
        if batch_size <= limit:
            time.sleep(0.002)
        elif how == "memory error":
            raise MemoryError
        elif how == "cuda":
            raise RuntimeError("CUDA out of memory. Tried to allocate 20.00 GiB")
        elif how == "killed":
            os.kill(os.getpid(), signal.SIGKILL)
        elif how == "segmentation fault":
            os.kill(os.getpid(), signal.SIGSEGV)
        elif how == "hang":
            time.sleep(600)
        else:
            raise ValueError(how)

    return Workload(step=step, items_per_step=batch_size)


def for_config(config: dict, batch_size: int) -> Workload:
    """Twice as fast an item with every doubling."""
    assert "batch_size" not in config.get("training", {})
    return waiting(batch_size, fixed_s=0.01)
