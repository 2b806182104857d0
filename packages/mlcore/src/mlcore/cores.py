"""The processor's cores: how many this process may use, and how many threads each of several processes gets."""

import os


def num_usable_cores() -> int:
    """Cores that this process may use: those of its affinity where the system has one."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def threads_setting() -> int | None:
    """The number in ``OMP_NUM_THREADS``; None without one."""
    text = os.environ.get("OMP_NUM_THREADS", "")
    return int(text) if text.isascii() and text.isdigit() and len(text) < 6 else None


def threads_of_worker(num_workers: int) -> int:
    """An equal share of the cores for each of ``num_workers`` processes, so that none is used twice.

    ``OMP_NUM_THREADS`` lowers it: who starts two studies side by side halves the cores so. It does not raise it.
    """
    share = max(1, num_usable_cores() // max(1, num_workers))
    return max(1, min(share, threads_setting() or share))
