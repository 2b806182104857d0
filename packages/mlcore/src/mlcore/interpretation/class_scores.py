"""The score that a classifier gives one class of each image, to be differentiated."""

from typing import Any

import torch
from torch import Tensor

from mlcore.interpretation.errors import InterpretationError

Classes = Tensor | int | None


def differentiable(images: Tensor) -> Tensor:
    """A copy of the images that autograd follows, in the same memory format.

    Raises:
        InterpretationError: the images are whole numbers.
    """
    if not images.is_floating_point():
        raise InterpretationError(f"images are {images.dtype}; give them as the model takes them, as floats")
    return images.detach().clone().requires_grad_()


def class_scores(logits: Any, classes: Classes) -> Tensor:
    """(B,) the logit of each image's class: the given one, or, for None, the predicted one.

    Args:
        logits: (B, K), what the model returned.
        classes: (B,) whole numbers, one number for all images, or None.

    Raises:
        InterpretationError: the model returned something else, or a class is out of range.
    """
    if not isinstance(logits, Tensor) or logits.dim() != 2:
        found = tuple(logits.shape) if isinstance(logits, Tensor) else type(logits).__name__
        raise InterpretationError(f"the model must return logits (images, classes), and returned {found}")
    if classes is None:
        return logits.gather(1, logits.detach().argmax(1, keepdim=True)).squeeze(1)
    num_images, num_classes = logits.shape
    chosen = torch.as_tensor(classes, device=logits.device).long()
    if chosen.dim() == 0:
        chosen = chosen.expand(num_images)
    if chosen.shape != (num_images,):
        raise InterpretationError(
            f"{num_images} images need as many classes; got shape {tuple(chosen.shape)}"
        )
    outside = chosen[(chosen < 0) | (chosen >= num_classes)]
    if outside.numel():
        raise InterpretationError(f"class {int(outside[0])} is outside 0 to {num_classes - 1}")
    return logits.gather(1, chosen[:, None]).squeeze(1)
