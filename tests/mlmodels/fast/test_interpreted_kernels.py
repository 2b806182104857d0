"""Runs `test_triton_*.py` where no GPU does: by Triton's interpreter, in a process of its own."""

import importlib.util
import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch

HERE = Path(__file__).parent


@pytest.mark.slow
@pytest.mark.timeout(1000)  # a minute of processor time; on busy cores that is several
@pytest.mark.skipif(importlib.util.find_spec("triton") is None, reason="this torch comes without Triton")
@pytest.mark.skipif(os.environ.get("TRITON_INTERPRET") == "1", reason="this is that process already")
@pytest.mark.skipif(torch.cuda.is_available(), reason="the GPU runs them")
def test_every_test_of_the_triton_kernels_passes_in_the_interpreter() -> None:
    files = sorted(str(path) for path in HERE.glob("test_triton_*.py"))
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "no:xdist", *files]
    environment = {key: value for key, value in os.environ.items() if not key.startswith("PYTEST_")}
    environment["TRITON_INTERPRET"] = "1"
    run = subprocess.run(
        command,
        cwd=HERE.parents[2],
        env=environment,
        capture_output=True,
        text=True,
        timeout=900,
        check=False,
    )
    assert run.returncode == 0, run.stdout[-6000:] + run.stderr[-2000:]
