"""Which parts of a model can be pruned, and which vectors belong to a filter."""

from __future__ import annotations

from torch import Tensor, nn

from mlcore.errors import UserError


class NothingToPruneError(UserError):
    """The model has no layer with a matrix of weights."""


def prunable_layers(model: nn.Module) -> dict[str, nn.Module]:
    """Convolutions, linear layers and whatever else has a `weight` of at least two dimensions, first to last.

    Embeddings are left out, and so is what the model's `frozen_prefixes` name.

    Raises:
        NothingToPruneError: there is none.
    """
    frozen = tuple(getattr(model, "frozen_prefixes", ()))  # no name begins with one of none
    found = {
        name: module
        for name, module in model.named_modules()
        if _has_matrix(module)
        and not isinstance(module, nn.Embedding)
        and not weight_name(name).startswith(frozen)
    }
    if not found:
        raise NothingToPruneError(f"{type(model).__name__} has no layer with a matrix of weights to prune")
    return found


def weight_name(layer: str) -> str:
    """The parameter's name; that of a model that is a layer itself has no dot."""
    return f"{layer}.weight".removeprefix(".")


def weight_of(layer: nn.Module) -> Tensor:
    """(outputs, ...) the layer's weights."""
    weight = layer.weight
    assert isinstance(weight, Tensor)
    return weight


def vectors_of_filters(model: nn.Module, layers: dict[str, nn.Module]) -> dict[str, list[str]]:
    """By layer: the names of its bias, and of scale and shift of the BatchNorm that is registered next.

    Without them a filter of zeros would still put out a constant, and could not be left away.
    """
    found: dict[str, list[str]] = {name: [] for name in layers}
    last: str | None = None
    for name, module in model.named_modules():
        if name in layers:
            last = name
            found[name] += _vectors(name, module, ("bias",))
        elif _has_matrix(module):
            last = None
        elif isinstance(module, nn.modules.batchnorm._BatchNorm) and last is not None:
            if module.num_features == len(weight_of(layers[last])):
                found[last] += _vectors(name, module, ("weight", "bias"))
            last = None
    return found


def _has_matrix(module: nn.Module) -> bool:
    weight = module._parameters.get("weight")
    return weight is not None and weight.ndim >= 2


def _vectors(name: str, module: nn.Module, kinds: tuple[str, ...]) -> list[str]:
    return [f"{name}.{kind}" for kind in kinds if module._parameters.get(kind) is not None]
