"""Tiny jobs for real child processes, and a way to start a study as a process of its own."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest
from mlcore.study import Job

RUNNER = Path(__file__).with_name("study_program.py")


@pytest.fixture
def job(tmp_path: Path) -> Callable[..., Job]:
    """Makes a job from a line of Python; `sys`, `time`, `signal`, `os` and `Path` are imported for it."""

    def make(key: str, code: str, **settings: object) -> Job:
        head = "import os, signal, sys, time; from pathlib import Path\n"
        return Job(key, (sys.executable, "-c", head + code), **settings)  # type: ignore[arg-type]

    return make


@pytest.fixture
def journal(tmp_path: Path) -> Callable[[], list[dict]]:
    """Reads the journal of the study in `tmp_path / "study"`."""

    def read() -> list[dict]:
        text = (tmp_path / "study" / "study.jsonl").read_text(encoding="utf-8")
        return [json.loads(line) for line in text.splitlines()]

    return read


Start = Callable[..., subprocess.Popen[str]]


@pytest.fixture
def start_study(tmp_path: Path) -> Iterator[Start]:
    """Starts `study_program.py` on a list of jobs, in a session of its own; whatever is left is killed at the end."""
    started: list[subprocess.Popen[str]] = []

    def start(jobs: list[Job], **settings: object) -> subprocess.Popen[str]:
        plan = {"jobs": [[job.key, list(job.command)] for job in jobs], "settings": settings}
        process = subprocess.Popen(
            [sys.executable, str(RUNNER), str(tmp_path / "study"), json.dumps(plan)],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
            env={**os.environ, "OMP_NUM_THREADS": "1"},
        )
        started.append(process)
        return process

    yield start
    for process in started:
        process.kill()
        process.communicate()


def wait_for(condition: Callable[[], object], what: str) -> None:
    """Waits until `condition()` holds; the limit is generous, since it only matters in a test that fails."""
    end = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < end, f"waited in vain: {what}"
        time.sleep(0.01)


def is_running(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


@pytest.fixture
def pid_in() -> Callable[[Path], int]:
    """Waits for a file that a child writes its process id into."""

    def read(path: Path) -> int:
        wait_for(lambda: path.exists() and path.read_text().strip(), f"{path.name} with a process id")
        return int(path.read_text())

    return read


@pytest.fixture
def ends() -> Callable[[int], None]:
    """Waits for the end of a process that is not our child."""
    return lambda pid: wait_for(lambda: not is_running(pid), f"the end of process {pid}")


@pytest.fixture
def alive() -> Callable[[int], bool]:
    return is_running


@pytest.fixture
def until() -> Callable[[Callable[[], object], str], None]:
    return wait_for
