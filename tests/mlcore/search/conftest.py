"""A toy project whose optimum is known, and its search as a process of its own."""

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest
import yaml

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE))


@pytest.fixture
def search_file(tmp_path: Path) -> Callable[..., Path]:
    """Writes a search; `space` is the only key that it must be given."""

    def write(**content: object) -> Path:
        path = tmp_path / "space.yaml"
        path.write_text(
            yaml.safe_dump({"name": "toy", "seed": 1, **content}, sort_keys=False), encoding="utf-8"
        )
        return path

    return write


Start = Callable[..., subprocess.Popen[str]]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """Starts `toy_optimize.py` in a session of its own; whatever is left is killed at the end."""
    started: list[subprocess.Popen[str]] = []

    def begin(search: Path, *words: str, output: str = "search") -> subprocess.Popen[str]:
        command = [sys.executable, str(HERE / "toy_optimize.py"), "--search", str(search)]
        process = subprocess.Popen(
            [*command, "--output", str(tmp_path / output), *words],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
            env={**os.environ, "OMP_NUM_THREADS": "1", "COLUMNS": "200"},
        )
        started.append(process)
        return process

    yield begin
    for process in started:
        process.kill()
        process.wait()


@pytest.fixture
def search(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> Callable[..., str]:
    """Runs a search to its end in this process, its trials in processes of their own, and returns its output."""
    import toy_optimize

    monkeypatch.setenv("COLUMNS", "200")

    def run(path: Path, *words: str, output: str = "search", code: int = 0) -> str:
        capsys.readouterr()
        found = toy_optimize.main(["--search", str(path), "--output", str(tmp_path / output), *words])
        captured = capsys.readouterr()
        assert found == code, captured.out + captured.err
        return captured.out + captured.err

    return run


def wait_for(condition: Callable[[], object], what: str) -> None:
    """Waits until `condition()` holds; the limit is generous, since it only matters in a test that fails."""
    end = time.monotonic() + 120
    while not condition():
        assert time.monotonic() < end, f"waited in vain: {what}"
        time.sleep(0.01)


@pytest.fixture
def until() -> Callable[[Callable[[], object], str], None]:
    return wait_for


@pytest.fixture
def alive() -> Callable[[int], bool]:
    def is_running(pid: int) -> bool:
        try:
            return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
        except psutil.NoSuchProcess:
            return False

    return is_running
