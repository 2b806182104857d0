"""Stacks of every kind, and every tensor that a stack gives or differentiates."""

from collections.abc import Callable

import pytest
import torch
from mlmodels.recurrent.config import CellName
from mlmodels.recurrent.construction import STACKS
from mlmodels.recurrent.stacks import RecurrentStack
from mlmodels.recurrent.step_kernels import load_step_kernels
from torch import Tensor, nn

NUM_STEPS, BATCH, INPUTS, HIDDEN = 6, 3, 5, 11  # 11: no multiple of a vector's width

Everything = dict[str, Tensor]


@pytest.fixture(autouse=True)
def _own_seed() -> None:
    torch.manual_seed(0)


@pytest.fixture
def compiled() -> None:
    """Skip where there is no compiler."""
    if load_step_kernels("lstm", torch.float32) is None:
        pytest.skip("no compiler on this machine")


@pytest.fixture
def make_stack() -> Callable[..., RecurrentStack]:
    """A stack whose parameters are all away from their starting values, zeros and ones among them."""

    def make(cell: CellName, dtype: torch.dtype = torch.float64, **options: object) -> RecurrentStack:
        stack = STACKS[cell](INPUTS, HIDDEN, **options).to(dtype)  # type: ignore[arg-type]
        with torch.no_grad():
            for parameter in stack.parameters():
                parameter += 0.1 * torch.randn_like(parameter)
        return stack

    return make


@pytest.fixture
def differentiate() -> Callable[..., Everything]:
    """Run a module and give back outputs, final state and every gradient, by name.

    The same numbers go into every module of the same shape and dtype. `with_state` False: no initial state is given.
    """

    def run(module: nn.Module, *, with_state: bool = True, num_steps: int = NUM_STEPS) -> Everything:
        parameter = next(module.parameters())
        generator = torch.Generator().manual_seed(1)
        directions = 2 if module.bidirectional else 1

        def draw(*shape: int) -> Tensor:
            return torch.randn(*shape, generator=generator, dtype=torch.float64).to(parameter.dtype)

        num_states = 2 if "weight_ih_l0" in dict(module.named_parameters()) and is_lstm(module) else 1
        x = draw(num_steps, BATCH, INPUTS).requires_grad_()
        shape = (module.num_layers * directions, BATCH, HIDDEN)
        state = [draw(*shape).requires_grad_() for _ in range(num_states)]
        module.zero_grad()
        y, final = module(x, (tuple(state) if num_states == 2 else state[0]) if with_state else None)
        finals = final if isinstance(final, tuple) else (final,)
        outputs = [y, *finals]
        torch.autograd.backward(outputs, [draw(*tensor.shape).to(tensor.dtype) for tensor in outputs])
        found = {"y": y, "dx": x.grad, **{f"final {i}": tensor for i, tensor in enumerate(finals)}}
        if with_state:
            found |= {f"dstate {i}": tensor.grad for i, tensor in enumerate(state)}
        found |= {f"d{name}": parameter.grad for name, parameter in module.named_parameters()}
        return {name: tensor.detach().clone() for name, tensor in found.items()}

    return run


def is_lstm(module: nn.Module) -> bool:
    """One of ours or torch's."""
    return module.weight_hh_l0.shape[0] == 4 * module.weight_hh_l0.shape[1]


@pytest.fixture
def worst_difference() -> Callable[[Everything, Everything], float]:
    """The largest difference of any two numbers of the same name, in units of the tensor's largest."""

    def worst(actual: Everything, expected: Everything) -> float:
        assert actual.keys() == expected.keys()
        return max(
            float((actual[name] - expected[name]).abs().max() / expected[name].abs().max().clamp(min=1e-30))
            for name in expected
        )

    return worst
