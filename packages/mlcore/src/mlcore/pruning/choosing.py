"""Which weights go: the smallest ones, or the filters of the smallest norm."""

from __future__ import annotations

import copy

import torch
from torch import Tensor, nn
from torch.nn.utils import prune

from mlcore.pruning.config import PruningConfig
from mlcore.pruning.layers import (
    NothingToPruneError,
    prunable_layers,
    vectors_of_filters,
    weight_name,
    weight_of,
)
from mlcore.pruning.masks import Masks


def choose_masks(model: nn.Module, config: PruningConfig) -> Masks:
    """The masks that `config` asks for; the model stays as it is.

    Raises:
        NothingToPruneError: the model has no layer that can be pruned.
    """
    choose = weight_masks if config.method == "magnitude" else filter_masks
    return choose(model, config.amount, within_layers=config.compares_within == "layer")


def weight_masks(model: nn.Module, amount: float, *, within_layers: bool = False) -> Masks:
    """Without the share `amount` of all weights that is smallest in size (Han et al., 2015).

    Args:
        within_layers: of each layer's weights instead.
    """
    twin = _twin_of(model)
    layers = prunable_layers(twin)
    if within_layers:
        for layer in layers.values():
            prune.l1_unstructured(layer, "weight", amount)
    else:
        weights = [(layer, "weight") for layer in layers.values()]
        prune.global_unstructured(weights, pruning_method=prune.L1Unstructured, amount=amount)
    return {weight_name(name): _mask_of(layer) for name, layer in layers.items()}


def filter_masks(model: nn.Module, amount: float, *, within_layers: bool = True) -> Masks:
    """Without the share `amount` of the filters (rows of a linear layer) whose Euclidean norm is smallest.

    The last layer keeps all its rows, for these are the classes; every other layer keeps at least one. With a filter
    go its bias and the scale and shift of its BatchNorm.

    Args:
        within_layers: of each layer's filters (Li et al., 2017); else of all filters, by their norm over the mean norm
            of their layer, for norms of layers of different shape cannot be compared.
    """
    twin = _twin_of(model)
    *names, _ = prunable_layers(twin)
    if not names:
        raise NothingToPruneError(
            f"{type(model).__name__} has one layer of weights, whose rows are the classes"
        )
    layers = {name: twin.get_submodule(name) for name in names}
    keep = _kept_of_each(layers, amount) if within_layers else _kept_of_all(layers, amount)
    masks: Masks = {}
    for name, vectors in vectors_of_filters(model, layers).items():
        kept = keep[name]
        weight = weight_of(layers[name])
        masks[weight_name(name)] = kept.view(-1, *[1] * (weight.ndim - 1)).expand_as(weight).contiguous()
        masks |= dict.fromkeys(vectors, kept)
    return masks


def filter_norms(layer: nn.Module) -> Tensor:
    """(outputs,) the Euclidean norm of every filter."""
    return weight_of(layer).detach().flatten(1).norm(dim=1)


def _twin_of(model: nn.Module) -> nn.Module:
    """A copy for torch's pruning, which reorders parameters and wants weights that lie row by row in memory."""
    return copy.deepcopy(model).to(memory_format=torch.contiguous_format)


def _kept_of_each(layers: dict[str, nn.Module], amount: float) -> dict[str, Tensor]:
    kept = {}
    for name, layer in layers.items():
        num_filters = len(weight_of(layer))
        num_gone = min(round(amount * num_filters), num_filters - 1)
        prune.ln_structured(layer, "weight", amount=num_gone, n=2, dim=0)
        kept[name] = _mask_of(layer).flatten(1)[:, 0]
    return kept


def _kept_of_all(layers: dict[str, nn.Module], amount: float) -> dict[str, Tensor]:
    scores = {name: filter_norms(layer) for name, layer in layers.items()}
    scores = {name: norms / norms.mean() for name, norms in scores.items()}
    for norms in scores.values():
        norms[norms.argmax()] = torch.inf  # of a layer without filters nothing could come
    everything = torch.cat(list(scores.values()))
    num_gone = min(round(amount * len(everything)), len(everything) - len(scores))
    kept = torch.ones_like(everything, dtype=torch.bool)
    kept[everything.argsort()[:num_gone]] = False
    return dict(zip(scores, kept.split([len(norms) for norms in scores.values()]), strict=True))


def _mask_of(layer: nn.Module) -> Tensor:
    mask = layer.weight_mask
    assert isinstance(mask, Tensor)
    return mask.bool()
