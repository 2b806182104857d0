"""Targets for the benchmark's own tests: each does one known thing. Imported by the children, not by pytest."""

import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from mlcore.benchmarking import Workload

MEBIBYTE = 2**20


def sleeping(seconds: float = 0.01, **facts: Any) -> Workload:
    """Waits without using the CPU."""
    return Workload(lambda: time.sleep(seconds), items_per_step=4, flops_per_step=8.0, facts=facts)


def burning(cpu_seconds: float) -> Workload:
    """Uses one core for so many CPU seconds."""

    def step() -> None:
        end = time.process_time() + cpu_seconds
        while time.process_time() < end:
            pass

    return Workload(step, items_per_step=1)


def allocating(mebibytes: int, *, in_step: bool) -> Workload:
    """Holds memory while a step lasts, or while it builds."""

    def hold() -> None:
        block = b"x" * (mebibytes * MEBIBYTE)
        assert block

    if in_step:
        return Workload(hold, items_per_step=1)
    hold()
    return Workload(lambda: None, items_per_step=1)


def counting() -> Workload:
    """Returns the number of the step, prints, and reads its standard input."""
    steps = iter(range(1, 1000))
    print("printed by the target")

    def step() -> int:
        assert sys.stdin.read() == ""
        print("printed by a step")
        return next(steps)

    return Workload(step, items_per_step=1)


def raising(at_step: int) -> Workload:
    """Raises while building (0), or in the step of this number."""
    taken = 0

    def step() -> None:
        nonlocal taken
        taken += 1
        if taken == at_step:
            raise ValueError("no such thing")

    if at_step == 0:
        raise ValueError("no such thing")
    return Workload(step, items_per_step=1)


def vanishing(code: int) -> Workload:
    """Ends its process in the first step, without a word to its parent."""

    def step() -> None:
        print("these are my last words", flush=True)
        os._exit(code)

    return Workload(step, items_per_step=1)


def hanging(pid_file: str, *, with_child: bool = False) -> Workload:
    """Writes its process id (and that of a process it started), and never comes back from the first step."""
    pids = [os.getpid()]
    if with_child:
        pids.append(subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"]).pid)
    Path(pid_file).write_text(" ".join(map(str, pids)))
    return Workload(lambda: time.sleep(600), items_per_step=1)


def showing(names: list[str], closed_file: str = "") -> Workload:
    """Tells variables of its environment; writes a file when it is closed."""
    found = {name: os.environ.get(name) for name in names}
    close = (lambda: Path(closed_file).touch()) if closed_file else None
    return Workload(lambda: None, items_per_step=1, close=close, facts=found)


def multiplying(size: int, dtype: str) -> Workload:
    """A matrix product of torch, with its threads as a fact."""
    import torch

    a = torch.ones(size, size, dtype=getattr(torch, dtype))
    facts = {"torch_threads": torch.get_num_threads()}
    return Workload(lambda: float((a @ a)[0, 0]), 1, 2.0 * size**3, dtype=dtype, facts=facts)
