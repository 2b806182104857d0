"""One trainer in a run folder at a time. The lock names its owner; that of a dead process is taken over."""

import json
import os
import platform
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
from filelock import FileLock, Timeout

from mlcore.errors import RunLockedError

_GUARD_TIMEOUT_S = 10.0
_PATIENCE_S = 10.0
_POLL_S = 0.05


@contextmanager
def lock_run(folder: Path) -> Iterator[None]:
    """Hold the lock of a run folder.

    The lock is a small file with the owner's process id, so that a second trainer can say who has it, and so
    that worker processes which outlive a killed trainer do not hold it. A file lock guards the moment of
    looking and taking.

    Raises:
        RunLockedError: a living process holds it.
    """
    path = folder / "run.lock"
    mine = {"pid": os.getpid(), "host": platform.node(), "started": _start_time(os.getpid())}
    with _guard(folder):
        owner = read_owner(path)
        if owner is not None and is_alive(owner):
            where = (
                "" if owner["host"] == mine["host"] else f" on {owner['host']}; if it is dead, delete {path}"
            )
            raise RunLockedError(f"{folder}: process {owner['pid']} is training here already{where}")
        path.write_text(json.dumps(mine), encoding="utf-8")
    try:
        yield
    finally:
        # A child that was forked inside the block comes through here too: the lock is not its own.
        if os.getpid() == mine["pid"]:
            with _guard(folder):
                if read_owner(path) == mine:
                    path.unlink()


@contextmanager
def _guard(folder: Path) -> Iterator[None]:
    try:
        with FileLock(folder / ".run.lock.guard", timeout=_GUARD_TIMEOUT_S):
            yield
    except Timeout:
        raise RunLockedError(f"{folder}: its lock is being taken by another process") from None


def wait_until_free(folder: Path) -> None:
    """A run whose study or search was killed dies a moment later: wait up to 10 s until nobody holds its folder."""
    end = time.monotonic() + _PATIENCE_S
    while time.monotonic() < end:
        owner = read_owner(folder / "run.lock")
        if owner is None or not is_alive(owner):
            return
        time.sleep(_POLL_S)


def read_owner(path: Path) -> dict[str, object] | None:
    """The owner; None for no lock, or for one that was cut off while it was written."""
    try:
        owner = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    is_whole = (
        isinstance(owner, dict) and {"pid", "host", "started"} <= owner.keys() and type(owner["pid"]) is int
    )
    return owner if is_whole else None


def is_alive(owner: dict[str, object]) -> bool:
    """Whether the owner still runs. A process on another machine cannot be asked and counts as alive."""
    if owner["host"] != platform.node():
        return True
    return _start_time(owner["pid"]) == owner["started"]


def _start_time(pid: object) -> float | None:
    """When a process began, so that a new process with an old number is not taken for the owner."""
    assert isinstance(pid, int)
    try:
        process = psutil.Process(pid)
        return None if process.status() == psutil.STATUS_ZOMBIE else round(process.create_time(), 1)
    except (psutil.Error, ValueError, OverflowError):
        return None
