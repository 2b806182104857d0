"""Runs a small training in child processes that are killed, restarted and killed again.

Children are forked from a server that has imported torch once, so one costs milliseconds instead of seconds.
The program is a script: it finds its arguments in the global ``ARGUMENTS`` and arms its own fault. For a whole
command use ``subprocess`` with the environment variable ``FAULT`` instead.
"""

import multiprocessing
import os
import runpy
import signal
import time
from collections.abc import Mapping
from multiprocessing.context import ForkServerProcess
from pathlib import Path
from typing import Any

KILLED = -signal.SIGKILL


def start_child(script: Path, arguments: Mapping[str, Any]) -> ForkServerProcess:
    """Start ``script`` as ``__main__``; its ``exitcode`` is negative when a signal ended it."""
    context = multiprocessing.get_context("forkserver")
    # torch's optimizers import torch._dynamo at their first step, which takes seconds
    context.set_forkserver_preload(["torch", "torch._dynamo", "mlcore.checkpoint.manager"])
    child = context.Process(
        target=runpy.run_path, args=(str(script), {"ARGUMENTS": dict(arguments)}, "__main__")
    )
    child.start()
    return child


def run_child(script: Path, arguments: Mapping[str, Any], *, seconds: float = 60.0) -> int:
    """Run ``script`` to its end and return its exit code; a child that hangs is a failure."""
    child = start_child(script, arguments)
    child.join(seconds)
    if child.exitcode is None:
        child.kill()
        raise AssertionError(f"{script.name} did not end within {seconds} s: {dict(arguments)}")
    return child.exitcode


def kill_child_after(script: Path, arguments: Mapping[str, Any], delay: float, ready: Path) -> int:
    """Run ``script``; SIGKILL it ``delay`` seconds after it made the file ``ready``; its exit code."""
    ready.unlink(missing_ok=True)
    child = start_child(script, arguments)
    while not ready.exists() and child.is_alive():
        time.sleep(0.0005)
    child.join(delay)
    if child.is_alive():
        assert child.pid is not None
        os.kill(child.pid, signal.SIGKILL)
    child.join(60)
    assert child.exitcode is not None
    return child.exitcode
