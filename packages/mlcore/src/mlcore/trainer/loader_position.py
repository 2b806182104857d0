"""Iterating over an epoch from any batch on: a resumed run sees the batches of the uninterrupted one."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import islice
from typing import Any

from mlcore.errors import CheckpointError
from mlcore.seeding import capture_rng_state, restore_rng_state
from mlcore.trainer.protocols import Loader


class LoaderPosition:
    """Knows how to get a loader to the batch where training stands.

    A loader with ``load_state_dict`` is told the position; its order must not hang on the global generators.
    Any other is started again from the random state in which its epoch began, which gives the same shuffling,
    and the batches that are done are passed over.
    """

    def __init__(self) -> None:
        self._epoch_rng: dict[str, Any] | None = None
        self._saved: dict[str, Any] = {}

    def batches(self, loader: Loader, epoch: int, position: int) -> Iterator[Any]:
        """Batches ``position``, ``position + 1``, ... of epoch ``epoch``.

        Args:
            loader: any iterable.
            epoch: number of the epoch, from 0.
            position: batches of it that have been consumed.

        Raises:
            CheckpointError: the loader has fewer batches than have been consumed.
        """
        if hasattr(loader, "set_epoch"):
            loader.set_epoch(epoch)
        set_position = getattr(loader, "load_state_dict", None)
        if set_position is not None and (self._saved or position > 0):
            set_position({**self._saved, "epoch": epoch, "position": position})
        self._saved = {}
        if position == 0:
            self._epoch_rng = capture_rng_state()
            return iter(loader)
        now = capture_rng_state()
        if self._epoch_rng is not None:
            # A DataLoader draws its workers' and its sampler's seeds when it is started.
            restore_rng_state(self._epoch_rng)
        batches = iter(loader)
        num_passed = position if set_position is not None else sum(1 for _ in islice(batches, position))
        restore_rng_state(now)
        if num_passed < position:
            raise CheckpointError(
                f"the checkpoint stands at batch {position} of its epoch, the loader has only {num_passed}: "
                "the data or the batch size has changed"
            )
        return batches

    def state_dict(self, loader: Loader | None, epoch: int, position: int) -> dict[str, Any]:
        """The loader's own state, with the trainer's count of consumed batches in place of any other."""
        read = getattr(loader, "state_dict", None)
        own = {} if read is None else read()
        return {**own, "epoch": epoch, "position": position}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Keep the loader's own state until there is a loader."""
        self._saved = dict(state)

    def rng_state_dict(self) -> dict[str, Any] | None:
        """The random state in which the current epoch began; None before the first."""
        return self._epoch_rng

    def load_rng_state_dict(self, state: dict[str, Any] | None) -> None:
        """Restore it."""
        self._epoch_rng = state


def num_batches(loader: Loader) -> int | None:
    """Batches an epoch, where the loader knows."""
    try:
        return len(loader)  # type: ignore[arg-type]
    except (TypeError, NotImplementedError):
        return None
