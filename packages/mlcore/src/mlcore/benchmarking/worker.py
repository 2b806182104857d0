"""The child of a benchmark: ``python -m mlcore.benchmarking.worker``. Builds one target and takes its steps when told.

Commands come as JSON lines on standard input, answers go as JSON lines to standard output; whatever the target prints
goes to standard error, which is the variant's log. Between commands the process sleeps in a read. The end of standard
input means that the parent is gone, however it went: the child then ends at once, in the middle of a step too.
"""

import importlib
import json
import os
import queue
import signal
import sys
import threading
import time
import traceback
from collections.abc import Callable, Mapping
from typing import IO, Any

from mlcore.benchmarking.memory import forget_peak, peak_bytes, resident_bytes


class Worker:
    """One target from its import to its end. Every method answers one command."""

    def __init__(self) -> None:
        self._workload: Any = None
        self._device = "cpu"
        self._slept_from = 0.0

    def build(
        self,
        target: str,
        arguments: Mapping[str, Any],
        imports: list[str],
        threads: int | None,
    ) -> dict[str, Any]:
        """Import, note the base memory, build."""
        began = time.perf_counter()
        module_name, _, function_name = target.partition(":")
        for name in imports:
            importlib.import_module(name)
        function = getattr(importlib.import_module(module_name), function_name)
        torch: Any = sys.modules.get("torch")
        if torch is not None and threads is not None:
            torch.set_num_threads(threads)
        imported = time.perf_counter()
        base, is_exact = resident_bytes(), forget_peak()
        self._workload = function(**arguments)
        self._device = str(getattr(self._workload, "device", "cpu"))
        self._synchronize()
        built = time.perf_counter()
        torch = sys.modules.get("torch")
        self._slept_from = time.process_time()
        return {
            "import_s": imported - began,
            "build_s": built - imported,
            "base_memory_bytes": base,
            "is_peak_exact": is_exact,
            "peak": peak_bytes(self._device),
            "threads": (threads or 1) if torch is None else torch.get_num_threads(),
            "items_per_step": float(self._workload.items_per_step),
            "flops_per_step": float(getattr(self._workload, "flops_per_step", 0.0)),
            "dtype": getattr(self._workload, "dtype", None),
            "device": self._device,
            "facts": dict(getattr(self._workload, "facts", {})),
        }

    def steps(self, count: int, is_peak_fresh: bool) -> dict[str, Any]:
        """Take steps; with `is_peak_fresh` the peak memory is theirs alone."""
        idle_cpu_s = time.process_time() - self._slept_from
        if is_peak_fresh:
            forget_peak(self._device)
        wall_s, cpu_s, value = [], [], None
        step: Callable[[], object] = self._workload.step
        self._synchronize()
        began, cpu_began = time.monotonic(), time.process_time()
        for _ in range(count):
            cpu, wall = time.process_time(), time.perf_counter()
            value = step()
            self._synchronize()
            wall_s.append(time.perf_counter() - wall)
            cpu_s.append(time.process_time() - cpu)
        self._slept_from, ended = time.process_time(), time.monotonic()
        return {
            "wall_s": wall_s,
            "cpu_s": cpu_s,
            "began": began,
            "ended": ended,
            "turn_cpu_s": self._slept_from - cpu_began,
            "idle_cpu_s": idle_cpu_s,
            "value": float(value) if isinstance(value, int | float) else None,
            "peak": peak_bytes(self._device),
        }

    def close(self) -> dict[str, Any]:
        """Let the target put things away."""
        close = getattr(self._workload, "close", None)
        if close is not None:
            close()
        return {}

    def _synchronize(self) -> None:
        """Wait for the device, so that the clock is read after its work and not after its orders."""
        own = getattr(self._workload, "synchronize", None)
        torch: Any = sys.modules.get("torch")
        if own is not None:
            own()
        elif torch is not None and self._device.startswith("cuda"):
            torch.cuda.synchronize(self._device)
        elif torch is not None and self._device.startswith("mps"):
            torch.mps.synchronize()


def main() -> int:
    """Answer commands until `close`; 1 after a command that failed."""
    commands, answers = _take_over_pipes()
    waiting: queue.SimpleQueue[dict[str, Any]] = queue.SimpleQueue()
    threading.Thread(target=_listen, args=(commands, waiting), daemon=True).start()
    worker = Worker()
    while True:
        command = waiting.get()
        name = command.pop("do")
        # What the parent can import, the child can, too: a project's folder, for instance.
        sys.path[:] = command.pop("path", sys.path)
        try:
            answer = getattr(worker, name)(**command)
        except BaseException as error:
            traceback.print_exc()
            _say(answers, {"failed": _in_words(error)})
            return 1
        _say(answers, answer)
        if name == "close":
            return 0


def _in_words(error: BaseException) -> str:
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return f"{type(error).__name__}: {lines[0][:300]}" if lines else type(error).__name__


def _say(answers: IO[str], content: Mapping[str, Any]) -> None:
    answers.write(json.dumps(content, default=str) + "\n")
    answers.flush()


def _take_over_pipes() -> tuple[int, IO[str]]:
    """The two pipes under other numbers: the target may read and print without disturbing them."""
    commands = os.dup(0)
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)
    os.dup2(2, 1)
    return commands, answers


def _listen(commands: int, waiting: "queue.SimpleQueue[dict[str, Any]]") -> None:
    """Pass commands on. A thread of its own, so that the parent's end is noticed during a step as well."""
    rest = b""
    while received := os.read(commands, 65_536):
        *lines, rest = (rest + received).split(b"\n")
        for line in lines:
            waiting.put(json.loads(line))
    _end_with_all_children()


def _end_with_all_children() -> None:
    """At once. The worker leads a process group of its own, of which compilers and loaders are members.

    Not PR_SET_PDEATHSIG: the kernel would end this process alone, before it could end the others.
    """
    if hasattr(os, "killpg") and os.getpgrp() == os.getpid():
        os.killpg(os.getpid(), signal.SIGKILL)
    os._exit(1)


if __name__ == "__main__":
    sys.exit(main())
