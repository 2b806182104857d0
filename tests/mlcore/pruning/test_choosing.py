"""What is chosen is the smallest, counted by NumPy; what is left out leaves no trace in the outputs."""

import copy

import numpy as np
import pytest
import torch
from mlcore.pruning.choosing import choose_masks, filter_masks, weight_masks
from mlcore.pruning.config import PruningConfig
from mlcore.pruning.layers import NothingToPruneError, prunable_layers
from mlcore.pruning.masks import apply_masks, sparsity_of
from torch import nn

WEIGHTS = ("body.conv1.weight", "body.conv2.weight", "fc.weight", "head.weight")
FILTERS = {"body.conv1": "body.norm1", "body.conv2": "body.norm2", "fc": None}


def values(model: nn.Module, name: str) -> np.ndarray:
    return model.get_parameter(name).detach().numpy()


def norms(model: nn.Module, layer: str) -> np.ndarray:
    weight = values(model, f"{layer}.weight")
    return np.sqrt((weight.reshape(len(weight), -1).astype(np.float64) ** 2).sum(axis=1))


@pytest.mark.parametrize("amount", [0.1, 0.5, 0.93])
def test_the_smallest_weights_of_the_whole_network_go(network: nn.Module, amount: float) -> None:
    masks = weight_masks(network, amount)
    assert tuple(masks) == WEIGHTS, "neither frozen layers, embeddings, biases nor BatchNorms"
    size = np.concatenate([np.abs(values(network, name)).ravel() for name in WEIGHTS])
    kept = np.concatenate([mask.numpy().ravel() for mask in masks.values()])
    assert (~kept).sum() == round(amount * size.size)
    assert size[~kept].max() <= size[kept].min()
    shares = {name: float((~mask).float().mean()) for name, mask in masks.items()}
    assert max(shares.values()) - min(shares.values()) > 0.01, "not the same share of each layer"


def test_within_layers_each_loses_the_same_share(network: nn.Module) -> None:
    for name, mask in weight_masks(network, 0.4, within_layers=True).items():
        size, kept = np.abs(values(network, name)), mask.numpy()
        assert (~kept).sum() == round(0.4 * size.size)
        assert size[~kept].max() <= size[kept].min()


def test_the_filters_of_smallest_norm_of_each_layer_go_with_what_belongs_to_them(network: nn.Module) -> None:
    masks = filter_masks(network, 0.5)
    for layer, norm in FILTERS.items():
        kept = masks[f"{layer}.weight"].flatten(1)
        assert torch.equal(kept.all(dim=1), kept.any(dim=1)), "a filter goes whole or not at all"
        rows = kept[:, 0].numpy()
        assert (~rows).sum() == round(0.5 * len(rows))
        assert norms(network, layer)[~rows].max() < norms(network, layer)[rows].min()
        vectors = [f"{norm}.weight", f"{norm}.bias"] if norm else []
        own_bias = [] if layer == "body.conv1" else [f"{layer}.bias"]
        for name in (*vectors, *own_bias):
            np.testing.assert_array_equal(masks[name].numpy(), rows)
    expected = {"body.conv1.weight", "body.conv2.weight", "body.conv2.bias", "fc.weight", "fc.bias"}
    norm_names = {f"body.norm{number}.{kind}" for number in (1, 2) for kind in ("weight", "bias")}
    assert masks.keys() == expected | norm_names, "the head's rows are the classes"


def test_filters_of_different_layers_are_compared_by_their_norm_over_the_layers_mean(
    network: nn.Module,
) -> None:
    with torch.no_grad():
        network.get_parameter("body.conv2.weight").mul_(1000)  # its scale must not save its filters
    masks = filter_masks(network, 0.5, within_layers=False)
    scores = {layer: norms(network, layer) / norms(network, layer).mean() for layer in FILTERS}
    every = np.concatenate(list(scores.values()))
    kept = np.concatenate([masks[f"{layer}.weight"].flatten(1)[:, 0].numpy() for layer in FILTERS])
    assert (~kept).sum() == round(0.5 * every.size)
    assert every[~kept].max() < every[kept].min()


@pytest.mark.parametrize("within_layers", [True, False])
def test_no_layer_loses_its_last_filter(network: nn.Module, within_layers: bool) -> None:
    masks = filter_masks(network, 0.999, within_layers=within_layers)
    for layer in FILTERS:
        kept = masks[f"{layer}.weight"].flatten(1)[:, 0].numpy()
        assert kept.sum() == 1
        assert kept.argmax() == norms(network, layer).argmax()


def test_what_a_pruned_filter_puts_out_is_zero_behind_its_batchnorm(network: nn.Module) -> None:
    masks = filter_masks(network, 0.5)
    apply_masks(network, masks)
    network.eval()
    seen: dict[str, torch.Tensor] = {}
    for name in ("body.relu1", "body.relu2"):
        network.get_submodule(name).register_forward_hook(
            lambda module, inputs, output, name=name: seen.__setitem__(name, output)
        )
    with torch.no_grad():
        network(torch.randn(5, 3, 8, 8))
    for number in (1, 2):
        out = ~masks[f"body.conv{number}.weight"].flatten(1)[:, 0]
        assert not seen[f"body.relu{number}"][:, out].any()
        assert seen[f"body.relu{number}"][:, ~out].any()


@pytest.mark.parametrize("method", ["magnitude", "filters"])
def test_choosing_leaves_the_model_as_it_was(network: nn.Module, method: str) -> None:
    before = copy.deepcopy(network.state_dict())
    names = [name for name, _ in network.named_parameters()]
    choose_masks(network, PruningConfig(method=method, amount=0.5))
    assert [name for name, _ in network.named_parameters()] == names, (
        "optimizers count parameters in their order"
    )
    assert network.state_dict().keys() == before.keys()
    assert all(torch.equal(tensor, before[name]) for name, tensor in network.state_dict().items())


@pytest.mark.parametrize("method", ["magnitude", "filters"])
def test_the_order_of_the_weights_in_memory_changes_nothing(network: nn.Module, method: str) -> None:
    config = PruningConfig(method=method, amount=0.5)
    expected = choose_masks(network, config)
    found = choose_masks(network.to(memory_format=torch.channels_last), config)
    assert all(torch.equal(found[name], mask) for name, mask in expected.items())
    assert network.body.conv2.weight.is_contiguous(memory_format=torch.channels_last), "and is left as it was"


def test_the_scope_follows_from_the_method_unless_it_is_said(network: nn.Module) -> None:
    for method, scope in (("magnitude", "network"), ("filters", "layer")):
        said = choose_masks(network, PruningConfig(method=method, scope=scope, amount=0.3))
        unsaid = choose_masks(network, PruningConfig(method=method, amount=0.3))
        assert all(torch.equal(said[name], mask) for name, mask in unsaid.items())
        other = {"network": "layer", "layer": "network"}[scope]
        differs = choose_masks(network, PruningConfig(method=method, scope=other, amount=0.3))
        assert not all(torch.equal(differs[name], mask) for name, mask in unsaid.items())


def test_zeros_are_counted_in_weights_and_in_all_parameters(network: nn.Module) -> None:
    apply_masks(network, weight_masks(network, 0.5))
    found = sparsity_of(network)
    layers = [values(network, f"{name}.weight") for name in prunable_layers(network)]
    assert found.num_weights == sum(weight.size for weight in layers)
    assert (
        found.num_zero_weights
        == sum((weight == 0).sum() for weight in layers)
        == round(0.5 * found.num_weights)
    )
    everything = [parameter.detach().numpy() for parameter in network.parameters()]
    assert found.num_parameters == sum(array.size for array in everything)
    assert found.num_nonzero == sum(np.count_nonzero(array) for array in everything)
    assert found.share == pytest.approx(0.5, abs=0.01)


def test_a_model_without_matrices_is_told_so() -> None:
    with pytest.raises(NothingToPruneError, match="BatchNorm1d"):
        prunable_layers(nn.BatchNorm1d(3))
