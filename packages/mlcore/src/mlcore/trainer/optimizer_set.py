"""Several optimizers that act as one: each has its own parameters, all take their step together."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

import torch


class OptimizerSet(torch.optim.Optimizer):
    """The groups of all parts, in their order; the state of each part under its number.

    Args:
        parts: optimizers that share no parameter.

    Raises:
        ValueError: no parts, or a parameter in two of them.
    """

    def __init__(self, *parts: torch.optim.Optimizer) -> None:
        # Without the base class's own __init__: groups and state are the parts'.
        self.parts = parts
        self.defaults: dict[str, Any] = {}
        held = [id(p) for part in parts for group in part.param_groups for p in group["params"]]
        if not held:
            raise ValueError("a set of optimizers needs at least one parameter")
        if len(set(held)) != len(held):
            raise ValueError("a parameter has two optimizers")

    @property
    def param_groups(self) -> list[dict[str, Any]]:  # type: ignore[override]
        """The parts' own dictionaries: what is set here is set there."""
        return [group for part in self.parts for group in part.param_groups]

    @property
    def state(self) -> MappingProxyType[torch.Tensor, Any]:  # type: ignore[override]
        """What the parts remember of each parameter; to be read, for it is each part that changes its own."""
        memories = {parameter: memory for part in self.parts for parameter, memory in part.state.items()}
        return MappingProxyType(memories)

    def step(self, closure: Callable[[], float] | None = None) -> float | None:  # type: ignore[override]
        """One update of every part."""
        loss = None
        if closure is not None:
            with torch.enable_grad():
                loss = closure()
        for part in self.parts:
            part.step()
        return loss

    def zero_grad(self, set_to_none: bool = True) -> None:
        """Leave no parameter a gradient."""
        for part in self.parts:
            part.zero_grad(set_to_none)

    def state_dict(self) -> dict[str, Any]:
        """Each part's state, by its number."""
        return {str(number): part.state_dict() for number, part in enumerate(self.parts)}

    def load_state_dict(self, state_dict: Mapping[str, Any]) -> None:
        """What `state_dict` gave.

        Raises:
            KeyError: it is that of other parts.
        """
        for number, part in enumerate(self.parts):
            part.load_state_dict(state_dict[str(number)])


def parts_of(optimizer: torch.optim.Optimizer) -> tuple[torch.optim.Optimizer, ...]:
    """The optimizers that a set is made of; any other is its own only part."""
    return optimizer.parts if isinstance(optimizer, OptimizerSet) else (optimizer,)
