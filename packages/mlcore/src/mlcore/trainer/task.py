"""What a trainer's subclass says about its task: the loss, and how a batch becomes one."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import cached_property
from typing import Any

import torch
from torch import nn

from mlcore import advice
from mlcore.trainer.batch import num_samples, to_device
from mlcore.trainer.compilation import Compilation
from mlcore.trainer.config import TrainingConfig
from mlcore.trainer.ema import WeightAverage
from mlcore.trainer.losses import Criteria, Losses, apply_criteria, criteria_to, total_loss
from mlcore.trainer.precision import MixedPrecision
from mlcore.trainer.results import GradientResult
from mlcore.trainer.update import NoGradientError


class Task(ABC):
    """The part of ``BaseTrainer`` that a subclass fills in. ``get_criterion`` is all that must be said."""

    model: nn.Module
    config: TrainingConfig
    device: torch.device
    precision: MixedPrecision
    compilation: Compilation
    ema: WeightAverage | None

    @abstractmethod
    def get_criterion(self) -> Criteria:
        """The loss: one function of (outputs, targets), or a tuple, list or dict of them, which are added up.

        Each is a mean over the items that ``count_items`` counts.
        """

    def forward_pass(self, batch: Any) -> tuple[Losses, Any]:
        """Loss (or losses to add up) and outputs for a batch; the default takes ``(inputs, targets)``."""
        inputs, targets = batch
        outputs = self.model(inputs)
        return apply_criteria(self.criterion, outputs, targets), outputs

    def count_items(self, batch: Any) -> int:
        """How many items the loss is the mean of: samples here, targets that are not padding in a language
        model.
        """
        return num_samples(batch)

    def compute_metrics(self, outputs: Any, batch: Any) -> Mapping[str, float | torch.Tensor]:
        """Further means over the batch's items, by name: accuracy, for example."""
        return {}

    def compute_gradients(self, batch: Any, scale: float) -> GradientResult:
        """Add the gradients of ``scale`` times the batch's mean loss to every parameter's ``.grad``.

        A model that differentiates itself overrides this method and no other.

        Returns:
            The loss without the scale.

        Raises:
            NoGradientError: the loss does not depend on any parameter that is trained.
        """
        loss, metrics = self._loss_and_metrics(batch)
        if not loss.requires_grad:
            raise NoGradientError(f"no parameter received a gradient: {advice.NO_GRADIENTS}")
        (loss * scale).backward()
        return GradientResult(loss.detach(), metrics=metrics)

    def validation_step(self, batch: Any) -> GradientResult:
        """Loss and metrics of a batch; called in evaluation mode without autograd."""
        loss, metrics = self._loss_and_metrics(batch)
        return GradientResult(loss, metrics=metrics)

    def inference(self, inputs: Any) -> Any:
        """The model's outputs in evaluation mode, with the averaged weights where there are any."""
        with self.evaluating(), self.precision.autocast():
            return self.compilation.attempt(lambda: self.model(to_device(inputs, self.device)))

    def carried_state(self) -> Any:
        """What training carries from one batch to the next beside the model; None for nothing.

        Tensors and plain containers, never changed in place; saved with every checkpoint, each process its own.
        """
        return None

    def restore_carried_state(self, state: Any) -> None:
        """Put back what `carried_state` gave; its tensors may lie on the CPU.

        Raises:
            ValueError: this task carries nothing.
        """
        if state is not None:
            raise ValueError(f"{type(self).__name__} carries nothing from batch to batch")

    @cached_property
    def criterion(self) -> Criteria:
        """What ``get_criterion`` gave, on the model's device."""
        return criteria_to(self.get_criterion(), self.device)

    def _loss_and_metrics(self, batch: Any) -> tuple[torch.Tensor, dict[str, Any]]:
        with self.precision.autocast():
            losses, outputs = self.forward_pass(batch)
            loss, metrics = total_loss(losses, self.config.loss_weights)
        with torch.no_grad():
            return loss, {**metrics, **self.compute_metrics(outputs, batch)}

    @contextmanager
    def evaluating(self) -> Iterator[None]:
        """Inside, ``self.model`` is the one to judge: averaged weights, evaluation mode, no autograd."""
        training_model, was_training = self.model, self.model.training
        self.model = training_model if self.ema is None else self.ema.model
        self.model.eval()
        try:
            with torch.no_grad():
                yield
        finally:
            self.model = training_model
            self.model.train(was_training)
