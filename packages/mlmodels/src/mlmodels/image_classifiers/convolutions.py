"""What the networks for photographs share: starting weights, names of layers."""

import torch
from torch import nn


@torch.no_grad()
def initialise_network(network: nn.Module, generator: torch.Generator | None = None) -> None:
    """Draw every layer's start in the order of the layers.

    Convolutions: normal with variance 2/fan_in, bias 0 (He et al., 2015). Linear layers: as torch draws them, uniform
    within ±1/√fan_in. BatchNorms: scale 1, shift 0, running statistics forgotten.
    """
    for module in network.modules():
        if isinstance(module, nn.Conv2d):
            nn.init.kaiming_normal_(module.weight, nonlinearity="relu", generator=generator)
            if module.bias is not None:
                nn.init.zeros_(module.bias)
        elif isinstance(module, nn.Linear):
            bound = module.in_features**-0.5
            nn.init.uniform_(module.weight, -bound, bound, generator=generator)
            if module.bias is not None:
                nn.init.uniform_(module.bias, -bound, bound, generator=generator)
        elif isinstance(module, nn.BatchNorm2d):
            module.reset_parameters()


def numbered_convolutions(network: nn.Module) -> dict[str, nn.Module]:
    """`conv1`, `conv2`, … in the order in which they were made."""
    found = [module for module in network.modules() if isinstance(module, nn.Conv2d)]
    return {f"conv{number}": module for number, module in enumerate(found, start=1)}
