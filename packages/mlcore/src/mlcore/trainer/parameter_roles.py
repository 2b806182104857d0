"""Which of a model's parameters are matrices, embeddings, head, scalars: optimizers treat them differently."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol, runtime_checkable

from torch import Tensor, nn

ROLES = ("matrices", "embeddings", "head", "scalars")


@runtime_checkable
class HasRoles(Protocol):
    """A model that says itself what its parameters are."""

    def parameter_roles(self) -> Mapping[str, Sequence[Tensor]]:
        """Each parameter under one of ``ROLES``."""
        ...


def parameters_by_role(model: nn.Module) -> dict[str, list[Tensor]]:
    """Each parameter once. A model that does not say: what `nn.Embedding` holds are embeddings, other parameters of
    two dimensions and more, such as filters, are matrices, all others scalars; without its word no layer is known to
    be the head.

    Raises:
        ValueError: the model's own answer leaves out a parameter or names one twice.
    """
    if isinstance(model, HasRoles):
        roles = {role: list(model.parameter_roles().get(role, ())) for role in ROLES}
        placed = [id(parameter) for group in roles.values() for parameter in group]
        if sorted(placed) != sorted(id(parameter) for parameter in model.parameters()):
            raise ValueError(
                f"{type(model).__name__}.parameter_roles() must name every parameter exactly once, "
                f"under {', '.join(ROLES)}"
            )
        return roles
    tables = [module for module in model.modules() if isinstance(module, nn.Embedding)]
    embeddings = {id(table.weight) for table in tables}
    roles = {role: [] for role in ROLES}
    for parameter in model.parameters():
        is_embedding = id(parameter) in embeddings
        role = "embeddings" if is_embedding else "matrices" if parameter.ndim >= 2 else "scalars"
        roles[role].append(parameter)
    return roles
