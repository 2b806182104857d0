"""A loader over examples that are held as two tensors: the data loading that the checks put in its place."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor

Examples = tuple[Tensor, Tensor]


class TensorBatches:
    """Batches of fixed examples, in another order each epoch.

    Args:
        examples: inputs (N, ...) and labels (N,).
        batch_size: examples a batch; a single last example is left out, for batch normalisation cannot use it.
        seed: of the order.
    """

    def __init__(self, examples: Examples, batch_size: int, seed: int = 0) -> None:
        self.inputs, self.labels = examples
        self.batch_size = min(batch_size, len(self.labels))
        self.seed = seed
        self.epoch = 0

    def __len__(self) -> int:
        """Batches an epoch."""
        full, rest = divmod(len(self.labels), self.batch_size)
        return full + int(rest > 1)

    def set_epoch(self, epoch: int) -> None:
        """Whose order comes next."""
        self.epoch = epoch

    def __iter__(self) -> Iterator[Examples]:
        generator = torch.Generator().manual_seed(1_000_003 * self.seed + self.epoch)
        order = torch.randperm(len(self.labels), generator=generator)
        for rows in order.split(self.batch_size)[: len(self)]:
            yield self.inputs[rows], self.labels[rows]


def draw_examples(loader: object, num_examples: int, *, spread: bool) -> Examples:
    """Up to ``num_examples`` examples as the loader delivers them, in its order.

    Args:
        loader: iterable of (inputs, labels); its first epoch is read.
        num_examples: at most so many.
        spread: take whole batches from all over the epoch instead of the first ones: an evaluation loader may
            go through its data class by class.

    Raises:
        ValueError: the loader has no batches.
    """
    if hasattr(loader, "set_epoch"):
        loader.set_epoch(0)
    length = len(loader) if hasattr(loader, "__len__") else 0
    taken: list[Examples] = []
    num_taken, every = 0, 1
    for index, (inputs, labels) in enumerate(loader):  # type: ignore[arg-type, var-annotated]
        if index == 0 and spread:
            num_wanted = -(-num_examples // max(1, len(labels)))
            every = max(1, length // num_wanted)
        if index % every == 0:
            taken.append((inputs, labels))
            num_taken += len(labels)
        if num_taken >= num_examples:
            break
    if not taken:
        raise ValueError("the loader has no batches: is the batch size larger than the data set?")
    inputs = torch.cat([batch[0] for batch in taken])[:num_examples]
    labels = torch.cat([batch[1] for batch in taken])[:num_examples]
    return inputs, labels
