"""The table at which the checks work: the subject, its examples, fresh trainers, and the time that is left."""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import cached_property
from math import inf

import torch
from torch import Tensor, nn

from mlcore.sanity.effort import Effort
from mlcore.sanity.subject import SanitySubject
from mlcore.sanity.tensor_batches import Examples, draw_examples
from mlcore.trainer.base import BaseTrainer

_SHARE_HELD_OUT = 4  # one in four, where the subject has no validation data


class Bench:
    """What all checks of one battery share.

    Args:
        subject: what is examined.
        effort: how much work to do.
        seed: of models, orders and choices.
        clock: seconds, monotonic.

    Attributes:
        deadline: when the check that runs now must end, on ``clock``; infinity: never.
    """

    def __init__(
        self,
        subject: SanitySubject,
        effort: Effort,
        *,
        seed: int = 0,
        clock: Callable[[], float] = time.perf_counter,
    ) -> None:
        self.subject, self.effort, self.seed, self.clock = subject, effort, seed, clock
        self.deadline = inf

    @property
    def is_late(self) -> bool:
        """Whether the check's time is used up."""
        return self.clock() >= self.deadline

    @cached_property
    def training(self) -> Examples:
        """Examples through the training pipeline, in the order of its first epoch."""
        return draw_examples(self.subject.make_train_loader(), self.effort.num_examples, spread=False)

    @cached_property
    def validation(self) -> Examples | None:
        """Examples through the evaluation pipeline; None where the subject has no validation data."""
        make_loader = self.subject.make_validation_loader
        if make_loader is None:
            return None
        return draw_examples(make_loader(), self.effort.num_examples, spread=True)

    @cached_property
    def ordered(self) -> Examples:
        """Training examples, neighbours as they are stored, as far as the subject tells it."""
        make_loader = self.subject.make_ordered_loader
        if make_loader is None:
            return self.training
        return draw_examples(make_loader(), self.effort.num_examples, spread=True)

    @cached_property
    def fitting(self) -> Examples:
        """Examples to train on: all of ``training``, or what is left of it when a part is held out."""
        if self.validation is not None:
            return self.training
        held_out = len(self.training[1]) // _SHARE_HELD_OUT
        return self.training[0][held_out:], self.training[1][held_out:]

    @cached_property
    def held_out(self) -> Examples:
        """Examples that ``fitting`` does not hold."""
        if self.validation is not None:
            return self.validation
        held_out = len(self.training[1]) // _SHARE_HELD_OUT
        return self.training[0][:held_out], self.training[1][:held_out]

    @cached_property
    def labels_are_valid(self) -> bool:
        """Whether a model can be trained on the labels at all."""
        return all(
            labels.ndim == 1
            and labels.dtype == torch.int64
            and bool(((labels >= 0) & (labels < self.subject.num_classes)).all())
            for _, labels in (self.fitting, self.held_out)
        )

    def make_model(self, offset: int = 0) -> nn.Module:
        """A fresh model; another ``offset``, another seed."""
        return self.subject.make_model(self.seed + offset)

    def make_trainer(
        self, *, steps: int = 1, offset: int = 0, learning_rate: float | None = None
    ) -> BaseTrainer:
        """A trainer around a fresh model."""
        return self.subject.make_trainer(
            self.make_model(offset), steps=steps, learning_rate=learning_rate, seed=self.seed + offset
        )


def first(examples: Examples, number: int) -> Examples:
    """The first ``number`` examples."""
    return examples[0][:number], examples[1][:number]


def logits_of(trainer: BaseTrainer, inputs: Tensor, batch_size: int = 512) -> Tensor:
    """The trainer's outputs in evaluation mode, float32 (N, K) on the CPU."""
    parts = [trainer.inference(part).detach().float().cpu() for part in inputs.split(batch_size)]
    return torch.cat(parts)


def accuracy_of(trainer: BaseTrainer, examples: Examples) -> float:
    """Share of right answers in evaluation mode."""
    inputs, labels = examples
    return float((logits_of(trainer, inputs).argmax(dim=1) == labels.cpu()).float().mean())


def loss_of(trainer: BaseTrainer, examples: Examples) -> float:
    """The trainer's own loss in evaluation mode."""
    inputs, labels = examples
    return trainer.validate_epoch(list(zip(inputs.split(512), labels.split(512), strict=True)))["loss"]
