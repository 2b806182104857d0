"""A set of labelled images in memory, as bytes: 60,000 of 28 x 28 take 47 MB, as floats they would take 188."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from mldata.errors import DataError

_CHUNK_IMAGES = 256


@dataclass(frozen=True, eq=False)
class ImageDataset:
    """Images and labels of one split; nothing in it is ever changed in place.

    Args:
        name: of the data set.
        split: "train", "validation" or "test"; whatever is taken from a test split stays "test".
        images: (N, H, W, C) uint8.
        labels: (N,) int64, from 0 to `len(classes) - 1`.
        classes: their names, in the labels' order.
        indices: (N,) int64, each image's position in the source's split (its train split for train and
            validation); augmentation is a function of it.
        source: in words, where the images come from.

    Raises:
        DataError: shapes, types or labels that do not fit together.
    """

    name: str
    split: str
    images: Tensor
    labels: Tensor
    classes: tuple[str, ...]
    indices: Tensor
    source: str = ""

    def __post_init__(self) -> None:
        if self.images.ndim != 4 or self.images.dtype != torch.uint8:
            found = f"{tuple(self.images.shape)} {self.images.dtype}"
            raise DataError(f"images of {self.name!r} are {found}; they must be (N, H, W, C) uint8")
        for what, values in (("labels", self.labels), ("indices", self.indices)):
            if values.shape != self.images.shape[:1] or values.dtype != torch.int64:
                raise DataError(
                    f"{what} of {self.name!r} are {tuple(values.shape)} {values.dtype}; "
                    f"they must be ({len(self.images)},) int64"
                )
        if len(self.labels) and not 0 <= int(self.labels.min()) <= int(self.labels.max()) < self.num_classes:
            raise DataError(
                f"labels of {self.name!r} go from {int(self.labels.min())} to {int(self.labels.max())}; "
                f"{self.num_classes} classes have 0 to {self.num_classes - 1}"
            )

    def __len__(self) -> int:
        return len(self.images)

    def __repr__(self) -> str:
        shape = " x ".join(map(str, self.image_shape))
        return f"ImageDataset({self.name!r}, {self.split!r}, {len(self)} images of {shape})"

    @property
    def num_classes(self) -> int:
        return len(self.classes)

    @property
    def image_shape(self) -> tuple[int, int, int]:
        """(H, W, C)."""
        height, width, channels = self.images.shape[1:]
        return height, width, channels

    @cached_property
    def fingerprint(self) -> str:
        """SHA-256 (hex) of the images' shape and values, the labels and the classes; where they lie and what
        they are called does not change it.
        """
        digest = hashlib.sha256(repr((tuple(self.images.shape), self.classes)).encode())
        digest.update(np.ascontiguousarray(self.images.cpu().numpy()).data)
        digest.update(self.labels.cpu().numpy().astype("<i8").tobytes())
        return digest.hexdigest()

    def subset(self, positions: Tensor | NDArray[np.integer] | Sequence[int]) -> "ImageDataset":
        """The images at these positions of this set, in this order; positions may repeat.

        Raises:
            ValueError: a position outside 0 to `len(self) - 1`.
        """
        chosen = torch.as_tensor(positions, device=self.images.device)
        if chosen.dtype == torch.bool:
            raise ValueError("positions are truth values; give the positions themselves (mask.nonzero())")
        chosen = chosen.to(torch.int64).reshape(-1)
        if len(chosen) and not 0 <= int(chosen.min()) <= int(chosen.max()) < len(self):
            raise ValueError(
                f"positions go from {int(chosen.min())} to {int(chosen.max())}; "
                f"the set has {len(self)} images"
            )
        return replace(
            self, images=self.images[chosen], labels=self.labels[chosen], indices=self.indices[chosen]
        )

    def to(self, device: torch.device | str) -> "ImageDataset":
        """The set with its tensors on another device: batches are then gathered there."""
        moved = {key: getattr(self, key).to(device) for key in ("images", "labels", "indices")}
        return replace(self, **moved)

    def class_counts(self) -> list[int]:
        """How many images each class has."""
        return torch.bincount(self.labels, minlength=self.num_classes).tolist()

    def channel_statistics(self) -> tuple[list[float], list[float]]:
        """Mean and population standard deviation of each channel of `images / 255`, from exact integer sums.

        Raises:
            DataError: no image.
        """
        return self._channel_statistics

    @cached_property
    def _channel_statistics(self) -> tuple[list[float], list[float]]:
        if not self.images.numel():
            raise DataError(f"{self!r} has no pixel to take statistics of")
        count = self.images.numel() // self.images.shape[3]
        values = np.arange(256)
        histograms = self._histograms()
        sums = [(int(h @ values), int(h @ values**2)) for h in histograms]
        means = [t / count / 255 for t, _ in sums]
        # The numerator is an exact integer: nothing cancels, however little the values differ.
        variances = [(count * s - t * t) / count**2 for t, s in sums]
        return means, [variance**0.5 / 255 for variance in variances]

    def _histograms(self) -> NDArray[np.int64]:
        """(C, 256) how often each value occurs in each channel."""
        channels = self.images.shape[3]
        counts = np.zeros((channels, 256), dtype=np.int64)
        for chunk in self.images.split(_CHUNK_IMAGES):
            values = chunk.cpu().numpy().reshape(-1, channels)
            for channel in range(channels):
                counts[channel] += np.bincount(values[:, channel], minlength=256)
        return counts
