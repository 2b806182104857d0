"""What the layers of a model give out for some images."""

from collections.abc import Mapping

import torch
from torch import Tensor, nn

from mlcore.interpretation.evaluation_mode import evaluation_mode
from mlcore.interpretation.layer_outputs import forward_recording


def activation_maps(model: nn.Module, layers: Mapping[str, nn.Module], images: Tensor) -> dict[str, Tensor]:
    """Name -> the layer's output for these images: (B, C, h, w) of a convolution, (B, features) of a linear
    layer; detached, on the model's device. The model runs in evaluation mode and is left exactly as it was.

    Args:
        model: anything that takes the images.
        layers: parts of the model by the names to show.
        images: (B, channels, H, W) floats, as the model takes them.

    Raises:
        InterpretationError: a layer did not run, ran twice, or gave out something else than a tensor.
    """
    with evaluation_mode(model), torch.no_grad():
        _, outputs = forward_recording(model, layers, images)
    return outputs
