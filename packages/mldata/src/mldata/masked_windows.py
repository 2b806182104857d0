"""Windows of tokens with gaps to be filled in from both sides (Devlin et al., 2019)."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray

from mldata.errors import DataError
from mldata.token_files import TokenFile
from mldata.windows import IGNORED, Batch, TokenWindows

if TYPE_CHECKING:
    from torch import Tensor

MASKED_SHARE = 0.15  # of the tokens of a window; at least one
HIDDEN_SHARE, REPLACED_SHARE = 0.8, 0.1  # of these; the rest stays as it is
_WHERE, _HOW, _WHAT, _ALONE = 1, 2, 3, 4  # streams of random numbers


class MaskedWindows(TokenWindows):
    """Iterable of (inputs, targets), int64 (batch, context_length): 15 % of a window's tokens are targets, all other
    targets are -100. Of the targets' inputs 80 % are `mask_id`, 10 % a token drawn among all, 10 % the token itself.

    What is masked is a function of (seed, epoch, place of the window in the stream), whatever the batch. Sequential
    windows are masked alike in every epoch, so that losses can be compared; tokens behind the last whole window are
    not read. All else is as in `TokenWindows`.

    Args:
        mask_id: the id that hides a token.
        vocab_size: tokens that may stand in its place: 0 to `vocab_size` - 1.

    Raises:
        DataError: fewer tokens than one window.
        ValueError: a number out of range.
    """

    def __init__(
        self,
        tokens: TokenFile | NDArray[Any],
        *,
        context_length: int,
        batch_size: int,
        mask_id: int,
        vocab_size: int,
        seed: int = 0,
        mode: Literal["random", "sequential"] = "random",
        num_workers: int = 0,
        drop_last: bool = False,
        rank: int = 0,
        world_size: int = 1,
    ) -> None:
        super().__init__(
            tokens,
            context_length=context_length,
            batch_size=batch_size,
            seed=seed,
            mode=mode,
            num_workers=num_workers,
            drop_last=drop_last,
            rank=rank,
            world_size=world_size,
        )
        self.mask_id, self.vocab_size = mask_id, vocab_size

    def _count_windows(self) -> int:
        if self.mode == "random":
            return super()._count_windows()
        num_windows = len(self.tokens) // self.context_length
        if not num_windows:
            raise DataError(f"{len(self.tokens)} tokens do not fill one window of {self.context_length}")
        return num_windows

    def _gather(self, starts: NDArray[np.int64]) -> Batch:
        import torch

        tokens = torch.from_numpy(self.tokens_of(starts))
        return self._masked(tokens, torch.from_numpy(starts))

    def tokens_of(self, starts: NDArray[np.int64]) -> NDArray[np.int64]:
        """(len(starts), context_length) the windows as they stand in the text."""
        return self.tokens[starts[:, None] + np.arange(self.context_length)].astype(np.int64)

    def _masked(self, tokens: "Tensor", starts: "Tensor") -> Batch:
        from mldata.counter_random import random_words, uniform

        # The epoch of sequential windows says nothing: a loss is compared with that of the epoch before.
        epoch = self._epoch if self.mode == "random" else 0
        length = self.context_length
        num = num_masked(length)
        where = uniform(self.seed, epoch, starts, length, stream=_WHERE).argsort(dim=1, stable=True)[:, :num]
        how = uniform(self.seed, epoch, starts, num, stream=_HOW)
        what = random_words(self.seed, epoch, starts, num, stream=_WHAT) % self.vocab_size
        original = tokens.gather(1, where)
        shown = original.where(how >= HIDDEN_SHARE + REPLACED_SHARE, what)
        shown = shown.masked_fill(how < HIDDEN_SHARE, self.mask_id)
        targets = tokens.new_full(tokens.shape, IGNORED).scatter(1, where, original)
        return tokens.scatter(1, where, shown), targets


def num_masked(context_length: int) -> int:
    """Targets of a window of so many tokens."""
    return max(1, round(MASKED_SHARE * context_length))


class LoneGaps:
    """Iterable of (inputs, targets): every whole window of a stream in order, `num_gaps` times over, each time with one
    gap alone at another place.

    Inputs are int64 (batch, num_gaps, context_length); targets (batch, num_gaps · context_length), elsewhere -100.

    Its mean loss estimates that of every token with all others in sight, the pseudo-log-likelihood (Salazar et al.,
    2020). The places are a function of (seed, place of the window in the stream).

    Args:
        tokens: a `TokenFile`, or a (num_tokens,) array of unsigned integers.
        num_gaps: places a window, at most `context_length`.
        batch_size: windows a batch.
        interior: whether the places are among those with a neighbour on both sides.

    Raises:
        DataError: fewer tokens than one window.
    """

    def __init__(
        self,
        tokens: TokenFile | NDArray[Any],
        *,
        context_length: int,
        batch_size: int,
        mask_id: int,
        num_gaps: int = 1,
        seed: int = 0,
        interior: bool = False,
    ) -> None:
        # Which token would stand for a replaced one does not matter: none is replaced here.
        self._windows = MaskedWindows(
            tokens,
            context_length=context_length,
            batch_size=batch_size,
            mask_id=mask_id,
            vocab_size=1,
            mode="sequential",
        )
        self.mask_id, self.seed, self.margin = mask_id, seed, int(interior)
        self.num_gaps = min(num_gaps, context_length - 2 * self.margin)

    def __len__(self) -> int:
        return len(self._windows)

    def __iter__(self) -> Iterator[Batch]:
        import torch

        from mldata.counter_random import uniform

        windows, length = self._windows, self._windows.context_length
        all_starts = windows.window_starts(0)
        for first in range(0, len(all_starts), windows.batch_size):
            starts = all_starts[first : first + windows.batch_size]
            tokens = torch.from_numpy(windows.tokens_of(starts))
            places = length - 2 * self.margin
            order = uniform(self.seed, 0, torch.from_numpy(starts), places, stream=_ALONE).argsort(
                dim=1, stable=True
            )
            where = (self.margin + order[:, : self.num_gaps]).unsqueeze(2)
            copies = tokens.unsqueeze(1).expand(-1, self.num_gaps, -1)
            inputs = copies.scatter(2, where, self.mask_id)
            targets = torch.full_like(copies, IGNORED).scatter(2, where, copies.gather(2, where))
            yield inputs, targets.flatten(1)
