"""Short trainings with the subject's own trainer; only the data loading is another."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Literal

from mlcore.errors import DivergedError
from mlcore.sanity.bench import Bench
from mlcore.sanity.tensor_batches import Examples, TensorBatches
from mlcore.trainer.base import BaseTrainer
from mlcore.trainer.callbacks import Callback, CallbackList
from mlcore.trainer.results import StepResult

Goal = Callable[[BaseTrainer], bool]
# A check asks whether the parts fit together, not whether the rate is well chosen: the configured one may be
# the peak of a schedule, or meant for batches of another size.
RATE_FACTORS = (1.0, 0.1, 10.0)


@dataclass(frozen=True)
class Fit:
    """How a short training ended.

    Attributes:
        trainer: with the trained model.
        steps: updates done.
        end: "reached" its goal, "finished" all steps without it, ran "out of time", or "diverged".
        rate_factor: the rate, as a share of the configured one.
        losses: of each update.
    """

    trainer: BaseTrainer
    steps: int
    end: Literal["reached", "finished", "out of time", "diverged"]
    rate_factor: float
    losses: list[float]

    @property
    def rate_note(self) -> str:
        """How the rate differs from the configured one, for a message."""
        return "" if self.rate_factor == 1 else f" at {self.rate_factor:g} times the configured learning rate"


class _Watch(Callback):
    """Stops at the goal, which is looked at every ``every`` updates, or at the deadline."""

    def __init__(self, bench: Bench, goal: Goal | None, every: int) -> None:
        self._bench, self._goal, self._every = bench, goal, every
        self.end: Literal["reached", "finished", "out of time"] = "finished"
        self.losses: list[float] = []

    def on_step_end(self, trainer: BaseTrainer, result: StepResult) -> None:
        self.losses.append(result.loss)
        if self._goal is not None and trainer.progress.step % self._every == 0 and self._goal(trainer):
            self.end = "reached"
        elif self._bench.is_late:
            self.end = "out of time"
        if self.end != "finished":
            trainer.request_stop(self.end)


def fit(
    bench: Bench,
    examples: Examples,
    *,
    steps: int,
    batch_size: int = 64,
    goal: Goal | None = None,
    look_every: int = 10,
    rate_factor: float = 1.0,
) -> Fit:
    """Train a fresh model on ``examples`` until ``goal`` is reached, the steps are done or the time is up."""
    trainer = bench.make_trainer(steps=steps)
    if rate_factor != 1.0:
        rate = rate_factor * trainer.updater.learning_rate
        trainer = bench.make_trainer(steps=steps, learning_rate=rate)
    watch = _Watch(bench, goal, look_every)
    trainer.callbacks = CallbackList([watch])
    loader = TensorBatches(examples, batch_size, bench.seed)
    end: Literal["reached", "finished", "out of time", "diverged"]
    try:
        trainer.train(loader)
        end = watch.end
    except DivergedError:
        end = "diverged"
    return Fit(trainer, trainer.progress.step, end, rate_factor, watch.losses)


def fits(bench: Bench, examples: Examples, **options: object) -> Iterator[Fit]:
    """Fits at the configured rate, a tenth of it and ten times it; as lazily as they are asked for.

    Nothing follows a fit that ran out of time.
    """
    for factor in RATE_FACTORS:
        attempt = fit(bench, examples, rate_factor=factor, **options)  # type: ignore[arg-type]
        yield attempt
        if attempt.end == "out of time":
            return


def first_to_reach(attempts: Iterator[Fit]) -> Fit:
    """The first fit that reached its goal; if none did, the one that ran out of time, or else the first."""
    seen: list[Fit] = []
    for attempt in attempts:
        if attempt.end in ("reached", "out of time"):
            return attempt
        seen.append(attempt)
    return seen[0]
