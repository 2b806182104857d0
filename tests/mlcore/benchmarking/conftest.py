"""Variants with known behaviour, and looks at processes."""

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil
import pytest
from mlcore.benchmarking import BenchmarkResult, BenchmarkSettings, ModelBenchmark, Variant

HERE = Path(__file__).parent


@pytest.fixture(autouse=True)
def _targets_can_be_imported(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(HERE)


@pytest.fixture
def variant() -> Callable[..., Variant]:
    """Makes a variant of a function in `benchmark_targets`."""

    def make(
        name: str, function: str, environment: dict[str, str] | None = None, **arguments: Any
    ) -> Variant:
        return Variant(name, f"benchmark_targets:{function}", arguments, environment=environment or {})

    return make


@pytest.fixture
def run() -> Callable[..., BenchmarkResult]:
    """Measures variants, briefly."""

    def measure(
        *variants: Variant, folder: Path | None = None, progress: Any = None, **settings: Any
    ) -> BenchmarkResult:
        chosen = {"rounds": 2, "steps_per_round": 2, "warm_up_steps": 1, "threads": 1, "time_limit_s": 60.0}
        benchmark = ModelBenchmark(variants, BenchmarkSettings(**{**chosen, **settings}), title="a title")
        return benchmark.run(folder, progress=progress)

    return measure


def _is_running(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


@pytest.fixture
def ends() -> Callable[[int], None]:
    """Waits for the end of a process; the limit is generous, since it only matters in a test that fails."""

    def wait(pid: int) -> None:
        end = time.monotonic() + 60
        while _is_running(pid):
            assert time.monotonic() < end, f"process {pid} is still there"
            time.sleep(0.02)

    return wait


@pytest.fixture
def pids_in() -> Callable[[Path], list[int]]:
    """Waits for a file in which a target wrote process ids."""

    def read(path: Path) -> list[int]:
        end = time.monotonic() + 60
        while not (path.exists() and path.read_text()):
            assert time.monotonic() < end, f"{path.name} was never written"
            time.sleep(0.02)
        return [int(word) for word in path.read_text().split()]

    return read
