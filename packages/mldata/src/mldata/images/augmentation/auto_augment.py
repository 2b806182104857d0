"""AutoAugment for whole batches: every image gets one of the 25 pairs of changes that a search found for CIFAR-10.

Cubuk, Zoph, Mane, Vasudevan & Le, "AutoAugment: learning augmentation strategies from data" (2018). The changes are
those of RandAugment here: pixels are read bilinearly, and shears are about the centre; the paper's are about a corner.
"""

import torch
from torch import Tensor

from mldata.counter_random import uniform
from mldata.images.augmentation.parameters import AUTO_AUGMENT_STREAM
from mldata.images.augmentation.rand_augment import ALL_NAMES, apply_ops

Change = tuple[str, float, int]  # name, probability, strength from 0 to 9

POLICY: tuple[tuple[Change, Change], ...] = (
    (("invert", 0.1, 0), ("contrast", 0.2, 6)),
    (("rotate", 0.7, 2), ("translate_x", 0.3, 9)),
    (("sharpness", 0.8, 1), ("sharpness", 0.9, 3)),
    (("shear_y", 0.5, 8), ("translate_y", 0.7, 9)),
    (("autocontrast", 0.5, 0), ("equalize", 0.9, 0)),
    (("shear_y", 0.2, 7), ("posterize", 0.3, 7)),
    (("saturation", 0.4, 3), ("brightness", 0.6, 7)),
    (("sharpness", 0.3, 9), ("brightness", 0.7, 9)),
    (("equalize", 0.6, 0), ("equalize", 0.5, 0)),
    (("contrast", 0.6, 7), ("sharpness", 0.6, 5)),
    (("saturation", 0.7, 7), ("translate_x", 0.5, 8)),
    (("equalize", 0.3, 0), ("autocontrast", 0.4, 0)),
    (("translate_y", 0.4, 3), ("sharpness", 0.2, 6)),
    (("brightness", 0.9, 6), ("saturation", 0.2, 8)),
    (("solarize", 0.5, 2), ("invert", 0.0, 0)),
    (("equalize", 0.2, 0), ("autocontrast", 0.6, 0)),
    (("equalize", 0.2, 0), ("equalize", 0.6, 0)),
    (("saturation", 0.9, 9), ("equalize", 0.6, 0)),
    (("autocontrast", 0.8, 0), ("solarize", 0.2, 8)),
    (("brightness", 0.1, 3), ("saturation", 0.7, 0)),
    (("solarize", 0.4, 5), ("autocontrast", 0.9, 0)),
    (("translate_y", 0.9, 9), ("translate_y", 0.7, 9)),
    (("autocontrast", 0.9, 0), ("solarize", 0.8, 3)),
    (("equalize", 0.8, 0), ("invert", 0.1, 0)),
    (("translate_y", 0.7, 9), ("autocontrast", 0.9, 0)),
)
_LARGEST = 9
_NUM_DRAWS = 5  # which pair; of each change whether it happens, and in which direction


def auto_augment(images: Tensor, seed: int, epoch: int, indices: Tensor) -> Tensor:
    """(B, H, W, C) uint8: `images`, each after a pair of `POLICY` drawn by (seed, epoch, index)."""
    draws = uniform(seed, epoch, indices, _NUM_DRAWS, stream=AUTO_AUGMENT_STREAM)
    pairs = (draws[:, 0] * len(POLICY)).long()
    for place in (0, 1):
        names, probabilities, strengths = _columns(place, images.device)
        happens = draws[:, 1 + place] < probabilities[pairs]
        signs = torch.where(draws[:, 3 + place] < 0.5, -1.0, 1.0).double()
        chosen = torch.where(happens, names[pairs], ALL_NAMES.index("identity"))
        images = apply_ops(images, chosen, signs * strengths[pairs])
    return images


def _columns(place: int, device: torch.device) -> tuple[Tensor, Tensor, Tensor]:
    """(25,) each: number in `ALL_NAMES`, probability and strength (0 to 1) of one change of every pair."""
    changes = [pair[place] for pair in POLICY]
    return (
        torch.tensor([ALL_NAMES.index(name) for name, _, _ in changes], device=device),
        torch.tensor([probability for _, probability, _ in changes], device=device),
        torch.tensor([strength for _, _, strength in changes], device=device).double() / _LARGEST,
    )
