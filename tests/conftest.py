"""What every test may use: the folder of real data, and one thread per process so that two workers share two cores."""

import os
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pytest
from mlcore import launcher

os.environ.setdefault("OMP_NUM_THREADS", "1")

REPOSITORY = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="session")
def repository() -> Path:
    """The root of this checkout."""
    return REPOSITORY


@pytest.fixture(scope="session")
def data_dir() -> Path:
    """The folder of real data, MLDATA_DIR. Where REQUIRE_DATA is set its absence is an error, elsewhere a skip."""
    named = os.environ.get("MLDATA_DIR")
    if named and Path(named).is_dir():
        return Path(named).resolve()
    reason = f"MLDATA_DIR names no folder of real data (it is {named!r})"
    if os.environ.get("REQUIRE_DATA"):
        pytest.fail(reason)
    pytest.skip(reason)


@pytest.fixture
def load_script(monkeypatch: pytest.MonkeyPatch) -> Callable[[Path], ModuleType]:
    """Loads a project's script into this process, where a mistake costs no start of Python and torch."""
    monkeypatch.setenv("COLUMNS", "160")

    def load(script: Path) -> ModuleType:
        monkeypatch.syspath_prepend(str(script.parent))
        return launcher.load_script(script)

    return load
