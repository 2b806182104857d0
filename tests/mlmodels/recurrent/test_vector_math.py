"""exp, sigmoid and tanh of the kernels against float64, over the whole range, and the rounding to bfloat16."""

import ctypes
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from mlmodels.native import NativeUnavailableError, load_library
from mlmodels.recurrent.step_kernels import SOURCES
from torch import Tensor

PROGRAM = """
#include "storage.h"
#define LOOP(name, expression) \\
  extern "C" void name(const float* x, float* y, long n) { \\
    _Pragma("omp simd") for (long j = 0; j < n; j++) y[j] = expression; \\
  }
LOOP(exponential, vector_exp(x[j]))
LOOP(sigmoid, vector_sigmoid(x[j]))
LOOP(tangent, vector_tanh(x[j]))
INLINE float through_bf16(float x) { Bf16 stored; narrow(x, &stored); return widen(stored); }
LOOP(rounded, through_bf16(x[j]))
"""


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> ctypes.CDLL:
    folder = tmp_path_factory.mktemp("vector_math")
    for name in ("storage.h", "vector_math.h"):
        shutil.copy(SOURCES / name, folder)
    source = Path(folder / "functions.cpp")
    source.write_text(PROGRAM)
    try:
        return load_library(source)
    except NativeUnavailableError as error:
        pytest.skip(str(error))


@pytest.fixture
def evaluate(library: ctypes.CDLL) -> Callable[[str, Tensor], Tensor]:
    def call(name: str, x: Tensor) -> Tensor:
        y = torch.empty_like(x)
        pointer = ctypes.c_void_p
        library[name](pointer(x.data_ptr()), pointer(y.data_ptr()), ctypes.c_long(x.numel()))
        return y

    return call


def ulps(actual: Tensor, exact: Tensor) -> float:
    """The largest error in units in the last place of float32."""
    size = torch.finfo(torch.float32).eps * 2.0 ** exact.abs().log2().floor()
    return float(((actual.double() - exact).abs() / size).max())


@pytest.mark.parametrize(
    ("name", "function", "low", "high", "most_ulps"),
    [
        ("exponential", torch.exp, -87.0, 88.3, 2.0),
        ("sigmoid", torch.sigmoid, -87.0, 100.0, 4.0),
        ("tangent", torch.tanh, -20.0, 20.0, 4.0),
        ("tangent", torch.tanh, -1e-3, 1e-3, 2.0),
    ],
)
def test_errors_are_what_the_header_says(
    evaluate: Callable, name: str, function: Callable, low: float, high: float, most_ulps: float
) -> None:
    x = torch.cat([torch.linspace(low, high, 400_001), torch.linspace(low, high, 9973) / 10])
    assert ulps(evaluate(name, x), function(x.double())) < most_ulps


def test_limits_are_exact_and_nan_stays_nan(evaluate: Callable) -> None:
    infinity, nan = float("inf"), float("nan")
    x = torch.tensor([-infinity, -1e30, -0.0, 0.0, 1e30, infinity, nan, 1.0])
    assert evaluate("tangent", x)[:6].tolist() == [-1.0, -1.0, 0.0, 0.0, 1.0, 1.0]
    sigmoid = evaluate("sigmoid", x)
    assert sigmoid[2:6].tolist() == [0.5, 0.5, 1.0, 1.0]
    assert sigmoid[:2].abs().max() < 1e-37
    for name in ("exponential", "sigmoid", "tangent"):
        assert evaluate(name, x).isnan().tolist() == [False] * 6 + [True, False]


def test_bfloat16_is_rounded_as_torch_rounds(evaluate: Callable) -> None:
    ties = torch.tensor([1.0 + 2.0**-8, 1.0 + 3 * 2.0**-8, float("inf"), float("nan"), -0.0, 3.4e38])
    x = torch.cat([ties, torch.randn(10_000) * 10.0 ** torch.randint(-30, 30, (10_000,))])
    assert torch.equal(evaluate("rounded", x).nan_to_num(7.0), x.bfloat16().float().nan_to_num(7.0))
