"""The wiring: from a configuration to text, tokens, model and trainer. Only this file knows constructors."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch
from mlcore import text_experiment, training_run
from mlcore.device import choose_device
from mlcore.logger import TrainingLogger
from mlcore.runs import RunFolder
from mlcore.text_experiment import kept_tokenizer
from mlcore.trainer import SampleCallback, weights_for_inference
from mldata.prepared_text import PreparedText, prepare_text, tokenizer_of
from mldata.tokenizers import Tokenizer
from mldata.windows import TokenWindows
from mlmodels.transformer_eras.config import EraTransformerConfig
from mlmodels.transformer_eras.model import EraTransformer
from mlmodels.transformer_eras.size import flops_per_token

from transformer_phases.config import ExperimentConfig
from transformer_phases.trainer import EraTrainer, PlausibilityAlarm


@dataclass(frozen=True)
class Prepared:
    """What exists before a run folder does: if anything of this fails, nothing has been written.

    `config` is resolved: its model section has the tokenizer's vocabulary.
    """

    config: ExperimentConfig
    device: torch.device
    text: PreparedText


def prepare(config: ExperimentConfig, run: RunFolder | None = None) -> Prepared:
    """Device, text, tokenizer and tokens of an experiment, or of a `run` that exists."""
    device = choose_device(config.device)
    text = prepare_text(config.data, kept_tokenizer(run))
    vocab_size = text.tokenizer.vocab_size
    text_experiment.check_vocabulary(config.model, vocab_size, config.data.tokenizer)
    model = config.model.model_copy(update={"vocab_size": vocab_size})
    return Prepared(config.model_copy(update={"model": model}), device, text)


def make_tokenizer(config: ExperimentConfig, run: RunFolder | None = None) -> Tokenizer:
    """The named tokenizer. `character` is made of the training text and kept in the run."""
    return tokenizer_of(config.data, kept_tokenizer=kept_tokenizer(run))


def make_model(config: EraTransformerConfig, device: torch.device, seed: int) -> EraTransformer:
    """A transformer with weights drawn from `seed`."""
    torch.manual_seed(seed)
    return EraTransformer.from_config(config).to(device)


def make_loaders(
    prepared: Prepared, *, rank: int = 0, world_size: int = 1
) -> tuple[TokenWindows, TokenWindows]:
    """Shuffled training windows and validation windows in order, both of this rank."""
    config = prepared.config
    train, validation = prepared.text.windows(
        config.data.sequence_length,
        config.training.batch_size,
        seed=config.seed,
        rank=rank,
        world_size=world_size,
    )
    text_experiment.require_batches(train, prepared.text.train_tokens, "data.sequence_length")
    return train, validation


def validation_reading(prepared: Prepared, model: EraTransformer) -> tuple[EraTransformer, TokenWindows]:
    """The model reads the validation windows in order."""
    return model, make_loaders(prepared)[1]


def make_logger(prepared: Prepared, run: RunFolder | None) -> TrainingLogger:
    """The logger of a run, told how many operations a token costs."""
    config = prepared.config
    return training_run.make_logger(
        config,
        run,
        flops_per_item=flops_per_token(config.model, config.data.sequence_length),
        config=config.model_dump(mode="json"),
    )


def make_trainer(
    prepared: Prepared, model: EraTransformer, *, run: RunFolder | None, logger: TrainingLogger
) -> EraTrainer:
    """The shared loop around the model; what a checkpoint must know besides is its config and its tokenizer."""
    config, training, text = prepared.config, prepared.config.training, prepared.text
    trainer = EraTrainer(
        model,
        training,
        device=prepared.device,
        seed=config.seed,
        callbacks=[
            PlausibilityAlarm(config.plausibility.max_accuracy),
            SampleCallback(
                lambda trainer: text_experiment.samples_of(trainer, prepared), every=training.sample_every
            ),
        ],
        logger=logger,
        checkpoints=training_run.make_checkpoints(training, run),
        extra_state=text_experiment.checkpoint_extras(prepared),
    )
    trainer.info = {
        "data": f"{config.data.dataset}, {len(text.train_tokens):,} training tokens",
        "tokenizer": f"{config.data.tokenizer}, {text.tokenizer.vocab_size:,} tokens",
        "model": f"{config.model.phase or 'own parts'}, {model.num_parameters():,} parameters",
    }
    return trainer


def model_from(state: Mapping[str, Any], device: torch.device) -> EraTransformer:
    """The model of a checkpoint: its dimensions, and its averaged weights where it has them."""
    model = EraTransformer.from_config(EraTransformerConfig(**state["model_config"]))
    model.load_state_dict(weights_for_inference(state))
    return model.to(device).eval()
