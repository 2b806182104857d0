"""Where Triton's kernels are tested: on a GPU, or on the CPU by Triton's interpreter.

The interpreter is switched on before Triton is imported, for the whole process and for good. `test_triton_*.py` are
therefore collected only where there is a GPU, or in the process of its own that `test_interpreted_kernels.py` starts
with TRITON_INTERPRET=1.
"""

import os

import pytest
import torch

IS_INTERPRETED = os.environ.get("TRITON_INTERPRET") == "1"
collect_ignore_glob = [] if IS_INTERPRETED or torch.cuda.is_available() else ["test_triton_*.py"]


@pytest.fixture(scope="session")
def triton_device() -> torch.device:
    """Where the tensors of Triton's kernels lie."""
    return torch.device("cpu" if IS_INTERPRETED else "cuda")
