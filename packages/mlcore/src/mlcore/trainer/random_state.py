"""Random numbers of a run: seeded once, restored on resume, untouched by evaluation and samples."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch

from mlcore.seeding import capture_rng_state, restore_rng_state, seed_everything, seed_for


@contextmanager
def preserved_rng() -> Iterator[None]:
    """Whatever is drawn inside, the generators stand afterwards where they stood before."""
    state = capture_rng_state()
    try:
        yield
    finally:
        restore_rng_state(state)


def seed_process(seed: int, rank: int) -> None:
    """Seed one process of a run: the first with ``seed`` itself, each other one with a seed of its own.

    The deterministic mode stays as it was chosen.
    """
    own = seed if rank == 0 else seed_for(seed, "rank", rank)
    seed_everything(own, deterministic=torch.are_deterministic_algorithms_enabled())
