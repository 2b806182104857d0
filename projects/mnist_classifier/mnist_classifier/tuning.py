"""The experiment's own training step, for the commands that look for a good rate and for the best batch size."""

from typing import Any

from mlcore.allocator import keep_large_blocks
from mlcore.benchmarking import Workload
from mlcore.machine_settings import trainer_workload
from mlcore.trainer import ClassificationTrainer
from mldata.images.batches import ImageBatches
from mldata.test_guard import test_split_closed

from mnist_classifier import build
from mnist_classifier.config import ExperimentConfig


def make_training(config: ExperimentConfig) -> tuple[ClassificationTrainer, ImageBatches]:
    """A silent trainer with fresh weights, and its shuffled, augmented training batches."""
    keep_large_blocks()
    with test_split_closed():
        prepared = build.prepare(config)
        model = build.make_model(prepared, config.seed)
        trainer = build.bare_trainer(prepared, model, config.training, seed=config.seed)
        return trainer, build.make_training_loader(prepared)


def training_step(config: dict[str, Any], batch_size: int) -> Workload:
    """One update at a batch size; called in a process of its own."""
    training = {**config.get("training", {}), "batch_size": batch_size}
    return trainer_workload(*make_training(ExperimentConfig.model_validate({**config, "training": training})))
