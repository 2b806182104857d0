"""The compiled steps of kernels/: loading them, and the structure that tells them where everything lies."""

import ctypes
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import torch

from mlmodels.native import NativeUnavailableError, load_library
from mlmodels.recurrent.config import CellName

SOURCES = Path(__file__).parent / "kernels"
SUFFIXES = {torch.float32: "f32", torch.float64: "f64", torch.bfloat16: "bf16"}

_POINTERS = (
    "x_gates",
    "h_gates",
    "h",
    "c",
    "moments",
    "bias_x",
    "bias_h",
    "scale_x",
    "scale_h",
    "dy",
    "dh",
    "dc",
    "dvectors",
)
_NUMBERS = ("rows", "hidden", "keeps_all", "reverse", "threads")


class Steps(ctypes.Structure):
    """`struct Steps` of kernels/steps.h, field by field."""

    _fields_ = [(name, ctypes.c_void_p) for name in _POINTERS] + [(name, ctypes.c_long) for name in _NUMBERS]


Pointer = Any  # what ctypes.byref makes of `Steps`; its type has no public name


@dataclass(frozen=True)
class StepKernels:
    """`forward(steps, t)` and `backward(steps, t)` of one cell and one storage type; `t` counts inputs."""

    forward: Callable[[Pointer, int], None]
    backward: Callable[[Pointer, int], None]


@cache
def load_step_kernels(cell: CellName, dtype: torch.dtype) -> StepKernels | None:
    """The kernels, compiled at first use; None, and one line of notice in this process, where they cannot be had."""
    try:
        library = load_library(SOURCES / f"{cell}.cpp")
    except NativeUnavailableError as error:
        _notice(str(error))
        return None
    return kernels_of(library, dtype)


def kernels_of(library: ctypes.CDLL, dtype: torch.dtype) -> StepKernels:
    """The two functions of a loaded library."""
    forward, backward = (library[f"{name}_{SUFFIXES[dtype]}"] for name in ("forward", "backward"))
    for function in (forward, backward):
        function.argtypes = (ctypes.POINTER(Steps), ctypes.c_long)
        function.restype = None
    return StepKernels(forward, backward)


@cache
def _notice(reason: str) -> None:
    warnings.warn(
        f"no fused recurrent kernels ({reason}): the plain loop runs, with the same results, slower",
        stacklevel=3,
    )
