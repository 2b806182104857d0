"""A bound on the memory of a child: it is watched from outside, and ended when it grows beyond."""

import contextlib
import threading
from collections.abc import Callable
from pathlib import Path

import psutil

_POLL_S = 0.02
_CGROUP = Path("/sys/fs/cgroup")
SHARE_OF_FREE = 0.8
"""What a candidate may take of the memory that is free; the rest is for what else runs here."""


class MemoryBound:
    """While it is open, a process with all its children may hold so many bytes, and is ended beyond.

    Not RLIMIT_AS: an address space is no memory, and CUDA reserves a hundred gigabytes of it.

    Args:
        pid: of the process.
        limit_bytes: resident memory.
        end: ends the process; called once, in a thread.

    Attributes:
        was_exceeded: whether the process was ended.
        peak_bytes: the most that was seen.
    """

    def __init__(self, pid: int, limit_bytes: int, end: Callable[[], None]) -> None:
        self.was_exceeded = False
        self.peak_bytes = 0
        self._pid, self._limit, self._end = pid, limit_bytes, end
        self._closed = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="memory-bound", daemon=True)

    def __enter__(self) -> "MemoryBound":
        self._thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._closed.set()
        self._thread.join()

    def _watch(self) -> None:
        with contextlib.suppress(psutil.Error):
            process = psutil.Process(self._pid)
            while not self._closed.wait(_POLL_S):
                held = _resident_bytes(process)
                self.peak_bytes = max(self.peak_bytes, held)
                if held > self._limit:
                    self.was_exceeded = True
                    self._end()
                    return


def _resident_bytes(process: psutil.Process) -> int:
    total = int(process.memory_info().rss)
    for child in process.children(recursive=True):
        with contextlib.suppress(psutil.Error):  # it has just ended
            total += int(child.memory_info().rss)
    return total


def free_memory_bytes() -> int:
    """Memory that a new process may take: of the machine, and of the container that we are in."""
    free = int(psutil.virtual_memory().available)
    with contextlib.suppress(OSError, ValueError):  # not Linux, not version 2, or "max"
        limit = int((_CGROUP / "memory.max").read_text())
        free = min(free, limit - int((_CGROUP / "memory.current").read_text()))
    return max(free, 0)
