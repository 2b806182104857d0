"""Batches whose rows continue one another: each row reads its own part of the text from beginning to end."""

import math
from collections.abc import Iterator
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from mldata.errors import DataError
from mldata.resumable_loader import ResumableLoader
from mldata.token_files import TokenFile
from mldata.windows import IGNORED, Batch, check_numbers


class TokenStreams(ResumableLoader):
    """Iterable of (inputs, targets), int64 tensors (batch, context_length); targets are inputs one token later, and
    row r of a batch goes on where row r of the batch before ended.

    The stream of tokens is cut into as many equal parts as there are rows, of all ranks together.

    random: each epoch begins at another offset (a function of (seed, epoch)); windows are full, and the few tokens that
    would not fill one are left out.
    sequential: every token but the first is a target exactly once; a part's last window is padded, its missing targets
    are -100. With one row it is the text itself in order.

    The position counts batches handed out; `load_state_dict` lets the next iteration begin there.

    Args:
        tokens: a `TokenFile`, or a (num_tokens,) array of unsigned integers.
        context_length: T, tokens a window.
        batch_size: rows, per rank.
        seed: of the offsets.
        rank, world_size: whose rows.

    Raises:
        DataError: fewer tokens than the rows need, or random streams of a test split.
        ValueError: a number out of range.
    """

    what_sizes_an_epoch = "the data, batch size or context length"

    def __init__(
        self,
        tokens: TokenFile | NDArray[Any],
        *,
        context_length: int,
        batch_size: int,
        seed: int = 0,
        mode: Literal["random", "sequential"] = "random",
        rank: int = 0,
        world_size: int = 1,
    ) -> None:
        super().__init__()
        check_numbers(context_length, batch_size, 0, rank, world_size, seed)
        if isinstance(tokens, TokenFile) and tokens.manifest.split == "test" and mode == "random":
            raise DataError(f"{tokens.folder} is a test split: it is for evaluation, not for training")
        self.tokens: NDArray[Any] = np.asarray(tokens.tokens if isinstance(tokens, TokenFile) else tokens)
        self.context_length, self.batch_size, self.seed, self.mode = context_length, batch_size, seed, mode
        self.rank, self._num_rows = rank, batch_size * world_size
        self._num_steps = self._count_steps()

    def _count_steps(self) -> int:
        # As much as fits behind the largest offset, so that all epochs are equally long.
        spare = self.context_length - 1 if self.mode == "random" else 0
        row_length = (len(self.tokens) - 1 - spare) / self._num_rows
        steps = row_length / self.context_length
        steps = math.floor(steps) if self.mode == "random" else math.ceil(steps)
        if row_length < 1 or steps < 1:
            raise DataError(
                f"{len(self.tokens)} tokens are too few for {self._num_rows} rows in windows of {self.context_length}"
            )
        return steps

    def __len__(self) -> int:
        """Batches an epoch."""
        return self._num_steps

    def __iter__(self) -> Iterator[Batch]:
        begin, self._start = self._start, 0
        self._position = begin
        bounds = self.row_bounds(self._epoch)
        for step in range(begin, len(self)):
            self._position += 1
            yield self._window(bounds, step)
        self._epoch, self._position = self._epoch + 1, 0

    def row_bounds(self, epoch: int) -> NDArray[np.int64]:
        """(rows of all ranks + 1,) where each row's inputs begin in the stream; the last is where they end."""
        if self.mode == "sequential":
            return np.arange(self._num_rows + 1, dtype=np.int64) * (len(self.tokens) - 1) // self._num_rows
        generator = np.random.Generator(np.random.PCG64(np.random.SeedSequence([self.seed, epoch])))
        offset = int(generator.integers(self.context_length))
        row_length = (len(self.tokens) - self.context_length) // self._num_rows
        return offset + np.arange(self._num_rows + 1, dtype=np.int64) * row_length

    def _window(self, bounds: NDArray[np.int64], step: int) -> Batch:
        import torch

        inputs = np.zeros((self.batch_size, self.context_length), dtype=np.int64)
        targets = np.full_like(inputs, IGNORED)
        for row in range(self.batch_size):
            place = self.rank * self.batch_size + row
            begin = bounds[place] + step * self.context_length
            length = max(0, min(self.context_length, int(bounds[place + 1] - begin)))
            inputs[row, :length] = self.tokens[begin : begin + length]
            targets[row, :length] = self.tokens[begin + 1 : begin + length + 1]
        return torch.from_numpy(inputs), torch.from_numpy(targets)
