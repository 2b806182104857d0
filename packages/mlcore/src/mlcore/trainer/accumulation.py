"""Windows of batches that make one update, and the mean over all their items."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from typing import Any

from torch import Tensor

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


def windows(
    batches: Iterator[Any], size: int, count_items: Callable[[Any], int], processes: Processes
) -> Iterator[Window]:
    """``size`` batches at a time; the last window of an epoch may be smaller, and is not lost.

    When one process has no batch left the epoch is over for all of them, so that none waits for another.
    """
    while True:
        taken = list(islice(batches, size))
        counts = [int(count_items(batch)) for batch in taken]
        anyone_done, num_items = not taken, sum(counts)
        if processes.world_size > 1:
            total = processes.sum_numbers({"done": float(not taken), "items": float(num_items)})
            anyone_done, num_items = total["done"] > 0, int(total["items"])
        if anyone_done:
            return
        yield Window(taken, counts, num_items)


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
