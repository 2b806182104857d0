"""The experiment's own training step, for the command that looks for a good learning rate."""

from mlcore.allocator import keep_large_blocks
from mldata.windows import TokenWindows

from custom_transformer import build
from custom_transformer.config import ExperimentConfig
from custom_transformer.trainer import HandWrittenTrainer


def make_training(config: ExperimentConfig) -> tuple[HandWrittenTrainer, TokenWindows]:
    """A trainer with fresh weights that saves nothing, and its shuffled training windows."""
    keep_large_blocks()
    prepared = build.prepare(config)
    model = build.make_model(prepared.config.model, prepared.device, config.seed)
    trainer = build.make_trainer(prepared, model, run=None, logger=build.make_logger(prepared, None))
    return trainer, build.make_loaders(prepared)[0]
