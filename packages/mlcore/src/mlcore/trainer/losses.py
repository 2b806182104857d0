"""Criteria and losses in the forms a trainer may give them: one, several, or several with names."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from torch import Tensor, nn

from mlcore.errors import ConfigError

Criterion = Callable[..., Tensor]
Criteria = Criterion | Sequence[Criterion] | Mapping[str, Criterion]
Losses = Tensor | Sequence[Tensor] | Mapping[str, Tensor]


def apply_criteria(criteria: Criteria, outputs: Any, targets: Any) -> Losses:
    """Each criterion on ``(outputs, targets)``.

    Named criteria get the outputs and targets of their name where those are mappings that have it; several
    criteria get their own element where the outputs are a tuple or list of as many.
    """
    if isinstance(criteria, Mapping):
        return {
            name: criterion(_part(outputs, name), _part(targets, name))
            for name, criterion in criteria.items()
        }
    if isinstance(criteria, tuple | list):
        number = len(criteria)
        return [
            criterion(_element(outputs, index, number), _element(targets, index, number))
            for index, criterion in enumerate(criteria)
        ]
    assert callable(criteria)
    return criteria(outputs, targets)


def _part(values: Any, name: str) -> Any:
    return values[name] if isinstance(values, Mapping) and name in values else values


def _element(values: Any, index: int, number: int) -> Any:
    return values[index] if isinstance(values, tuple | list) and len(values) == number else values


def total_loss(
    losses: Losses, weights: Mapping[str, float] | None = None
) -> tuple[Tensor, dict[str, Tensor]]:
    """The weighted sum, and each part, unweighted, as a metric: ``loss_<name>`` or ``loss_<number>``; one loss alone
    has no parts.

    Args:
        losses: one, several, or several with names.
        weights: by name (or number); 1 for a name that is not there.

    Raises:
        ValueError: there are no losses.
        ConfigError: a weight is for no loss.
    """
    weights = weights or {}
    named = (
        {}
        if isinstance(losses, Tensor)
        else dict(losses)
        if isinstance(losses, Mapping)
        else {str(index): loss for index, loss in enumerate(losses)}
    )
    unknown = sorted(weights.keys() - named.keys())
    if unknown:
        there = f"there are: {', '.join(named)}" if named else "there is one alone, without a name"
        raise ConfigError(f"training.loss_weights: no loss {unknown[0]!r}; {there}")
    if isinstance(losses, Tensor):
        return losses, {}
    if not named:
        raise ValueError("forward_pass returned no losses")
    parts = [loss if name not in weights else weights[name] * loss for name, loss in named.items()]
    total = parts[0]
    for part in parts[1:]:
        total = total + part
    return total, {f"loss_{name}": loss.detach() for name, loss in named.items()}


def criteria_to(criteria: Criteria, device: Any) -> Criteria:
    """Criteria with weights of their own (class weights, say) follow the model."""
    parts = (
        criteria.values()
        if isinstance(criteria, Mapping)
        else criteria
        if isinstance(criteria, tuple | list)
        else [criteria]
    )
    for part in parts:
        if isinstance(part, nn.Module):
            part.to(device)
    return criteria
