"""Starting weights of a linear or convolutional layer."""

import math

import torch
from torch import Tensor, nn

from mlmodels.image_classifiers.config import InitScheme


@torch.no_grad()
def initialise(
    weight: Tensor, bias: Tensor, scheme: InitScheme, generator: torch.Generator | None = None
) -> None:
    """Draw `weight` (outputs, inputs, …) and set `bias` (outputs), in place.

    default: what torch's own Linear and Conv2d draw: both uniform within ±1/√fan_in.
    xavier: uniform with variance 2/(fan_in + fan_out), bias 0 (Glorot and Bengio, 2010).
    kaiming: normal with variance 2/fan_in, bias 0 (He et al., 2015); in all layers, as there, although nothing
    was rectified before the first.
    """
    if scheme == "default":
        nn.init.kaiming_uniform_(weight, a=math.sqrt(5), generator=generator)  # a bound of 1/√fan_in
        bound = 1.0 / math.sqrt(weight[0].numel())
        nn.init.uniform_(bias, -bound, bound, generator=generator)
        return
    if scheme == "xavier":
        nn.init.xavier_uniform_(weight, generator=generator)
    else:
        nn.init.kaiming_normal_(weight, nonlinearity="relu", generator=generator)
    nn.init.zeros_(bias)
