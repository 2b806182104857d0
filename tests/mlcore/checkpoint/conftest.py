"""What the checkpoint tests share: a disarmed fault before and after each, and the kill harness."""

import importlib.util
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest
from mlcore.checkpoint.faults import arm_fault

HERE = Path(__file__).parent


@pytest.fixture(autouse=True)
def _no_fault_is_left_armed() -> Iterator[None]:
    arm_fault("")
    yield
    arm_fault("")


@pytest.fixture(scope="session")
def harness() -> ModuleType:
    specification = importlib.util.spec_from_file_location("kill_harness", HERE / "kill_harness.py")
    assert specification is not None
    assert specification.loader is not None
    module = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(module)
    return module


@pytest.fixture(scope="session")
def tiny_training() -> Path:
    return HERE / "tiny_training.py"
