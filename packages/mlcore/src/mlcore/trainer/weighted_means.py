"""Means over items, from means over batches: sum and count, divide once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass
class WeightedMeans:
    """Sums of value times count, and the counts, by name, in double precision.

    The result does not depend on how the items were batched. A metric that some batches lack is the mean over
    the others.
    """

    sums: dict[str, float] = field(default_factory=dict)
    counts: dict[str, float] = field(default_factory=dict)

    def add(self, values: Mapping[str, float], num_items: float) -> None:
        """Take in the means of one batch of ``num_items`` items; a batch without items adds nothing."""
        if num_items == 0:
            return
        for name, value in values.items():
            self.sums[name] = self.sums.get(name, 0.0) + value * num_items
            self.counts[name] = self.counts.get(name, 0.0) + num_items

    def means(self) -> dict[str, float]:
        """The mean of each name."""
        return {name: total / self.counts[name] for name, total in self.sums.items()}
