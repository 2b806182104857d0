"""Every op: forward equals torch, `torch.autograd.gradcheck` accepts backward, and ops are pure."""

from importlib import import_module
from types import ModuleType
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from mlmodels.custom_transformer.ops import (
    attention,
    cross_entropy,
    dropout,
    embedding,
    layer_norm,
    linear,
    softmax,
)
from mlmodels.gradient_checks.draws import Draws
from mlmodels.gradient_checks.op_cases import OpCase
from mlmodels.gradient_checks.op_checks import discover_ops, hand_gradients
from torch import Tensor

OPS = sorted(discover_ops())


def op_named(name: str) -> ModuleType:
    return import_module(f"mlmodels.custom_transformer.ops.{name}")


def cases_of(name: str, count: int) -> list[OpCase]:
    return [discover_ops()[name](Draws(7, name, index)) for index in range(count)]


def test_there_are_the_eleven_operations_of_the_transformer() -> None:
    assert OPS == [
        "attention",
        "cross_entropy",
        "dropout",
        "embedding",
        "gelu",
        "layer_norm",
        "linear",
        "position_embedding",
        "relu",
        "residual",
        "softmax",
    ]


@pytest.mark.parametrize("name", OPS)
def test_an_op_file_holds_cache_forward_and_backward_in_this_order(name: str) -> None:
    module = op_named(name)
    own = [key for key, value in vars(module).items() if getattr(value, "__module__", "") == module.__name__]
    assert [key for key in own if not key.startswith("__")] == ["Cache", "forward", "backward"]


@pytest.mark.parametrize("name", OPS)
def test_forward_equals_torch_in_float64(name: str) -> None:
    for case in cases_of(name, 100):
        y, _ = case.call(op_named(name).forward, case.inputs)
        torch.testing.assert_close(y, case.call(case.oracle, case.inputs), rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("name", OPS)
def test_forward_equals_torch_in_float32(name: str) -> None:
    for case in cases_of(name, 100):
        inputs = {key: tensor.float() for key, tensor in case.inputs.items()}
        y, _ = case.call(op_named(name).forward, inputs)
        assert y.dtype == torch.float32
        torch.testing.assert_close(y, case.call(case.oracle, inputs), rtol=1e-5, atol=1e-5)


def as_autograd_function(op: ModuleType, case: OpCase) -> Any:
    """The op as a torch.autograd.Function, so that torch's own gradcheck can judge it."""
    names = list(case.inputs)

    class Judged(torch.autograd.Function):
        @staticmethod
        def forward(ctx: Any, *tensors: Tensor) -> Tensor:
            ctx.inputs = {name: tensor.detach() for name, tensor in zip(names, tensors, strict=True)}
            return case.call(op.forward, ctx.inputs)[0].clone()

        @staticmethod
        def backward(ctx: Any, dy: Tensor) -> tuple[Tensor, ...]:
            gradients = hand_gradients(op, case, ctx.inputs, dy)
            return tuple(gradients[name] for name in names)

    return Judged.apply


@pytest.mark.parametrize("name", OPS)
def test_gradcheck_accepts_the_gradient_of_every_input(name: str) -> None:
    for case in cases_of(name, 8):
        leaves = tuple(tensor.clone().requires_grad_() for tensor in case.inputs.values())
        assert torch.autograd.gradcheck(as_autograd_function(op_named(name), case), leaves)


@pytest.mark.parametrize("name", OPS)
def test_an_op_changes_none_of_its_arguments_and_repeats_itself(name: str) -> None:
    for case in cases_of(name, 20):
        before = {key: tensor.clone() for key, tensor in case.inputs.items()}
        y, cache = case.call(op_named(name).forward, case.inputs)
        dy = torch.ones_like(y)
        first, second = op_named(name).backward(dy, cache), op_named(name).backward(dy, cache)
        as_tuple = (lambda g: g) if isinstance(first, tuple) else (lambda g: (g,))
        for one, two in zip(as_tuple(first), as_tuple(second), strict=True):
            assert (one is None and two is None) or torch.equal(one, two)
        assert torch.equal(dy, torch.ones_like(y))
        assert all(torch.equal(before[key], case.inputs[key]) for key in before)


@pytest.mark.parametrize("name", OPS)
def test_bfloat16_in_gives_bfloat16_out_and_gradients_in_a_float_dtype(name: str) -> None:
    case = cases_of(name, 1)[0]
    inputs = {key: tensor.bfloat16() for key, tensor in case.inputs.items()}
    y, cache = case.call(op_named(name).forward, inputs)
    assert y.dtype == (torch.float32 if name == "cross_entropy" else torch.bfloat16)
    gradients = op_named(name).backward(torch.ones_like(y), cache)
    for gradient in gradients if isinstance(gradients, tuple) else (gradients,):
        assert gradient is None or gradient.dtype in (torch.bfloat16, torch.float32)


def test_linear_with_float32_masters_multiplies_in_bfloat16_and_returns_float32_gradients() -> None:
    x, weight, bias = torch.randn(5, 3), torch.randn(4, 3), torch.randn(4)
    y, cache = linear.forward(x, weight, bias, torch.bfloat16)
    expected = F.linear(x.bfloat16(), weight.bfloat16(), bias.bfloat16())
    assert y.dtype == torch.bfloat16
    torch.testing.assert_close(y, expected)
    dx, dweight, dbias = linear.backward(torch.randn(5, 4), cache)
    assert dx.dtype == dweight.dtype == torch.float32
    assert dbias is not None
    assert dbias.dtype == torch.float32


def test_layer_norm_without_weights_differentiates_too() -> None:
    x = torch.randn(3, 5, dtype=torch.float64, requires_grad=True)
    dy = torch.randn(3, 5, dtype=torch.float64)
    _, cache = layer_norm.forward(x.detach())
    dx, dweight, dbias = layer_norm.backward(dy, cache)
    (expected,) = torch.autograd.grad(F.layer_norm(x, (5,)), x, dy)
    assert dweight is None
    assert dbias is None
    torch.testing.assert_close(dx, expected, rtol=1e-12, atol=1e-12)


def test_a_token_that_occurs_three_times_gets_three_gradients() -> None:
    _, cache = embedding.forward(torch.tensor([[2, 2, 0, 2]]), torch.zeros(4, 1))
    dweight = embedding.backward(torch.tensor([[[1.0], [10.0], [100.0], [1000.0]]]), cache)
    assert dweight.flatten().tolist() == [100.0, 0.0, 1011.0, 0.0]


def test_softmax_gives_exactly_zero_to_minus_infinity() -> None:
    y, cache = softmax.forward(torch.tensor([[0.0, -torch.inf, 0.0]]))
    assert y.tolist() == [[0.5, 0.0, 0.5]]
    assert softmax.backward(torch.tensor([[1.0, 5.0, 2.0]]), cache)[0, 1] == 0.0


def test_softmax_survives_logits_that_overflow_exp() -> None:
    y, _ = softmax.forward(torch.tensor([[1000.0, 1000.0]]))
    assert y.tolist() == [[0.5, 0.5]]


def test_cross_entropy_of_no_counted_target_is_zero_with_zero_gradient() -> None:
    loss, cache = cross_entropy.forward(torch.randn(3, 4), torch.full((3,), -100))
    assert float(loss) == 0.0
    assert not cross_entropy.backward(torch.ones(()), cache).any()


def test_cross_entropy_of_bfloat16_logits_is_computed_in_float32() -> None:
    logits, targets = (torch.randn(50, 20) * 4).bfloat16(), torch.randint(20, (50,))
    loss, _ = cross_entropy.forward(logits, targets)
    assert loss.dtype == torch.float32
    torch.testing.assert_close(loss, F.cross_entropy(logits.float(), targets), rtol=1e-6, atol=1e-6)


def test_dropout_keeps_the_mean_and_drops_the_stated_share() -> None:
    y, cache = dropout.forward(torch.ones(200_000), 0.3, torch.Generator().manual_seed(1))
    # standard errors: share 0.001, mean 0.0015
    assert abs(float((y == 0).float().mean()) - 0.3) < 0.006
    assert abs(float(y.mean()) - 1.0) < 0.008
    assert torch.equal(dropout.backward(torch.ones(200_000), cache), y)


def test_dropout_is_a_function_of_its_generator_and_leaves_the_global_one_alone() -> None:
    state = torch.get_rng_state()
    first, _ = dropout.forward(torch.ones(100), 0.5, torch.Generator().manual_seed(3))
    second, _ = dropout.forward(torch.ones(100), 0.5, torch.Generator().manual_seed(3))
    other, _ = dropout.forward(torch.ones(100), 0.5, torch.Generator().manual_seed(4))
    assert torch.equal(first, second)
    assert not torch.equal(first, other)
    assert torch.equal(torch.get_rng_state(), state)


def test_no_gradient_reaches_a_key_or_value_of_the_future() -> None:
    q, k, v = (torch.randn(1, 6, 4, dtype=torch.float64) for _ in range(3))
    _, cache = attention.forward(q, k, v, num_heads=2)
    dy = torch.zeros(1, 6, 4, dtype=torch.float64)
    dy[:, 2] = 1.0
    dq, dk, dv = attention.backward(dy, cache)
    assert not dk[:, 3:].any()
    assert not dv[:, 3:].any()
    assert dk[:, :3].any()
    assert dq[:, 2].any()
