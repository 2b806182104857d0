"""One worker process as its parent sees it: ask, wait for the answer, and put what went wrong into words."""

import contextlib
import json
import os
import queue
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from mlcore.logger.number_format import format_duration

_POLL_S = 0.5  # how soon an end is noticed when something that the child started still holds its pipe
_CLOSING_S = 10.0
_NUM_LOG_BYTES = 4096


class ChildError(Exception):
    """The child failed, ended or did not answer; the text says which."""


class Child:
    """A worker under way, in a session of its own: Ctrl-C in the terminal reaches the parent alone.

    Args:
        environment: all variables of the process.
        log_path: gets what the target prints.
    """

    def __init__(self, environment: Mapping[str, str], log_path: Path) -> None:
        self.log_path = log_path
        self.started = time.perf_counter()
        with open(log_path, "wb") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-P", "-m", "mlcore.benchmarking.worker"],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                env=dict(environment),
                start_new_session=os.name != "nt",
                creationflags=getattr(subprocess, "CREATE_NEW_PROCESS_GROUP", 0),
            )
        self._answers: queue.Queue[bytes | None] = queue.Queue()
        threading.Thread(target=self._read, daemon=True).start()

    @property
    def pid(self) -> int:
        """The process id."""
        return self._process.pid

    def ask(self, do: str, limit_s: float, **details: Any) -> dict[str, Any]:
        """Send a command and return the answer.

        Raises:
            ChildError: the command failed, the process ended, or there was no answer in time; it is killed then.
        """
        line = json.dumps({"do": do, **details}).encode() + b"\n"
        assert self._process.stdin is not None
        with contextlib.suppress(OSError):  # it has ended; why, is said below
            self._process.stdin.write(line)
            self._process.stdin.flush()
        answer = self._wait_for_answer(limit_s)
        if "failed" in answer:
            self.kill()
            raise ChildError(answer["failed"])
        return answer

    def close(self) -> None:
        """Let the target put things away and the process end; kill it where it does not."""
        with contextlib.suppress(ChildError):
            self.ask("close", _CLOSING_S)
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(_CLOSING_S)
        self.kill()

    def kill(self) -> None:
        """End it and everything it started, and wait for that. More than once does no harm."""
        assert self._process.stdin is not None
        if os.name != "nt":
            # A group's number is not given away while it has a member; macOS denies a group of zombies.
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(self._process.pid, signal.SIGKILL)
        elif self._process.poll() is None:
            self._process.kill()
        self._process.wait()
        with contextlib.suppress(OSError):
            self._process.stdin.close()

    def _read(self) -> None:
        """Lines of the child, then None at their end."""
        assert self._process.stdout is not None
        with self._process.stdout as pipe:
            for line in pipe:
                self._answers.put(line)
        self._answers.put(None)

    def _wait_for_answer(self, limit_s: float) -> dict[str, Any]:
        end = time.monotonic() + limit_s
        while True:
            left = end - time.monotonic()
            if left <= 0:
                self.kill()
                raise ChildError(f"no answer within {format_duration(limit_s)}")
            try:
                line = self._answers.get(timeout=min(left, _POLL_S))
            except queue.Empty:
                if self._process.poll() is None or not self._answers.empty():
                    continue
                line = None
            if line is None:
                raise ChildError(self._end_in_words())
            return json.loads(line)

    def _end_in_words(self) -> str:
        """How the process ended, with its last words."""
        self.kill()
        code = self._process.returncode
        how = f"ended with exit code {code}"
        if code < 0:
            with contextlib.suppress(ValueError):
                how = f"killed by {signal.Signals(-code).name}"
            how += " (out of memory?)" if -code == getattr(signal, "SIGKILL", 9) else ""
        last = self._last_log_line()
        return f"{how}; its last words: {last}" if last else how

    def _last_log_line(self) -> str:
        with contextlib.suppress(OSError), open(self.log_path, "rb") as log:
            log.seek(max(0, log.seek(0, os.SEEK_END) - _NUM_LOG_BYTES))
            lines = [line.strip() for line in log.read().decode("utf-8", errors="replace").splitlines()]
            return next((line[:300] for line in reversed(lines) if line), "")
        return ""
