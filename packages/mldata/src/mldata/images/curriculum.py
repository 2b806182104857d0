"""Which images an epoch draws from, and in which order: easy ones first, then a growing share of all.

After Hacohen and Weinshall, "On the power of curriculum learning in training deep networks" (2019). Every epoch has as
many images as without a curriculum: a small share is gone through several times, each time in another order. So runs
with and without one take equally many updates, and a curriculum can be compared with what it should be compared with:
the same growing share in any order (`random`), or from the other end (`anti`).
"""

import hashlib
import math

import numpy as np
from numpy.typing import NDArray

from mldata.errors import DataError
from mldata.images.config import CurriculumConfig
from mldata.images.splits import seeded_order

_RANDOM_ORDER = 0x0CDE  # its key beside the seed: no epoch's order is drawn with it
_PASS_BITS = 16  # what an epoch's later passes add to the number that augmentation draws by


class Curriculum:
    """A function of (seed, epoch).

    Args:
        config: order and pacing.
        scores: (N,) one number an image; the larger, the harder.
        labels: (N,) its class.
        seed: of the orders.

    Raises:
        DataError: not one finite score an image.
    """

    def __init__(
        self, config: CurriculumConfig, scores: NDArray[np.floating], labels: NDArray[np.integer], seed: int
    ) -> None:
        if scores.shape != labels.shape or not np.isfinite(scores).all():
            raise DataError(
                f"curriculum: {scores.size} scores, {int(np.isfinite(scores).sum())} of them finite, for {len(labels)} "
                "training images: give one number an image"
            )
        self.config, self.seed = config, seed
        hardness = {"curriculum": scores, "anti": -scores, "random": _shuffled(len(scores), seed)}[
            config.order
        ]
        self._ranked = _ranked(hardness, labels if config.balanced else np.zeros_like(labels))

    @property
    def fingerprint(self) -> str:
        """SHA-256 (hex) of the ranking and the pacing."""
        digest = hashlib.sha256(self.config.model_dump_json(exclude={"scores"}).encode())
        digest.update(self._ranked.astype("<i8").tobytes())
        return digest.hexdigest()

    def share(self, epoch: int) -> float:
        """The share of all images that epoch `epoch` (from 0) draws from."""
        start, progress = self.config.start, min(1.0, epoch / self.config.epochs)
        if self.config.pacing == "linear":
            return start + (1 - start) * progress
        if self.config.pacing == "root":  # Platanios et al., 2019
            return math.sqrt(start**2 + (1 - start**2) * progress)
        stage = math.floor(progress * self.config.stages + 1e-9) / self.config.stages
        return float(start ** (1 - stage))

    def pool(self, epoch: int) -> NDArray[np.int64]:
        """Positions of the images that the epoch draws from, the first ones first."""
        return self._ranked[: max(1, round(self.share(epoch) * len(self._ranked)))]

    def order(self, epoch: int) -> NDArray[np.int64]:
        """(N,) positions: the pool, shuffled, as often as it takes. Of all images: what it is without a curriculum."""
        count, pool = len(self._ranked), self.pool(epoch)
        if len(pool) == count:
            return seeded_order(count, self.seed, epoch)
        passes = range(math.ceil(count / len(pool)))
        return np.concatenate([pool[seeded_order(len(pool), self.seed, epoch, p)] for p in passes])[:count]

    def draw_number(self, epoch: int, position: int) -> int:
        """What stands for the epoch where augmentation draws: another number for each pass through the pool.

        Args:
            position: in the epoch's order.
        """
        return epoch + (position // len(self.pool(epoch)) << _PASS_BITS)


def _shuffled(count: int, seed: int) -> NDArray[np.int64]:
    return seeded_order(count, seed, _RANDOM_ORDER, _RANDOM_ORDER)


def _ranked(hardness: NDArray[np.number], labels: NDArray[np.integer]) -> NDArray[np.int64]:
    """Positions by the share of their class that is easier: any beginning holds the classes in equal shares."""
    shares = np.empty(len(labels))
    for label in np.unique(labels):
        mine = np.flatnonzero(labels == label)
        ranks = np.empty(len(mine))
        ranks[np.argsort(hardness[mine], kind="stable")] = np.arange(len(mine))
        shares[mine] = (ranks + 0.5) / len(mine)
    return np.argsort(shares, kind="stable").astype(np.int64)
