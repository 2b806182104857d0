"""How much work the checks do: all of it, or what fits into a few seconds before a run."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Level = Literal["full", "preflight"]


@dataclass(frozen=True)
class Effort:
    """Sizes and lengths.

    Attributes:
        num_examples: at most so many of each split.
        num_initial_models: fresh models whose first loss is looked at.
        determinism_steps: updates that two equal runs must share.
        single_batch_steps: updates on one batch.
        relation_steps: updates of the short real training.
        overfit_examples, overfit_epochs: the training to be learnt by heart.
        random_examples, random_epochs: the training on random labels.
    """

    num_examples: int
    num_initial_models: int
    determinism_steps: int
    single_batch_steps: int
    relation_steps: int
    overfit_examples: int = 128
    overfit_epochs: int = 50
    random_examples: int = 512
    random_epochs: int = 60


EFFORTS: dict[Level, Effort] = {
    "full": Effort(4096, 5, 10, 300, 400),
    "preflight": Effort(2048, 3, 3, 150, 200),
}
TIME_LIMITS_S: dict[Level, float | None] = {"full": None, "preflight": 20.0}
