"""How many updates each epoch has, where updates may take more and more batches."""

from __future__ import annotations

import math
from bisect import bisect_right
from itertools import pairwise

from mlcore.trainer.config import TrainingConfig


class EpochLengths:
    """Counts epochs in updates, and updates in epochs.

    Args:
        config: how many batches make an update in which epoch.
        num_batches: of every epoch, of one process; 1 or more.
    """

    def __init__(self, config: TrainingConfig, num_batches: int) -> None:
        growing = config.batch_size_schedule
        # Epochs from one of `starts` to the next have the same length; its first update is that of `_firsts`.
        self._starts = [0, *(() if growing is None else growing.epochs)]
        self._lengths = [math.ceil(num_batches / config.batches_per_update(start)) for start in self._starts]
        self._firsts = [0]
        for (start, following), length in zip(pairwise(self._starts), self._lengths, strict=False):
            self._firsts.append(self._firsts[-1] + (following - start) * length)

    def num_updates(self, num_epochs: int) -> int:
        """Updates of the first `num_epochs` epochs."""
        part = bisect_right(self._starts, num_epochs) - 1
        return self._firsts[part] + (num_epochs - self._starts[part]) * self._lengths[part]

    def epoch_of(self, step: int) -> int:
        """The epoch of update `step`; both count from 0."""
        part = bisect_right(self._firsts, step) - 1
        return self._starts[part] + (step - self._firsts[part]) // self._lengths[part]
