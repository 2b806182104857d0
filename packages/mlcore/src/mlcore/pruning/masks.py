"""Masks: what of each parameter stays. Weights that are out are set to zero, and stay it through every update.

The weights keep their names and places, so a pruned model is saved, resumed, judged and exported like any other; there
is nothing to be made permanent at the end, for a zero is a zero.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

from mlcore.errors import CheckpointError
from mlcore.pruning.layers import prunable_layers, weight_of

if TYPE_CHECKING:
    from mlcore.trainer.base import BaseTrainer

Masks = dict[str, Tensor]  # by parameter: bool, True where the weight stays
KEY = "pruning_masks"  # of a checkpoint


@torch.no_grad()
def apply_masks(model: nn.Module, masks: Masks) -> None:
    """Set to zero what is out."""
    for parameter, mask in _pairs(model, masks):
        parameter.mul_(mask)


def keep_masked(trainer: BaseTrainer, masks: Masks) -> None:
    """Let no update of `trainer` bring back what is out; its checkpoints hold the masks.

    Gradients are masked before the optimizer sees them, so that its memory stays zero there too; the weights after it,
    for an optimizer may move weights without a gradient. An average of the weights is taken after that.
    """
    from mlcore.trainer.optimizer_set import parts_of

    if not masks:
        return
    apply_masks(trainer.model, masks)
    pairs = _pairs(trainer.model, masks)

    @torch.no_grad()
    def mask_gradients(*_: Any) -> None:
        for parameter, mask in pairs:
            if parameter.grad is not None:
                parameter.grad.mul_(mask)

    @torch.no_grad()
    def mask_weights(*_: Any) -> None:
        for parameter, mask in pairs:
            parameter.mul_(mask)

    for part in parts_of(trainer.updater.optimizer):
        part.register_step_pre_hook(mask_gradients)
        part.register_step_post_hook(mask_weights)
    trainer.extra_state[KEY] = {name: mask.cpu() for name, mask in masks.items()}


def masks_in(state: Mapping[str, Any]) -> Masks:
    """The masks that a checkpoint of a pruned run holds.

    Raises:
        CheckpointError: it holds none.
    """
    if KEY not in state:
        raise CheckpointError("the checkpoint is of a run that was not pruned: it holds no masks")
    return dict(state[KEY])


@dataclass(frozen=True)
class Sparsity:
    """How much of a model is zero.

    Attributes:
        num_weights: of the layers that can be pruned.
        num_zero_weights: of these, exactly zero.
        num_parameters: of the whole model.
        num_nonzero: of these, not zero.
    """

    num_weights: int
    num_zero_weights: int
    num_parameters: int
    num_nonzero: int

    @property
    def share(self) -> float:
        """The share of the weights that is zero."""
        return self.num_zero_weights / self.num_weights


def sparsity_of(model: nn.Module) -> Sparsity:
    """Count the zeros of a model."""
    weights = [weight_of(layer) for layer in prunable_layers(model).values()]
    parameters = list(model.parameters())
    num_weights = sum(weight.numel() for weight in weights)
    return Sparsity(
        num_weights,
        num_weights - sum(_num_nonzero(weight) for weight in weights),
        sum(parameter.numel() for parameter in parameters),
        sum(_num_nonzero(parameter) for parameter in parameters),
    )


def _num_nonzero(tensor: Tensor) -> int:
    return int(torch.count_nonzero(tensor.detach()))


def _pairs(model: nn.Module, masks: Masks) -> list[tuple[nn.Parameter, Tensor]]:
    parameters = dict(model.named_parameters())
    unknown = [
        name for name in masks if name not in parameters or parameters[name].shape != masks[name].shape
    ]
    if unknown:
        raise CheckpointError(f"the masks are of another model: {unknown[0]} does not fit this one")
    return [(parameters[name], mask.to(parameters[name].device)) for name, mask in masks.items()]
