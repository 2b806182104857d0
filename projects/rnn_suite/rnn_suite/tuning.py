"""The experiment's own training step, for the commands that look for a good rate and for the best batch size."""

from typing import Any

from mlcore.allocator import keep_large_blocks
from mlcore.benchmarking import Workload
from mlcore.machine_settings import trainer_workload
from mlcore.trainer.protocols import Loader

from rnn_suite import build
from rnn_suite.config import ExperimentConfig
from rnn_suite.trainer import RecurrentTrainer


def make_training(config: ExperimentConfig) -> tuple[RecurrentTrainer, Loader]:
    """A trainer with fresh weights that saves nothing, and its training batches."""
    keep_large_blocks()
    prepared = build.prepare(config)
    model = build.make_model(prepared.config.model, prepared.device, config.seed)
    trainer = build.make_trainer(prepared, model, run=None, logger=build.make_logger(prepared, None))
    return trainer, build.make_loaders(prepared)[0]


def training_step(config: dict[str, Any], batch_size: int) -> Workload:
    """One update at a batch size; called in a process of its own."""
    training = {**config.get("training", {}), "batch_size": batch_size}
    return trainer_workload(*make_training(ExperimentConfig.model_validate({**config, "training": training})))
