"""Grad-CAM: where in an image a convolutional layer found evidence for a class (Selvaraju et al., 2017)."""

from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn import functional

from mlcore.interpretation.class_scores import Classes, class_scores, differentiable
from mlcore.interpretation.errors import InterpretationError
from mlcore.interpretation.evaluation_mode import evaluation_mode, gradients_enabled
from mlcore.interpretation.layer_outputs import forward_recording


def grad_cam(
    model: nn.Module,
    layer: nn.Module,
    images: Tensor,
    classes: Classes = None,
    *,
    as_maps: Callable[[Tensor], Tensor] | None = None,
) -> Tensor:
    """(B, H, W) float32 in [0, 1], brought to the images' size; 1 is each image's strongest place.

    relu(sum over channels of weight * activation), a channel's weight being the mean gradient of the class's
    logit over the layer's positions. An image without positive evidence gives zeros. The model is left exactly
    as it was: mode, hooks and gradients.

    Args:
        model: returns logits (B, K).
        layer: a part of the model whose output is (B, C, h, w), as a rule its last convolutional one.
        images: (B, channels, H, W) floats, as the model takes them.
        classes: (B,) the classes to explain, one for all images, or None for the predicted ones.
        as_maps: lays out an output of another shape as (B, C, h, w): the patches of a transformer, for example.

    Raises:
        InterpretationError: the layer's output has no positions, or the logits do not depend on it.
    """
    if images.dim() != 4:
        raise InterpretationError(f"images must be (B, channels, H, W); got {tuple(images.shape)}")
    with evaluation_mode(model), gradients_enabled():
        logits, outputs = forward_recording(model, {"layer": layer}, differentiable(images))
        recorded = outputs["layer"]
        activations = recorded if as_maps is None else as_maps(recorded)
        if activations.dim() != 4:
            raise InterpretationError(
                f"Grad-CAM needs a layer with output (B, C, h, w); {type(layer).__name__} gives "
                f"{tuple(activations.shape)}. For a model without such a layer use input_gradient"
            )
        score = class_scores(logits, classes).sum()
        (gradients,) = torch.autograd.grad(score, recorded, allow_unused=True)
    if gradients is None:
        raise InterpretationError(f"the logits do not depend on the output of {type(layer).__name__}")
    if as_maps is not None:
        gradients = as_maps(gradients)
    weights = gradients.float().mean((2, 3), keepdim=True)
    evidence = (weights * activations.detach().float()).sum(1, keepdim=True).relu()
    size = (images.shape[2], images.shape[3])
    enlarged = functional.interpolate(evidence, size=size, mode="bilinear", align_corners=False)
    return scaled_to_one(enlarged.squeeze(1))


def scaled_to_one(maps: Tensor) -> Tensor:
    """(B, H, W) maps >= 0, each divided by its own maximum; a map of zeros stays one."""
    maxima = maps.amax((1, 2), keepdim=True)
    return torch.where(maxima > 0, maps / maxima.clamp_min(torch.finfo(maps.dtype).tiny), 0.0).contiguous()
