"""The optimizer that a training section describes."""

from __future__ import annotations

import torch
from torch import nn

from mlcore.device import choose_precision
from mlcore.trainer.config import TrainingConfig
from mlcore.trainer.muon import Muon
from mlcore.trainer.optimizer_set import OptimizerSet
from mlcore.trainer.parameter_roles import parameters_by_role

_FUSED_DEVICES = ("cpu", "cuda")


def build_optimizer(model: nn.Module, config: TrainingConfig) -> torch.optim.Optimizer:
    """torch's own AdamW, Adam or SGD, or Muon, over all parameters of ``model``.

    Parameters that do not require gradients are included: a model that differentiates itself fills their
    ``.grad``, and a frozen parameter has none and is left alone.

    Raises:
        ValueError: the model has no parameters.
    """
    if config.optimizer == "muon":
        return muon_with_companion(model, config)
    groups = parameter_groups(model, config)
    fused = _can_be_fused(model)
    rate = config.learning_rate
    if config.optimizer == "sgd":
        return torch.optim.SGD(
            groups, lr=rate, momentum=config.momentum, nesterov=config.nesterov, fused=fused
        )
    kind = torch.optim.AdamW if config.optimizer == "adamw" else torch.optim.Adam
    return kind(groups, lr=rate, betas=config.betas, eps=config.epsilon, fused=fused)


def muon_with_companion(model: nn.Module, config: TrainingConfig) -> OptimizerSet:
    """Muon (Jordan et al., 2024) for the matrices of the blocks; AdamW, each with its rate, for all else.

    Raises:
        ValueError: the model has no matrices.
    """
    roles, companion = parameters_by_role(model), config.muon_companion
    if not roles["matrices"]:
        raise ValueError(f"{type(model).__name__} has no matrices for muon; take adamw")
    autocast = choose_precision(config.mixed_precision, roles["matrices"][0].device).autocast
    muon = Muon(
        roles["matrices"],
        lr=config.learning_rate,
        weight_decay=config.weight_decay,
        momentum=config.momentum,
        nesterov=config.nesterov,
        dtype=torch.bfloat16 if autocast == torch.bfloat16 else torch.float32,
    )
    rates = {
        "embeddings": companion.embedding_learning_rate,
        "head": companion.head_learning_rate,
        "scalars": companion.scalar_learning_rate,
    }
    groups = [{"params": roles[role], "lr": rate} for role, rate in rates.items() if roles[role]]
    if not groups:
        return OptimizerSet(muon)
    adamw = torch.optim.AdamW(
        groups,
        lr=config.learning_rate,
        betas=companion.betas,
        eps=companion.epsilon,
        weight_decay=companion.weight_decay,
        fused=_can_be_fused(model),
    )
    return OptimizerSet(muon, adamw)


def parameter_groups(model: nn.Module, config: TrainingConfig) -> list[dict[str, object]]:
    """One group, or two where matrices alone decay or vectors have a rate of their own. Tied parameters appear once."""
    parameters = list(model.parameters())
    if not parameters:
        raise ValueError(f"{type(model).__name__} has no parameters to train")
    decays_apart = config.decay_only_matrices and config.weight_decay > 0
    if not decays_apart and config.vector_rate_factor == 1.0:
        return [{"params": parameters, "weight_decay": config.weight_decay}]
    matrices = [parameter for parameter in parameters if parameter.ndim >= 2]
    others = [parameter for parameter in parameters if parameter.ndim < 2]
    groups: list[dict[str, object]] = [
        {"params": matrices, "weight_decay": config.weight_decay},
        {
            "params": others,
            "weight_decay": 0.0 if decays_apart else config.weight_decay,
            "lr": config.learning_rate * config.vector_rate_factor,
        },
    ]
    return [group for group in groups if group["params"]]


def _can_be_fused(model: nn.Module) -> bool | None:
    """One kernel an update, about four times as fast as the others on a CPU. None: torch chooses."""
    parameters = list(model.parameters())
    fits = all(
        parameter.device.type in _FUSED_DEVICES and torch.is_floating_point(parameter)
        for parameter in parameters
    )
    return True if fits else None
