"""Padded batches of labelled texts; in training their texts are of like lengths, and their order a function of
(seed, epoch)."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from mldata.errors import DataError
from mldata.labelled_text.encoding import EncodedTexts
from mldata.resumable_loader import ResumableLoader, num_rows_of_rank, rows_of_rank

if TYPE_CHECKING:
    from torch import Tensor

Batch = tuple["Tensor", "Tensor"]
STEPS_IN_A_BUCKET = 50


class LabelledTextBatches(ResumableLoader):
    """Iterable of (tokens, labels): int64 (B, T), filled on the right with `pad_id` up to the longest of the batch, and
    int64 (B,).

    Every text is in an epoch once. With `shuffle` the texts are shuffled, sorted by length within buckets of 50
    batches, and the batches shuffled: padding is little, and every epoch's batches are others. The position counts
    batches handed out; `load_state_dict` lets the next iteration begin there. With several ranks, batch k of all ranks
    together are the rows of one large batch.

    Args:
        texts: of one split.
        batch_size: rows a batch, per rank.
        shuffle: another order each epoch; otherwise the order of the set.
        seed: of the order.
        rank, world_size: which share of every large batch this process takes. With `shuffle` up to `world_size - 1`
            texts are left out, so that all ranks take equally many steps.

    Raises:
        DataError: fewer texts than ranks, or a shuffled test split: nobody trains on that.
        ValueError: a number out of range.
    """

    def __init__(
        self,
        texts: EncodedTexts,
        *,
        batch_size: int,
        shuffle: bool = False,
        seed: int = 0,
        rank: int = 0,
        world_size: int = 1,
    ) -> None:
        super().__init__()
        if batch_size < 1 or seed < 0 or not 0 <= rank < world_size:
            raise ValueError(
                f"batch_size {batch_size}, seed {seed}, rank {rank} of {world_size}: out of range"
            )
        if shuffle and texts.split == "test":
            raise DataError(f"the test split of {texts.name!r} is for evaluation: nothing trains on it")
        self.texts, self.batch_size, self.shuffle, self.seed = texts, batch_size, shuffle, seed
        self.rank, self.world_size = rank, world_size
        self._lengths = texts.lengths
        self._num_rows = len(texts) - (len(texts) % world_size if shuffle else 0)
        if self._num_rows == 0:
            raise DataError(f"{len(texts)} texts of {texts.name!r} give no batch to {world_size} rank(s)")

    def __len__(self) -> int:
        """Batches an epoch, of this rank."""
        full, rest = divmod(self._num_rows, self.batch_size * self.world_size)
        return full + int(num_rows_of_rank(rest, self.rank, self.world_size) > 0)

    def __iter__(self) -> Iterator[Batch]:
        begin, self._start = self._start, 0
        self._position = begin
        steps = self.steps(self._epoch)
        for step in range(begin, len(self)):
            self._position += 1
            yield self._padded(rows_of_rank(steps[step], self.rank, self.world_size))
        self._epoch, self._position = self._epoch + 1, 0

    def steps(self, epoch: int) -> list[NDArray[np.int64]]:
        """The texts of every step of the epoch, of all ranks together."""
        per_step = self.batch_size * self.world_size
        if not self.shuffle:
            order = np.arange(self._num_rows)
            return [order[begin : begin + per_step] for begin in range(0, self._num_rows, per_step)]
        generator = np.random.Generator(np.random.PCG64(np.random.SeedSequence([self.seed, epoch])))
        order = generator.permutation(len(self.texts))[: self._num_rows]
        in_bucket = STEPS_IN_A_BUCKET * per_step
        buckets = [order[begin : begin + in_bucket] for begin in range(0, self._num_rows, in_bucket)]
        order = np.concatenate([rows[np.argsort(self._lengths[rows], kind="stable")] for rows in buckets])
        steps = [order[begin : begin + per_step] for begin in range(0, self._num_rows, per_step)]
        return [steps[number] for number in generator.permutation(len(steps))]

    def _padded(self, rows: NDArray[np.int64]) -> Batch:
        import torch

        tokens = np.full((len(rows), int(self._lengths[rows].max())), self.texts.pad_id, dtype=np.int64)
        for place, row in enumerate(rows):
            tokens[place, : self._lengths[row]] = self.texts.tokens[row]
        return torch.from_numpy(tokens), torch.from_numpy(self.texts.labels[rows])
