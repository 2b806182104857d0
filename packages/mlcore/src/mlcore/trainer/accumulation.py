"""Windows of batches that make one update, and the mean over all their items."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from typing import Any

from torch import Tensor

from mlcore.errors import UserError
from mlcore.trainer.distributed import Processes
from mlcore.trainer.results import GradientResult
from mlcore.trainer.weighted_means import WeightedMeans


@dataclass(frozen=True)
class Window:
    """Batches of one update.

    Attributes:
        batches: those of this process.
        counts: items of each.
        num_items: items of the window, over all processes.
    """

    batches: list[Any]
    counts: list[int]
    num_items: int


class UnevenBatchesError(UserError):
    """Layers that all processes compute together need equally many batches from each."""


def windows(
    batches: Iterator[Any],
    size: int,
    count_items: Callable[[Any], int],
    processes: Processes,
    *,
    in_step: bool = False,
) -> Iterator[Window]:
    """``size`` batches at a time; the last window of an epoch may be smaller, and is not lost.

    When one process has no batch left the epoch is over for all of them, so that none waits for another.

    Args:
        in_step: all processes must compute equally many batches in every window.

    Raises:
        UnevenBatchesError: they have not as many.
    """
    while True:
        taken = list(islice(batches, size))
        counts = [int(count_items(batch)) for batch in taken]
        everyones = processes.gather(counts)
        if not all(everyones):
            return
        num_computed = [sum(count > 0 for count in each) for each in everyones]
        if in_step and len(set(num_computed)) > 1:
            raise UnevenBatchesError(
                f"the processes have {', '.join(map(str, num_computed))} batches for one update, and BatchNorm over "
                "all of them needs equally many: give each as many, or set training.sync_batch_norm to false"
            )
        yield Window(taken, counts, sum(map(sum, everyones)))


def accumulate(
    window: Window,
    compute_gradients: Callable[[Any, float], GradientResult],
    *,
    loss_scale: float,
) -> WeightedMeans:
    """Gradients of the mean over all items of the window, times ``loss_scale``, added up in ``.grad``.

    Each batch's own mean is weighted with its share of the items. The mean of the batches' means would be
    another function wherever padding differs between batches.

    Returns:
        Sums and counts of "loss" and metrics, of this process.

    Raises:
        ValueError: ``compute_gradients`` counted other items than ``count_items``.
    """
    means = WeightedMeans()
    for batch, count in zip(window.batches, window.counts, strict=True):
        if count == 0:
            continue  # a batch of padding has no mean
        result = compute_gradients(batch, loss_scale * count / window.num_items)
        if result.num_items is not None and result.num_items != count:
            raise ValueError(
                f"compute_gradients counted {result.num_items} items in a batch, count_items {count}: "
                "they must agree"
            )
        means.add(plain_means(result), count)
    return means


def means_of_all(means: WeightedMeans, processes: Processes) -> WeightedMeans:
    """Sums and counts of all processes together."""
    if processes.world_size == 1:
        return means
    together = WeightedMeans()
    for other in processes.gather(means):
        for name in other.sums:
            together.sums[name] = together.sums.get(name, 0.0) + other.sums[name]
            together.counts[name] = together.counts.get(name, 0.0) + other.counts[name]
    return together


def plain_means(result: GradientResult) -> Mapping[str, float]:
    """Loss and metrics as Python numbers."""
    values = {"loss": result.loss, **result.metrics}
    return {
        name: float(value.detach()) if isinstance(value, Tensor) else float(value)
        for name, value in values.items()
    }
