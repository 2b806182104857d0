"""Batches of normalised images out of a set in memory; their order is a function of (seed, epoch)."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn.functional import interpolate

from mldata.errors import DataError
from mldata.images.curriculum import Curriculum
from mldata.images.dataset import ImageDataset
from mldata.images.normalising import Normalisation
from mldata.images.splits import seeded_order
from mldata.reading_ahead import work_ahead
from mldata.resumable_loader import ResumableLoader, num_rows_of_rank, rows_of_rank

Batch = tuple[Tensor, Tensor]
LabelledBatch = tuple[Tensor, Any]  # with attributes the labels are a mapping of tensors
# (images (B, H, W, C) uint8, indices (B,) int64, epoch) -> (B, C, H, W) in [0, 1], a tensor of its own.
Augmentation = Callable[[Tensor, Tensor, int], Tensor]
# (images (B, C, H, W), labels (B,), indices (B,), epoch) -> images and targets (B, K).
Mixing = Callable[[Tensor, Tensor, Tensor, int], Batch]
Resizing = Callable[[int], int | None]  # epoch -> edge in pixels


class ImageBatches(ResumableLoader):
    """Iterable of (images, labels): float32 (B, C, H, W) that are `(image / 255 - mean) / std`, int64 (B,).

    Every image is in an epoch once. The position counts batches handed out. `load_state_dict` lets the next
    iteration begin there; every other iteration begins at the epoch's start. With several ranks, batch k of
    all ranks together are the rows of one large batch.

    Each batch is new memory and the consumer's own. Besides the set itself (1 byte a value) there is one
    batch at a time (5 bytes a value, 2 MB for 512 of 28 x 28), with workers `2 * num_workers + 2` of them.
    A set on another device (`dataset.to("cuda")`) gives batches there.

    Args:
        dataset: the images.
        batch_size: images a batch, per rank.
        mean, std: of each channel of `image / 255`, or one number for all.
        shuffle: another order each epoch; otherwise the order of the set.
        seed: of the order.
        curriculum: decides, where batches are shuffled, which images an epoch draws from; it has its own seed.
        augmentation: called as `augmentation(images (B, H, W, C) uint8, indices (B,), epoch)`; gives
            (B, C, H, W) floats in [0, 1], or bytes.
        mixing: called after it, as `mixing(images (B, C, H, W), labels, indices, epoch)`; gives images and targets,
            probabilities (B, K), which then take the labels' place.
        resizing: gives the edge in pixels to which an epoch's batches are resampled last, or None for none; bilinear,
            each pixel the mean of those that it covers.
        attributes: further labels (N,) of all images, by name. A batch's labels are then a mapping, in which the
            set's own are called "class".
        drop_last: leave out the last batch if it is not full. With `shuffle` and several ranks up to
            `world_size - 1` images are left out in any case, so that all ranks take equally many steps.
        channels_last: the batches' memory has the channels innermost, as convolutions on a CPU like it.
        rank, world_size: which share of every large batch this process takes.
        num_workers: threads that work ahead; worth it with augmentation, and the bits stay the same.

    Raises:
        DataError: no image, fewer than a batch with `drop_last`, fewer than ranks, or a shuffled test split:
            nobody trains on that.
        ValueError: a number out of range, or mixing with attributes: they cannot be mixed.
    """

    def __init__(
        self,
        dataset: ImageDataset,
        *,
        batch_size: int,
        mean: float | Sequence[float],
        std: float | Sequence[float],
        shuffle: bool = False,
        seed: int = 0,
        curriculum: Curriculum | None = None,
        augmentation: Augmentation | None = None,
        mixing: Mixing | None = None,
        resizing: Resizing | None = None,
        attributes: Mapping[str, Tensor] | None = None,
        drop_last: bool = False,
        channels_last: bool = False,
        rank: int = 0,
        world_size: int = 1,
        num_workers: int = 0,
    ) -> None:
        super().__init__()
        _check_numbers(batch_size, num_workers, rank, world_size, seed)
        if shuffle and dataset.split == "test":
            raise DataError(f"{dataset!r} is for evaluation: it is not shuffled, and nothing trains on it")
        self.dataset, self.batch_size, self.seed = dataset, batch_size, seed
        self.shuffle, self.augmentation, self.drop_last = shuffle, augmentation, drop_last
        self.attributes = dict(attributes or {})
        if mixing is not None and self.attributes:
            raise ValueError(f"mixing mixes one label, and there are {len(self.attributes) + 1}")
        self.mixing, self.curriculum = mixing, curriculum if shuffle else None
        self.resizing = resizing
        self.channels_last, self.num_workers = channels_last, num_workers
        self.rank, self.world_size = rank, world_size
        self._normalised = Normalisation(mean, std, dataset.image_shape[2])
        self._num_images = self._count_images()

    def _count_images(self) -> int:
        count = len(self.dataset)
        if self.shuffle:
            count -= count % self.world_size
        if count == 0:
            raise DataError(f"{self.dataset!r} gives no batch to {self.world_size} rank(s)")
        if self.drop_last and count < self.batch_size * self.world_size:
            raise DataError(
                f"{self.dataset!r} has no full batch of {self.batch_size * self.world_size}, and drop_last "
                "leaves out the others; a smaller batch_size would do"
            )
        return count

    def __len__(self) -> int:
        """Batches an epoch, of this rank."""
        full, rest = divmod(self._num_images, self.batch_size * self.world_size)
        partial = not self.drop_last and num_rows_of_rank(rest, self.rank, self.world_size) > 0
        return full + int(partial)

    def __iter__(self) -> Iterator[LabelledBatch]:
        begin, self._start = self._start, 0
        self._position = begin
        epoch = self._epoch
        order = self.order(epoch)
        size = None if self.resizing is None else self.resizing(epoch)
        tasks = (
            (self._rows(order, step), self._draw_number(epoch, step), size)
            for step in range(begin, len(self))
        )
        for batch in work_ahead(self._gather, tasks, self.num_workers):
            self._position += 1
            yield batch
        self._epoch, self._position = epoch + 1, 0

    def order(self, epoch: int) -> NDArray[np.int64]:
        """(images of all ranks,) positions in the set, in the order that the epoch sees them."""
        if not self.shuffle:
            return np.arange(self._num_images)
        if self.curriculum is not None:
            return self.curriculum.order(epoch)[: self._num_images]
        return seeded_order(len(self.dataset), self.seed, epoch)[: self._num_images]

    def state_dict(self) -> dict[str, Any]:
        """Epoch and position; with a curriculum also which one it was."""
        own = {} if self.curriculum is None else {"curriculum": self.curriculum.fingerprint}
        return {**super().state_dict(), **own}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """As every loader.

        Raises:
            DataError: no epoch of this loader has such a batch, or the images came in another curriculum's order.
        """
        before = state.get("curriculum")
        if self.curriculum is not None and before not in (None, self.curriculum.fingerprint):
            raise DataError("cannot continue: data.curriculum, or the scores it is made of, were others")
        super().load_state_dict(state)

    def _draw_number(self, epoch: int, step: int) -> int:
        """What augmentation draws by."""
        if self.curriculum is None:
            return epoch
        return self.curriculum.draw_number(epoch, step * self.batch_size * self.world_size)

    def _rows(self, order: NDArray[np.int64], step: int) -> NDArray[np.int64]:
        """This rank's share of one step's images."""
        per_step = self.batch_size * self.world_size
        together = order[step * per_step : (step + 1) * per_step]
        return rows_of_rank(together, self.rank, self.world_size)

    def _gather(self, task: tuple[NDArray[np.int64], int, int | None]) -> LabelledBatch:
        rows, epoch, size = task  # a later pass through the images of an epoch counts as another one
        dataset, positions = self.dataset, torch.from_numpy(rows).to(self.dataset.images.device)
        images, labels = _taken(dataset.images, positions), _taken(dataset.labels, positions)
        if self.augmentation is None:
            images = images.permute(0, 3, 1, 2)
        else:
            images = self.augmentation(images, _taken(dataset.indices, positions), epoch)
        if self.mixing is not None:
            images, labels = self.mixing(images, labels, _taken(dataset.indices, positions), epoch)
        floats = self._normalised(images, channels_last=self.channels_last)
        if size is not None:
            floats = interpolate(floats, size=(size, size), mode="bilinear", antialias=True)
        if not self.attributes:
            return floats, labels
        more = {name: _taken(values, positions) for name, values in self.attributes.items()}
        return floats, {"class": labels, **more}


def _taken(values: Tensor, positions: Tensor) -> Tensor:
    """`values[positions]`; on a CPU by NumPy, for the reason given in `normalising`."""
    if values.device.type == "cpu":
        return torch.from_numpy(np.take(values.numpy(), positions.numpy(), axis=0))
    return values.index_select(0, positions)


def _check_numbers(batch_size: int, num_workers: int, rank: int, world_size: int, seed: int) -> None:
    """Refuse what would loop for ever, or divide by nothing."""
    for name, value, least in (
        ("batch_size", batch_size, 1),
        ("num_workers", num_workers, 0),
        ("world_size", world_size, 1),
        ("seed", seed, 0),
    ):
        if value < least:
            raise ValueError(f"{name} is {value}; {least} is the least")
    if not 0 <= rank < world_size:
        raise ValueError(f"rank is {rank}; with world_size {world_size} it is 0 to {world_size - 1}")
