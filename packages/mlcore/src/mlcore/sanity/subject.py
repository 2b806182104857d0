"""What the battery examines: factories for everything that a training run is made of."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from mlcore.trainer.config import TrainingConfig
from mlcore.trainer.protocols import Loader
from mlcore.trainer.schedule_config import ConstantSchedule

if TYPE_CHECKING:
    from torch import nn

    from mlcore.trainer.base import BaseTrainer


class MakeTrainer(Protocol):
    """Builds the trainer around a fresh model: silent, saving nothing, at a constant rate.

    ``plain_training`` makes such a configuration from the real one. A ``learning_rate`` of None is the
    configured one.
    """

    def __call__(
        self, model: nn.Module, *, steps: int, learning_rate: float | None, seed: int
    ) -> BaseTrainer: ...


@dataclass(frozen=True)
class SanitySubject:
    """A classifier, its trainer and its data, as factories: each check makes what it needs afresh.

    Attributes:
        num_classes: K; labels are 0 to K - 1.
        make_model: seed -> a fresh model with logits (B, K). Its weights depend on the seed and on nothing
            else.
        make_trainer: as ``MakeTrainer`` says.
        make_train_loader: the real training pipeline: (inputs, labels) batches, normalised, augmented, shuffled.
        make_validation_loader: the real evaluation pipeline; None where there is no validation data, and then a
            part of the training examples is held out.
        make_ordered_loader: the training data through the evaluation pipeline in the order in which they are
            stored. Only used to say *how* labels have been shifted.
        image_hashes: one hash for each example of each split, from the stored data, for the leak check.
        classes: names for messages; the numbers where it is empty.
        frozen: beginnings of names of parameters that are meant not to be trained.
        duplicate_tolerance: largest share of a split's examples that may also lie in another split. Real data
            sets do hold a few duplicates; the default is 1 in 1,000.
    """

    num_classes: int
    make_model: Callable[[int], nn.Module]
    make_trainer: MakeTrainer
    make_train_loader: Callable[[], Loader]
    make_validation_loader: Callable[[], Loader] | None = None
    make_ordered_loader: Callable[[], Loader] | None = None
    image_hashes: Callable[[], Mapping[str, Sequence[str]]] | None = None
    classes: Sequence[str] = ()
    frozen: Sequence[str] = ()
    duplicate_tolerance: float = 0.001

    def class_name(self, number: int) -> str:
        """The name of class ``number``."""
        return self.classes[number] if number < len(self.classes) else str(number)


def plain_training(
    training: TrainingConfig, *, steps: int, learning_rate: float | None = None
) -> TrainingConfig:
    """The configuration of an experiment without what would blur a check.

    The optimizer, its rate, clipping and the numeric precision stay; schedule, regularisation (weight decay,
    label smoothing), averaged weights, accumulation, compilation, evaluation, saving and stopping go.

    Args:
        training: the section of the experiment.
        steps: optimizer updates.
        learning_rate: instead of the configured one.
    """
    changes = {
        "epochs": None,
        "steps": steps,
        "max_minutes": None,
        "accumulation_steps": 1,
        "batch_size_schedule": None,
        "learning_rate": training.learning_rate if learning_rate is None else learning_rate,
        "weight_decay": 0.0,
        "schedule": ConstantSchedule(),
        "ema_decay": None,
        "compile": False,
        "label_smoothing": 0.0,
        "monitor": "val_loss",
        "monitor_mode": "min",
        "early_stopping": None,
        "log_every": steps,
        "eval_every": None,
        "eval_batches": None,
        "save_every": None,
        "sample_every": None,
    }
    return training.model_copy(update=changes)
