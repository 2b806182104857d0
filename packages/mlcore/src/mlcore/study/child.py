"""One running job: a process under a guard, its log, and the three steps by which it is made to stop."""

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from mlcore.study import guard
from mlcore.study.job import Job

TERMINATION_GRACE_S = 5.0
"""Seconds between SIGTERM, which ends a training that is saving already, and SIGKILL."""


class Child:
    """A job under way.

    Attributes:
        attempt: number of this attempt, from 1.
        log_start: where its output begins in the log; earlier attempts stand before it.
        timed_out: it was asked to stop because its time was up.
        stopping: it was asked to stop, for whatever reason.
    """

    def __init__(
        self, job: Job, attempt: int, log_path: Path, env: dict[str, str], command: Sequence[str]
    ) -> None:
        self.job, self.attempt, self.log_path = job, attempt, log_path
        self.timed_out = self.stopping = False
        self._next_steps: list[tuple[float, int]] = []
        self._started = time.monotonic()
        with open(log_path, "ab") as log:
            self.log_start = log.tell()
            self._process = subprocess.Popen(  # noqa: S603 the command is the caller's own
                [sys.executable, "-I", guard.__file__, *command],
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=subprocess.STDOUT,
                env=env,
                start_new_session=os.name != "nt",  # Ctrl-C in the terminal must not reach it twice
                creationflags=getattr(subprocess, "CREATE_NEW_PROCESS_GROUP", 0),
            )

    @property
    def seconds(self) -> float:
        """Seconds since it was started."""
        return time.monotonic() - self._started

    def poll(self) -> int | None:
        """Its exit code; None while it runs. Takes the next step of stopping when that is due."""
        code = self._process.poll()
        if code is None:
            while self._next_steps and time.monotonic() >= self._next_steps[0][0]:
                self._send(self._next_steps.pop(0)[1])
            return None
        self._close()
        return code if code >= 0 else 128 - code

    def ask_to_stop(self, number: int, grace_s: float, *, is_timeout: bool = False) -> None:
        """Pass a signal on, the first time only; SIGTERM follows after ``grace_s`` seconds, then SIGKILL."""
        if self.stopping:
            return
        self.stopping, self.timed_out = True, is_timeout
        later = time.monotonic() + grace_s
        self._next_steps = [(later, signal.SIGTERM), (later + TERMINATION_GRACE_S, guard.KILL)]
        self._send(number)

    def kill(self) -> None:
        """End it and everything it started, and wait for that."""
        self._close()  # the guard takes the end of its pipe for our death
        self._process.wait()

    def _send(self, number: int) -> None:
        assert self._process.stdin is not None
        with contextlib.suppress(OSError):  # the guard has ended in between
            self._process.stdin.write(bytes([number]))
            self._process.stdin.flush()

    def _close(self) -> None:
        assert self._process.stdin is not None
        with contextlib.suppress(OSError):
            self._process.stdin.close()
