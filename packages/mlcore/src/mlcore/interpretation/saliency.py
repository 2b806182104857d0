"""Which pixels a classifier's score depends on: its gradient at the image, or along a path to the image."""

from typing import NamedTuple

import torch
from torch import Tensor, nn

from mlcore.interpretation.class_activation import scaled_to_one
from mlcore.interpretation.class_scores import Classes, class_scores, differentiable
from mlcore.interpretation.errors import InterpretationError
from mlcore.interpretation.evaluation_mode import evaluation_mode, gradients_enabled


def input_gradient(model: nn.Module, images: Tensor, classes: Classes = None) -> Tensor:
    """The gradient of each image's class logit with respect to its pixels (Simonyan et al., 2014), in the
    images' shape. Any differentiable model; it is left exactly as it was.

    Args:
        model: returns logits (B, K).
        images: (B, channels, H, W) or (B, features) floats, as the model takes them.
        classes: (B,) the classes to explain, one for all images, or None for the predicted ones.
    """
    with evaluation_mode(model), gradients_enabled():
        inputs = differentiable(images)
        (gradients,) = torch.autograd.grad(class_scores(model(inputs), classes).sum(), inputs)
    return gradients


def saliency_map(gradients: Tensor) -> Tensor:
    """(B, H, W) in [0, 1]: the largest magnitude over the channels, scaled image by image (Simonyan et al.,
    2014).

    Args:
        gradients: (B, channels, H, W), of `input_gradient` or `integrated_gradients`.
    """
    if gradients.dim() != 4:
        raise InterpretationError(
            f"gradients must be (B, channels, H, W), got {tuple(gradients.shape)}; "
            "those of flat inputs want .view(-1, channels, H, W) first"
        )
    return scaled_to_one(gradients.abs().amax(1))


class IntegratedGradients(NamedTuple):
    """Attributions, and how far their sums are from what they should be.

    attributions: in the images' shape; positive speaks for the class.
    gap: (B,) sum of the attributions less the score's difference between image and baseline. Far from zero
    relative to that difference, it asks for more steps.
    """

    attributions: Tensor
    gap: Tensor


def integrated_gradients(
    model: nn.Module,
    images: Tensor,
    classes: Classes = None,
    *,
    baseline: Tensor | None = None,
    num_steps: int = 50,
) -> IntegratedGradients:
    """(image - baseline) times the mean gradient on the straight line between them (Sundararajan et al., 2017),
    by Gauss-Legendre quadrature. The attributions of an image add up to score(image) - score(baseline).

    Args:
        model: returns logits (B, K); it is left exactly as it was.
        images: (B, channels, H, W) or (B, features) floats, as the model takes them.
        classes: (B,) the classes to explain, one for all images, or None for those predicted for the images.
        baseline: an image without content, broadcast to the images: black as the model sees it, for example.
            None: zeros, which for normalised images is their mean.
        num_steps: points on the line, a forward and a backward pass each.
    """
    if num_steps < 1:
        raise InterpretationError(f"num_steps is {num_steps}; 1 is the least")
    with evaluation_mode(model), gradients_enabled():
        end = images.detach().clone()
        start = torch.zeros_like(end) if baseline is None else _broadcast(baseline, end)
        chosen = _classes_of(model, end) if classes is None else classes
        total = torch.zeros_like(end)
        for point, weight in _quadrature(num_steps):
            inputs = differentiable(start + point * (end - start))
            scores = class_scores(model(inputs), chosen)
            total += weight * torch.autograd.grad(scores.sum(), inputs)[0]
        attributions = (end - start) * total
        with torch.no_grad():
            rise = class_scores(model(end), chosen) - class_scores(model(start), chosen)
    return IntegratedGradients(attributions, attributions.flatten(1).sum(1) - rise)


def _classes_of(model: nn.Module, images: Tensor) -> Tensor:
    """(B,) the predicted classes. They stay the same on the whole path."""
    with torch.no_grad():
        logits = model(images)
        class_scores(logits, None)  # says what is wrong if these are no logits
        return logits.argmax(1)


def _quadrature(num_steps: int) -> list[tuple[float, float]]:
    """Points in (0, 1) and their weights, which add up to 1."""
    import numpy as np

    points, weights = np.polynomial.legendre.leggauss(num_steps)
    return [(float(p + 1) / 2, float(w) / 2) for p, w in zip(points, weights, strict=True)]


def _broadcast(baseline: Tensor, images: Tensor) -> Tensor:
    try:
        return baseline.detach().to(images).expand_as(images).clone()
    except RuntimeError:
        raise InterpretationError(
            f"a baseline of shape {tuple(baseline.shape)} does not fit images {tuple(images.shape)}"
        ) from None
