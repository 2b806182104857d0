"""Check the backward of every op that is found in `custom_transformer/ops/`."""

import inspect
import pkgutil
import typing
from collections.abc import Callable, Sequence
from importlib import import_module
from types import ModuleType

import torch
from torch import Tensor

from mlmodels.custom_transformer import ops
from mlmodels.custom_transformer.precision import dtype_from_name
from mlmodels.gradient_checks import op_cases
from mlmodels.gradient_checks.draws import Draws
from mlmodels.gradient_checks.op_cases import OpCase
from mlmodels.gradient_checks.relative_error import difference_error, relative_error
from mlmodels.gradient_checks.report import GradientRow
from mlmodels.gradient_checks.tally import Tallies

DTYPES = ("float64", "float32", "bfloat16")


class UncoveredGradientError(Exception):
    """A gradient that no check looks at: the report would claim more than it shows."""

    exit_code = 1


def discover_ops() -> dict[str, Callable[[Draws], OpCase]]:
    """Every module in ops/ with its maker of cases; UncoveredGradientError names an op that has none."""
    names = sorted(module.name for module in pkgutil.iter_modules(ops.__path__))
    makers = {name: getattr(op_cases, f"{name}_case", None) for name in names}
    missing = [name for name, maker in makers.items() if maker is None]
    if missing:
        raise UncoveredGradientError(
            f"no gradient check for ops/{missing[0]}.py: write {missing[0]}_case in op_cases.py"
        )
    return {name: maker for name, maker in makers.items() if maker is not None}


def check_op(
    name: str,
    *,
    num_cases: int = 1000,
    dtypes: Sequence[str] = DTYPES,
    seed: int = 0,
    num_difference_cases: int | None = None,
) -> list[GradientRow]:
    """Compare the backward of ops/`name`.py with autograd in each dtype, and with central differences in
    float64.

    Central differences are taken in all cases, unless `num_difference_cases` says fewer. Raises
    UncoveredGradientError where a tensor input was in no case.
    """
    op, make_case = import_module(f"{ops.__name__}.{name}"), discover_ops()[name]
    num_difference_cases = num_cases if num_difference_cases is None else num_difference_cases
    tallies, integer_inputs = Tallies(), set()
    for index in range(num_cases):
        draws = Draws(seed, name, index)
        case = make_case(draws)
        integer_inputs |= {key for key, value in case.fixed.items() if isinstance(value, Tensor)}
        dy = draws.normal(*case.call(case.oracle, case.inputs).shape)
        for dtype in dtypes:
            _compare_with_autograd(op, case, dy, dtype, tallies)
        if "float64" in dtypes and index < num_difference_cases:
            _compare_with_differences(op, case, dy, draws, tallies)
    covered = {tensor for tensor, _ in tallies.by_key} | integer_inputs
    uncovered = [tensor for tensor in tensor_inputs(op) if tensor not in covered]
    if uncovered and num_cases:
        raise UncoveredGradientError(f"no case of ops/{name}.py has the input {uncovered[0]}")
    return tallies.rows("op", name)


def tensor_inputs(op: ModuleType) -> list[str]:
    """Names of `forward`'s parameters that are tensors, or tensors or None."""
    hints = typing.get_type_hints(op.forward)
    parameters = inspect.signature(op.forward).parameters
    return [name for name in parameters if hints[name] in (Tensor, Tensor | None)]


def hand_gradients(op: ModuleType, case: OpCase, inputs: dict[str, Tensor], dy: Tensor) -> dict[str, Tensor]:
    """What the op's own backward returns, by input; with autograd off."""
    with torch.no_grad():
        _, cache = case.call(op.forward, inputs)
        gradients = op.backward(dy, cache)
    returned = list(gradients) if isinstance(gradients, tuple) else [gradients]
    order = [name for name in tensor_inputs(op) if name not in case.fixed]
    assert len(returned) == len(order), f"{op.__name__}: {len(returned)} gradients for the inputs {order}"
    by_name = {name: gradient for name, gradient in zip(order, returned, strict=True) if gradient is not None}
    if by_name.keys() != inputs.keys():
        raise UncoveredGradientError(
            f"{op.__name__} returned gradients of {list(by_name)} for inputs {list(inputs)}"
        )
    return by_name


def autograd_gradients(case: OpCase, inputs: dict[str, Tensor], dy: Tensor) -> dict[str, Tensor]:
    """What autograd says of the oracle, by input."""
    with torch.enable_grad():
        leaves = {name: tensor.detach().clone().requires_grad_() for name, tensor in inputs.items()}
        y = case.call(case.oracle, leaves)
        gradients = torch.autograd.grad(y, list(leaves.values()), dy.to(y.dtype))
    return dict(zip(leaves, gradients, strict=True))


def _compare_with_autograd(op: ModuleType, case: OpCase, dy: Tensor, dtype: str, tallies: Tallies) -> None:
    torch_dtype = dtype_from_name(dtype)
    inputs = {name: tensor.to(torch_dtype) for name, tensor in case.inputs.items()}
    dy_rounded = dy.to(torch_dtype)
    incoming = float(dy_rounded.abs().max())
    exact = {name: tensor.double() for name, tensor in inputs.items()}
    reference = autograd_gradients(case, exact, dy_rounded.double())
    by_hand = hand_gradients(op, case, inputs, dy_rounded)
    by_autograd = reference if dtype == "float64" else autograd_gradients(case, inputs, dy_rounded)
    for name in inputs:
        error = relative_error(by_hand[name], reference[name], incoming)
        autograd_error = relative_error(by_autograd[name], reference[name], incoming)
        tallies.of(name, dtype).add(error, autograd_error, str(case))


def _compare_with_differences(
    op: ModuleType, case: OpCase, dy: Tensor, draws: Draws, tallies: Tallies
) -> None:
    inputs = {name: tensor.clone() for name, tensor in case.inputs.items()}
    by_hand = hand_gradients(op, case, inputs, dy)

    def loss() -> float:
        return float((case.call(op.forward, inputs)[0] * dy).sum())

    for name, tensor in inputs.items():
        error = difference_error(loss, tensor, by_hand[name], draws.signs(tensor), float(dy.abs().max()))
        tallies.of(name, "float64").add_difference(error)
