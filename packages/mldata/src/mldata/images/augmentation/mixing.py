"""MixUp and CutMix: two images and their labels in one (Zhang et al., 2017; Yun et al., 2019).

An image is mixed with the one before it in its batch, the first with the last: batches are in random order anyway. How
much of each is a function of (seed, epoch, index); who meets whom depends on the epoch's order, too.
"""

from functools import lru_cache

import torch
from torch import Tensor
from torch.nn.functional import one_hot

from mldata.counter_random import uniform
from mldata.images.augmentation.config import AugmentationConfig
from mldata.images.augmentation.erasing import rectangle_masks
from mldata.images.augmentation.parameters import MIXING_STREAM

_LEVELS = 1 << 12


class Mixing:
    """Called with a batch; returns it mixed, and its targets as probabilities.

    Args:
        config: `mixup` and `cutmix` are the alphas of their Beta distributions; with both, each image draws one.
        seed: of the draws.
        num_classes: K.
    """

    def __init__(self, config: AugmentationConfig, *, seed: int, num_classes: int) -> None:
        self.config, self.seed, self.num_classes = config, seed, num_classes

    def __call__(self, images: Tensor, labels: Tensor, indices: Tensor, epoch: int) -> tuple[Tensor, Tensor]:
        """(B, C, H, W) float32 in [0, 1], and targets (B, K) that sum to 1.

        Args:
            images: (B, C, H, W), bytes or floats in [0, 1].
            labels: (B,) int64.
            indices: (B,) int64: positions in the data set.
            epoch: 0 or more.
        """
        floats = images.float().div_(255.0) if images.dtype == torch.uint8 else images
        draws = uniform(self.seed, epoch, indices.to(images.device), 4, stream=MIXING_STREAM)
        cuts = self._cuts(draws[:, 0])
        blends = beta_quantiles(draws[:, 1], self.config.mixup or 1.0)
        pastes = beta_quantiles(draws[:, 1], self.config.cutmix or 1.0)
        shares = torch.where(cuts, pastes, blends)
        others, other_labels = floats.roll(1, dims=0), labels.roll(1)
        boxes, box_shares = _boxes(shares, draws[:, 2], draws[:, 3], *images.shape[2:])
        shares = torch.where(cuts, box_shares, shares)
        masks = rectangle_masks(boxes, *images.shape[2:]).unsqueeze(1)
        weights = shares.view(-1, 1, 1, 1)
        blended = torch.where(
            cuts.view(-1, 1, 1, 1),
            torch.where(masks, others, floats),
            weights * floats + (1 - weights) * others,
        )
        own = one_hot(labels, self.num_classes).float()
        other = one_hot(other_labels, self.num_classes).float()
        return blended, shares[:, None] * own + (1 - shares[:, None]) * other

    def _cuts(self, draw: Tensor) -> Tensor:
        """(B,) bool: which images are cut, not blended."""
        if self.config.mixup > 0.0 and self.config.cutmix > 0.0:
            return draw < 0.5
        return torch.full_like(draw, self.config.cutmix > 0.0, dtype=torch.bool)


def _boxes(shares: Tensor, down: Tensor, across: Tensor, height: int, width: int) -> tuple[Tensor, Tensor]:
    """(B, 4) top, left, height, width of boxes with 1 - share of the area, and what share is left outside.

    The centre is uniform over the image; what would lie outside is cut off, hence the second result.
    """
    half = (1.0 - shares).sqrt() / 2.0
    centres = ((down * height).floor(), (across * width).floor())
    edges = []
    for centre, size in zip(centres, (height, width), strict=True):
        reach = (half * size).floor()
        edges.append(((centre - reach).clamp(0, size), (centre + reach).clamp(0, size)))
    (top, bottom), (left, right) = edges
    boxes = torch.stack((top, left, bottom - top, right - left), dim=1).long()
    return boxes, 1.0 - (bottom - top) * (right - left) / (height * width)


def beta_quantiles(draws: Tensor, alpha: float) -> Tensor:
    """(B,) float32 in [0, 1] of uniform numbers: the midpoint quantiles of Beta(alpha, alpha)."""
    return _quantile_table(alpha).to(draws.device)[(draws * _LEVELS).long()]


@lru_cache(maxsize=8)
def _quantile_table(alpha: float) -> Tensor:
    import numpy as np
    from scipy.special import betaincinv

    return torch.from_numpy(betaincinv(alpha, alpha, (np.arange(_LEVELS) + 0.5) / _LEVELS)).float()
