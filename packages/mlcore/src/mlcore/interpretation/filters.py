"""The weights of a layer as pictures, and the images that its filters answer to most."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor, nn

from mlcore.interpretation.errors import InterpretationError
from mlcore.interpretation.evaluation_mode import evaluation_mode
from mlcore.interpretation.layer_outputs import forward_recording

Scale = Literal["each", "all"]


def filter_images(weight: Tensor, shape: Sequence[int] | None = None, *, scale: Scale = "each") -> Tensor:
    """Weights as pictures with values in [-1, 1]; 0 stays 0, so that the sign can be seen.

    (O, 1, kh, kw) gives (O, kh, kw); (O, 3, kh, kw) gives colour pictures (O, kh, kw, 3); with any other number
    of input channels each slice is a picture, (O * I, kh, kw), the input channels of one filter side by side.

    Args:
        weight: (O, I, kh, kw) of a convolution, or (O, inputs) of a linear layer.
        shape: of the image behind a linear layer's inputs: (H, W) or (channels, H, W).
        scale: divide each picture by its own largest magnitude, or all by the largest of all, so that faint
            filters look faint.

    Raises:
        InterpretationError: a weight of another kind, or a shape that does not hold its inputs.
    """
    kernels = _as_kernels(weight, shape)
    num_outputs, num_inputs, height, width = kernels.shape
    if num_inputs == 3:
        pictures = kernels.permute(0, 2, 3, 1)
    else:
        pictures = kernels.reshape(num_outputs * num_inputs, height, width)
    magnitudes = pictures.abs()
    largest = magnitudes.amax() if scale == "all" else magnitudes.flatten(1).amax(1)
    largest = largest.expand(len(pictures)).reshape(-1, *[1] * (pictures.dim() - 1))
    return pictures / torch.where(largest > 0, largest, 1.0)


def strongest_filters(weight: Tensor, num: int) -> Tensor:
    """(up to num,) int64: the outputs of a layer with the largest weights (L2 norm), the largest first."""
    norms = weight.detach().cpu().float().flatten(1).norm(dim=1)
    return torch.argsort(norms, descending=True, stable=True)[:num]


@dataclass(frozen=True, eq=False)
class MaximalActivations:
    """For each of F filters the images that it answers to most, the strongest first, on the CPU.

    Attributes:
        positions: (F, num) int64, the images' numbers in the order in which they were given.
        values: (F, num) float32, the filter's largest output on the image.
    """

    positions: Tensor
    values: Tensor


def maximal_activations(
    model: nn.Module, layer: nn.Module, batches: Iterable[Tensor | Sequence[Tensor]], num: int = 9
) -> MaximalActivations:
    """The images with the largest outputs of each channel (B, F, h, w) or unit (B, F) of a layer, over a whole
    data set (the "top images" of Zeiler and Fergus, 2014). The model is left exactly as it was.

    Args:
        model: anything that takes the images; they are moved to its device.
        layer: a part of the model.
        batches: images (B, channels, H, W) as the model takes them, or (images, …) of a loader that keeps the
            order.
        num: how many images a filter, fewer if there are not so many.
    """
    device = next((parameter.device for parameter in model.parameters()), torch.device("cpu"))
    values, positions, num_seen = torch.empty(0), torch.empty(0, dtype=torch.int64), 0
    with evaluation_mode(model), torch.no_grad():
        for batch in batches:
            images = (batch if isinstance(batch, Tensor) else batch[0]).to(device)
            found = _strongest_outputs(model, layer, images)
            numbers = torch.arange(num_seen, num_seen + len(found)).expand(found.shape[1], -1)
            values = torch.cat([values.view(found.shape[1], -1), found.T], 1)
            positions = torch.cat([positions.view(found.shape[1], -1), numbers], 1)
            order = torch.argsort(values, dim=1, descending=True, stable=True)[:, :num]
            values, positions = values.gather(1, order), positions.gather(1, order)
            num_seen += len(images)
    if num_seen == 0:
        raise InterpretationError("there are no images")
    return MaximalActivations(positions, values)


def _strongest_outputs(model: nn.Module, layer: nn.Module, images: Tensor) -> Tensor:
    """(B, F) the largest output of each channel on each image."""
    _, outputs = forward_recording(model, {"layer": layer}, images)
    output = outputs["layer"].float().cpu()
    if output.dim() not in (2, 4):
        raise InterpretationError(
            f"{type(layer).__name__} gives {tuple(output.shape)}; maximal activations need (B, F) or (B, F, h, w)"
        )
    return output if output.dim() == 2 else output.amax((2, 3))


def _as_kernels(weight: Tensor, shape: Sequence[int] | None) -> Tensor:
    """(O, I, H, W) float32 on the CPU."""
    weight = weight.detach().cpu().float()
    if weight.dim() == 4:
        return weight
    if weight.dim() != 2:
        raise InterpretationError(
            f"a weight must be (O, I, kh, kw) or (O, inputs); got {tuple(weight.shape)}"
        )
    if shape is None:
        raise InterpretationError(
            f"the weight {tuple(weight.shape)} of a linear layer needs the shape of the images behind it"
        )
    shape = (1, *shape) if len(shape) == 2 else tuple(shape)
    num_pixels = shape[0] * shape[1] * shape[2] if len(shape) == 3 else -1
    if num_pixels != weight.shape[1]:
        raise InterpretationError(
            f"images of shape {shape} do not hold the {weight.shape[1]} inputs of the layer"
        )
    return weight.view(len(weight), *shape)
