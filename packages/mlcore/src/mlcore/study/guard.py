"""Runs one command, and ends it with everything it started when the process that started the guard dies.

A program of its own: ``python -I guard.py COMMAND…``, standard library only, so that it starts in hundredths of a
second. Its standard input is a pipe that the caller holds open. A byte on it is the number of a signal for the
command; its end means that the caller is gone, however it went. The exit code is the command's; 128 + n where
signal n ended it, 127 where there is no such program.
"""

import contextlib
import ctypes
import os
import signal
import subprocess
import sys
import threading

_PR_SET_PDEATHSIG = 1
KILL = 9
"""The number of SIGKILL, which Windows does not know by name."""


def main(command: list[str]) -> int:
    """Run the command and return its exit code."""
    try:
        child = _start(command)
    except OSError as error:
        print(f"{command[0]}: cannot be started: {error.strerror}", flush=True)
        return 127 if isinstance(error, FileNotFoundError) else 126
    threading.Thread(target=_obey, args=(child,), daemon=True).start()
    code = child.wait()
    _kill_all(child)  # data workers that outlived it
    return code if code >= 0 else 128 - code


def _start(command: list[str]) -> subprocess.Popen[bytes]:
    """A process group of its own, so that signals reach what the command starts, too, and never the guard."""
    if sys.platform == "win32":
        return subprocess.Popen(  # noqa: S603
            command, stdin=subprocess.DEVNULL, creationflags=subprocess.CREATE_NEW_PROCESS_GROUP
        )
    before_exec = _die_with_parent if sys.platform == "linux" else None
    return subprocess.Popen(  # noqa: S603
        command, stdin=subprocess.DEVNULL, start_new_session=True, preexec_fn=before_exec
    )


def _die_with_parent() -> None:
    """Linux: should the guard itself be killed, the kernel kills the command."""
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, KILL)


def _obey(child: subprocess.Popen[bytes]) -> None:
    while words := os.read(0, 1):
        _pass_on(child, words[0])
    _kill_all(child)


def _pass_on(child: subprocess.Popen[bytes], number: int) -> None:
    """SIGINT goes to the whole group, as from a terminal; SIGTERM to the command, whose own workers must live on
    while it saves."""
    if number == KILL:
        _kill_all(child)
    elif sys.platform == "win32":
        child.send_signal(signal.CTRL_BREAK_EVENT if number == signal.SIGINT else signal.SIGTERM)
    elif number == signal.SIGINT and child.poll() is None:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(child.pid, number)
    else:
        child.send_signal(number)


def _kill_all(child: subprocess.Popen[bytes]) -> None:
    """The command and its process group. A group's number is not given away while it has a member."""
    if sys.platform == "win32":
        if child.poll() is None:
            subprocess.run(["taskkill", "/F", "/T", "/PID", str(child.pid)], check=False)  # noqa: S603, S607
        return
    # macOS answers PermissionError for a group of which only zombies are left.
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(child.pid, KILL)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
