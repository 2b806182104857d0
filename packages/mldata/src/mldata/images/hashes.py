"""A hash per image: they say whether splits have images in common, and show none of them."""

import hashlib
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from torch import Tensor

_BYTES = 16


def hashes_of(images: "Tensor") -> list[str]:
    """128 bits of BLAKE2b (hex) for each of the images (N, H, W, C) uint8: of the shape and values alone."""
    shape = "x".join(map(str, images.shape[1:])).encode()
    return [
        hashlib.blake2b(image.data, digest_size=_BYTES, person=shape[:16]).hexdigest()
        for image in np.ascontiguousarray(images.cpu().numpy())
    ]


def image_hashes(
    name: str,
    split: str,
    *,
    data_dir: str | Path | None = None,
    train_fraction: float = 0.8,
    split_seed: int = 42,
) -> list[str]:
    """`hashes_of` a data set's split, in the order of `load_images`; allowed where the test split is closed.

    Raises:
        DataError, ValueError: as `load_images`, except for `ClosedSplitError`.
    """
    from mldata.images.loading import read_images

    return hashes_of(
        read_images(
            name, split, data_dir=data_dir, train_fraction=train_fraction, split_seed=split_seed
        ).images
    )


def duplicate_positions(a: Sequence[str], b: Iterable[str]) -> list[int]:
    """Where in `a` the hashes stand that are also among `b`."""
    known = frozenset(b)
    return [position for position, value in enumerate(a) if value in known]


def duplicates(a: Sequence[str], b: Iterable[str]) -> int:
    """How many of the images hashed in `a` are also in `b`: 0 between splits that do not leak."""
    return len(duplicate_positions(a, b))
