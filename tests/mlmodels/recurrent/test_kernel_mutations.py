"""Gradient bugs are planted in the hand-written backward, Python and C++, and the gradient checks must catch each.

A mutation replaces one stretch of source that must occur exactly once. Mutated C++ is compiled in a folder of its own,
for float64 alone.
"""

import inspect
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path

import pytest
import torch
from mlmodels.native import load_library
from mlmodels.recurrent import fast_path
from mlmodels.recurrent.layer_buffers import LayerBuffers
from mlmodels.recurrent.step_kernels import SOURCES, kernels_of
from planted_bugs import Mutation

pytestmark = pytest.mark.usefixtures("compiled")


@dataclass(frozen=True)
class CellMutation(Mutation):
    """A bug with the cell that shows it."""

    cell: str = "lstm"
    layer_norm: bool = True


CPP_MUTATIONS = [
    CellMutation(
        "tanh of the memory has no slope", "lstm.cpp", "dh * o[j] * (1 - squashed * squashed)", "dh * o[j]"
    ),
    CellMutation("the memory's later gradient is dropped", "lstm.cpp", "row.dc[j] + dh", "dh"),
    CellMutation(
        "the old memory is taken for the new",
        "lstm.cpp",
        "dc * row.c_before[j], dg",
        "dc * row.c_after[j], dg",
    ),
    CellMutation("the forget gate is forgotten", "lstm.cpp", "row.dc[j] = dc * f[j];", "row.dc[j] = dc;"),
    CellMutation(
        "the outputs' gradient is dropped",
        "lstm.cpp",
        "widen(row.dy[j]) + widen(row.dh[j])",
        "widen(row.dh[j])",
    ),
    CellMutation("the direct way is dropped", "gru.cpp", "narrow(dh * z[j], row.dh + j);", "", cell="gru"),
    CellMutation(
        "the reset gate is missing", "gru.cpp", "h_n[j] = n[j] * r[j];", "h_n[j] = n[j];", cell="gru"
    ),
    CellMutation(
        "the update gate sees the new state",
        "gru.cpp",
        "(widen(row.h_before[j]) - n[j]), dn",
        "(-n[j]), dn",
        cell="gru",
    ),
    CellMutation(
        "the slope is that of the sigmoid",
        "rnn.cpp",
        "(1 - a.x[j] * a.x[j])",
        "a.x[j] * (1 - a.x[j])",
        cell="rnn",
    ),
    CellMutation("the mean's term is dropped", "layer_norm.h", " - through_mean - ", " - ", cell="rnn"),
    CellMutation(
        "the variance's term is dropped", "layer_norm.h", " - normed * through_variance)", ")", cell="rnn"
    ),
    CellMutation(
        "the scale's gradient takes what is scaled",
        "layer_norm.h",
        "dscale[j] += dy[j] * normed",
        "dscale[j] += dnormed * normed",
        cell="rnn",
    ),
    CellMutation(
        "the moments are exchanged",
        "steps.h",
        "row.h_part, {m[2], m[3]}, static_cast<const Real*>(s.scale_h), dh_part",
        "row.h_part, {m[0], m[1]}, static_cast<const Real*>(s.scale_h), dh_part",
        cell="rnn",
    ),
    CellMutation(
        "the second bias gets nothing", "steps.h", "std::copy(sums, sums + G, sums + G);", ";", cell="rnn"
    ),
]

PYTHON_MUTATIONS = [
    CellMutation(
        "time runs forwards", "layer_buffers", "for t in reversed(self.order()):", "for t in self.order():"
    ),
    CellMutation(
        "the final state's gradient is dropped",
        "fast_path",
        "torch.zeros_like(t) if d is None else d.clone(memory_format=torch.contiguous_format)",
        "torch.zeros_like(t)",
    ),
    CellMutation(
        "the state after is taken for the one before",
        "fast_path",
        "before_TBH.flatten(0, 1), t",
        "buffers.outputs().flatten(0, 1), t",
    ),
    CellMutation(
        "the biases' gradients are exchanged",
        "fast_path",
        "dvectors[0], dvectors[1], *dscales",
        "dvectors[1], dvectors[0], *dscales",
        cell="gru",
    ),
    CellMutation(
        "the scales' gradients are exchanged",
        "fast_path",
        "(dvectors[2], dvectors[3])",
        "(dvectors[3], dvectors[2])",
    ),
    CellMutation(
        "x gets the gradient of h's product",
        "fast_path",
        "multiply(dx_NG, o.weight_ih_GI, dx_TBI",
        "multiply(dh_NG, o.weight_ih_GI, dx_TBI",
    ),
    CellMutation(
        "the direct way is overwritten",
        "layer_buffers",
        "add_product if self.direction.cell.splits else multiply",
        "multiply",
        cell="gru",
        layer_norm=False,
    ),
    CellMutation(
        "the sums of only one thread count", "layer_buffers", "dvectors.sum(dim=0)", "dvectors[1:].sum(dim=0)"
    ),
]


def use_kernels_of(mutation: CellMutation, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Compile the mutated source and put its float64 kernels in the place of the real ones."""
    shutil.copytree(SOURCES, folder)
    changed, main = folder / mutation.source, folder / f"{mutation.cell}.cpp"
    changed.write_text(mutation.applied_to(changed.read_text()))
    lines = main.read_text().splitlines()
    main.write_text("\n".join(line for line in lines if not line.startswith("EXPORT_TYPE") or "f64" in line))
    monkeypatch.setenv("MLMODELS_CACHE", str(folder / "cache"))
    kernels = kernels_of(load_library(main), torch.float64)
    monkeypatch.setattr(fast_path, "load_step_kernels", lambda *_: kernels)


@pytest.fixture
def is_right(make_stack: Callable, differentiate: Callable, worst_difference: Callable) -> Callable:
    """Whether the fast path's outputs and gradients are those of the plain cell, in float64."""

    def check(mutation: CellMutation) -> bool:
        stack = make_stack(mutation.cell, layer_norm=mutation.layer_norm, kernels="fast")
        found = differentiate(stack)
        stack.kernels = "reference"
        return worst_difference(found, differentiate(stack)) < 1e-10

    return check


@pytest.mark.parametrize("mutation", CPP_MUTATIONS, ids=str)
def test_a_bug_in_a_kernel_is_caught(
    mutation: CellMutation, is_right: Callable, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    use_kernels_of(mutation, tmp_path / "kernels", monkeypatch)
    assert not is_right(mutation), f"nothing noticed that {mutation.bug}"


@pytest.mark.parametrize("mutation", PYTHON_MUTATIONS, ids=str)
def test_a_bug_in_backpropagation_through_time_is_caught(
    mutation: CellMutation, is_right: Callable, monkeypatch: pytest.MonkeyPatch
) -> None:
    module = import_module(f"mlmodels.recurrent.{mutation.source}")
    namespace: dict[str, object] = {"__name__": module.__name__, "__file__": module.__file__}
    exec(compile(mutation.applied_to(inspect.getsource(module)), str(module.__file__), "exec"), namespace)
    if mutation.source == "fast_path":
        monkeypatch.setattr(fast_path, "_gradients", namespace["_gradients"])
    else:
        monkeypatch.setattr(LayerBuffers, "backward", namespace["LayerBuffers"].backward)  # type: ignore[attr-defined]
    assert not is_right(mutation), f"nothing noticed that {mutation.bug}"


def test_the_unchanged_sources_pass_the_same_check(
    is_right: Callable, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    harmless = CellMutation("a comment", "layer_norm.h", "dscale is added to.", "dscale is added to, always.")
    use_kernels_of(harmless, tmp_path / "kernels", monkeypatch)
    assert is_right(harmless)
    for mutation in PYTHON_MUTATIONS:
        monkeypatch.undo()
        assert is_right(mutation)
