"""Without a compiler everything works, and one line says what is slower."""

import warnings
from collections.abc import Callable, Iterator

import pytest
import torch
from mlmodels.native import NativeUnavailableError
from mlmodels.recurrent import step_kernels

from .conftest import BATCH, INPUTS


@pytest.fixture
def without_compiler(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    def refuse(source: object) -> None:
        raise NativeUnavailableError("no C++ compiler (g++ or clang++) is installed")

    monkeypatch.setattr(step_kernels, "load_library", refuse)
    caches = (step_kernels.load_step_kernels, step_kernels._notice)
    for function in caches:
        function.cache_clear()
    yield
    for function in caches:
        function.cache_clear()


@pytest.mark.usefixtures("without_compiler")
@pytest.mark.parametrize("kernels", ["fast", "auto"])
def test_without_a_compiler_the_plain_path_runs_after_one_line(make_stack: Callable, kernels: str) -> None:
    x = torch.randn(4, BATCH, INPUTS).double()
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        for cell in ("lstm", "gru", "rnn"):
            stack = make_stack(cell, layer_norm=True, kernels=kernels)
            found = stack(x)[0]
            stack.kernels = "reference"
            assert torch.equal(found, stack(x)[0])
    lines = [str(warning.message) for warning in caught]
    assert len(lines) == 1
    assert "no C++ compiler" in lines[0]
    assert "\n" not in lines[0]


@pytest.mark.usefixtures("without_compiler")
def test_without_a_compiler_auto_takes_torchs_operation_where_there_is_one(make_stack: Callable) -> None:
    with pytest.warns(UserWarning, match="no fused recurrent kernels"):
        assert make_stack("gru").path(torch.zeros(1)) == "torch"
    assert make_stack("gru", layer_norm=True).path(torch.zeros(1)) == "plain"
    assert make_stack("gru", kernels="reference").path(torch.zeros(1)) == "plain"
