"""The fast path equals the plain cells in outputs and every gradient, with and without normalisation."""

import copy
import pickle
from collections.abc import Callable

import pytest
import torch
from mlmodels.recurrent import LSTM, fast_path, plain
from mlmodels.recurrent.buffer_pool import BufferPool
from mlmodels.recurrent.config import CellName
from mlmodels.recurrent.step_kernels import load_step_kernels
from torch import Tensor

from .conftest import BATCH, HIDDEN, INPUTS

CELLS: list[CellName] = ["lstm", "gru", "rnn"]

pytestmark = pytest.mark.usefixtures("compiled")


@pytest.mark.parametrize("cell", CELLS)
@pytest.mark.parametrize("layer_norm", [True, False])
@pytest.mark.parametrize(("num_layers", "bidirectional"), [(1, False), (2, True)])
@pytest.mark.parametrize("num_steps", [1, 7])
def test_outputs_states_and_gradients_are_those_of_the_plain_cell(
    make_stack: Callable,
    differentiate: Callable,
    worst_difference: Callable,
    cell: str,
    layer_norm: bool,
    num_layers: int,
    bidirectional: bool,
    num_steps: int,
) -> None:
    stack = make_stack(cell, num_layers=num_layers, bidirectional=bidirectional, layer_norm=layer_norm)
    found = {}
    for name, dtype in (("fast", torch.float64), ("fast", torch.float32), ("reference", torch.float32)):
        twin = copy.deepcopy(stack).to(dtype)
        twin.kernels = name
        found[name, dtype] = {
            key: value.double() for key, value in differentiate(twin, num_steps=num_steps).items()
        }
    stack.kernels = "reference"
    exact = differentiate(stack, num_steps=num_steps)
    assert worst_difference(found["fast", torch.float64], exact) < 1e-12
    autograds_error = worst_difference(found["reference", torch.float32], exact)
    assert worst_difference(found["fast", torch.float32], exact) < max(1e-6, 2 * autograds_error)


@pytest.mark.parametrize("cell", CELLS)
@pytest.mark.parametrize("layer_norm", [True, False])
@pytest.mark.parametrize("bidirectional", [True, False])
def test_gradients_are_those_of_finite_differences(
    make_stack: Callable, cell: str, layer_norm: bool, bidirectional: bool
) -> None:
    stack = make_stack(cell, layer_norm=layer_norm, bidirectional=bidirectional, kernels="fast")
    names, parameters = zip(*stack.named_parameters(), strict=True)
    num_states, directions = stack.cell.num_states, stack.num_directions
    state = [
        torch.randn(directions, 2, HIDDEN, dtype=torch.float64).requires_grad_() for _ in range(num_states)
    ]

    def function(x: Tensor, *tensors: Tensor) -> tuple[Tensor, ...]:
        given = tensors[:num_states]
        values = dict(zip(names, tensors[num_states:], strict=True))
        arguments = (x, given if num_states == 2 else given[0])
        y, final = torch.func.functional_call(stack, values, arguments)
        return y, *(final if isinstance(final, tuple) else (final,))

    x = torch.randn(3, 2, INPUTS, dtype=torch.float64).requires_grad_()
    assert torch.autograd.gradcheck(function, (x, *state, *parameters), fast_mode=True)


@pytest.mark.parametrize("layer_norm", [True, False])
def test_a_graph_can_be_gone_through_twice(make_stack: Callable, layer_norm: bool) -> None:
    stack = make_stack("lstm", layer_norm=layer_norm, kernels="fast")
    loss = stack(torch.randn(4, BATCH, INPUTS).double())[0].square().sum()
    first = torch.autograd.grad(loss, list(stack.parameters()), retain_graph=True)
    second = torch.autograd.grad(loss, list(stack.parameters()))
    assert all(torch.equal(a, b) for a, b in zip(first, second, strict=True))


def test_a_gradient_that_only_the_final_state_needs_is_right(make_stack: Callable) -> None:
    stack, x = make_stack("lstm", layer_norm=True), torch.randn(4, BATCH, INPUTS).double()
    gradients = {}
    for stack.kernels in ("fast", "reference"):
        gradients[stack.kernels] = torch.autograd.grad(stack(x)[1][1].sum(), stack.weight_ih_l0)[0]
    torch.testing.assert_close(gradients["fast"], gradients["reference"], rtol=0, atol=1e-12)


def test_a_second_derivative_is_refused(make_stack: Callable) -> None:
    stack = make_stack("rnn", kernels="fast")
    loss = stack(torch.randn(4, BATCH, INPUTS).double())[0].square().sum()
    (gradient,) = torch.autograd.grad(loss, stack.weight_hh_l0, create_graph=True)
    with pytest.raises(RuntimeError, match="once_differentiable"):
        gradient.sum().backward()


def test_outputs_changed_before_backward_are_noticed(make_stack: Callable) -> None:
    stack = make_stack("rnn", kernels="fast")
    y = stack(torch.randn(4, BATCH, INPUTS).double())[0]
    loss = y.square().sum()
    with torch.no_grad():
        y.zero_()
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        loss.backward()


@pytest.mark.parametrize("layer_norm", [True, False])
@pytest.mark.parametrize("mode", [torch.no_grad, torch.inference_mode])
def test_without_gradients_the_outputs_are_the_same(
    make_stack: Callable, layer_norm: bool, mode: Callable
) -> None:
    stack = make_stack("gru", layer_norm=layer_norm, num_layers=2, kernels="fast")
    x = torch.randn(4, BATCH, INPUTS).double()
    expected = stack(x)[0].detach()
    with mode():
        assert torch.equal(stack(x)[0], expected)
    stack(x)[0].sum().backward()  # memory that inference has used is fit for training


def test_two_passes_before_their_backwards_do_not_share_memory(make_stack: Callable) -> None:
    stack = stack_with_large_buffers()
    a, b = (torch.randn(25, 32, 64) for _ in range(2))

    def gradient(*inputs: Tensor) -> Tensor:
        outputs = [stack(x)[0] for x in inputs]
        return torch.autograd.grad(sum(y.square().sum() for y in outputs), stack.weight_hh_l0)[0]

    alone = [gradient(a), gradient(b), gradient(a)]
    assert torch.equal(alone[0], alone[2])
    torch.testing.assert_close(gradient(a, b), alone[0] + alone[1], rtol=1e-5, atol=1e-4)


def stack_with_large_buffers() -> LSTM:
    """Its gates fill more than the megabyte from which memory is kept."""
    return LSTM(64, 96, layer_norm=True, kernels="fast")


def test_memory_is_used_again_and_copies_of_a_model_have_their_own() -> None:
    pool = BufferPool()
    first = pool.take((1000, 500), torch.float32)
    address = first.data_ptr()
    assert pool.take((1000, 500), torch.float32).data_ptr() != address
    pool.give_back(first)
    assert pool.take((999, 500), torch.float32).data_ptr() == address
    pool.give_back(first)
    for other in (copy.deepcopy(pool), pickle.loads(pickle.dumps(pool))):
        assert other.take((1000, 500), torch.float32).data_ptr() != address


def test_models_can_be_copied_and_pickled_after_training() -> None:
    stack, x = stack_with_large_buffers(), torch.randn(25, 32, 64)
    stack(x)[0].sum().backward()
    expected = stack(x)[0]
    for other in (copy.deepcopy(stack), pickle.loads(pickle.dumps(stack))):
        assert torch.equal(other(x)[0], expected)


@pytest.mark.parametrize("cell", CELLS)
@pytest.mark.parametrize("layer_norm", [True, False])
def test_two_threads_give_what_one_gives(
    make_stack: Callable, monkeypatch: pytest.MonkeyPatch, cell: str, layer_norm: bool
) -> None:
    monkeypatch.setattr("mlmodels.recurrent.layer_buffers._UNITS_A_THREAD", 1)
    stack, x = make_stack(cell, layer_norm=layer_norm, kernels="fast"), torch.randn(4, 7, INPUTS).double()
    before, results = torch.get_num_threads(), []
    try:
        for num_threads in (1, 2):
            torch.set_num_threads(num_threads)
            y, _ = stack(x)
            results.append([y, *torch.autograd.grad(y.square().sum(), list(stack.parameters()))])
    finally:
        torch.set_num_threads(before)
    torch.testing.assert_close(results[1], results[0], rtol=0, atol=1e-12)


@pytest.mark.parametrize("cell", CELLS)
@pytest.mark.parametrize("layer_norm", [True, False])
def test_bfloat16_is_within_twice_the_error_of_autograds_bfloat16(
    make_stack: Callable, differentiate: Callable, cell: str, layer_norm: bool
) -> None:
    exact = make_stack(cell, torch.float64, num_layers=2, layer_norm=layer_norm).bfloat16().double()
    errors = {}
    for kernels in ("fast", "reference"):
        stack = copy.deepcopy(exact).bfloat16()
        stack.kernels = kernels
        found = differentiate(stack)
        exact.kernels = "reference"
        expected = differentiate(exact)
        errors[kernels] = {
            name: float((found[name].double() - expected[name]).norm() / expected[name].norm())
            for name in found
        }
    for name, error in errors["fast"].items():
        assert error < 2 * max(errors["reference"][name], 2**-9), name


def test_autocast_computes_in_bfloat16_and_differentiates_float32_weights(make_stack: Callable) -> None:
    stack = make_stack("lstm", torch.float32, layer_norm=True, kernels="fast")
    x = torch.randn(5, BATCH, INPUTS)
    y, (h, _) = stack(x)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        y_half, (h_half, _) = stack(x)
    y_half.float().sum().backward()
    assert y_half.dtype == torch.bfloat16
    assert h_half.dtype == torch.float32  # as the state that was given
    assert stack.weight_ih_l0.grad.dtype == torch.float32
    torch.testing.assert_close(y_half.float(), y, rtol=0, atol=0.03)
    torch.testing.assert_close(h_half, h, rtol=0, atol=0.03)


def test_the_kernels_choose_as_the_config_says(make_stack: Callable) -> None:
    x, on_gpu = torch.zeros(1), torch.zeros(1, device="meta")
    assert make_stack("lstm").path(x) == make_stack("lstm", layer_norm=True).path(x) == "fast"
    assert make_stack("lstm", kernels="reference").path(x) == "plain"
    assert make_stack("lstm").path(on_gpu) == "torch"
    assert make_stack("lstm", layer_norm=True).path(on_gpu) == "plain"
    assert make_stack("lstm", kernels="fast").path(on_gpu) == "plain"
    assert make_stack("lstm", layer_norm=True).path(x.half()) == "plain"
    with pytest.raises(ValueError, match="kernels 'quick' is none of reference, fast, auto"):
        make_stack("lstm", kernels="quick").path(x)


def test_both_paths_are_called_alike() -> None:
    assert load_step_kernels("lstm", torch.float32) is not None
    fast, reference = (function.run_layer.__annotations__ for function in (fast_path, plain))
    assert {name: fast[name] for name in reference} == reference
