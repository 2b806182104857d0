"""The wiring: from a configuration to text, tokens, model and trainer. Only this file knows constructors."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

import torch
from mlcore import training_run
from mlcore.device import choose_device
from mlcore.logger import TrainingLogger
from mlcore.runs import RunFolder
from mlcore.text_experiment.evaluators import samples_of
from mlcore.text_experiment.readings import NextTokenReading
from mlcore.text_experiment.wiring import check_vocabulary, checkpoint_extras, kept_tokenizer, require_batches
from mlcore.trainer import SampleCallback, weights_for_inference
from mlcore.trainer.protocols import Loader
from mldata.prepared_text import PreparedText, prepare_text, tokenizer_of
from mldata.streams import TokenStreams
from mldata.tokenizers import Tokenizer
from mlmodels.recurrent.config import RecurrentLanguageModelConfig
from mlmodels.recurrent.language_model import RecurrentLanguageModel
from mlmodels.recurrent.size import flops_per_token

from rnn_suite.config import ExperimentConfig
from rnn_suite.trainer import RecurrentTrainer, UnbrokenReader


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
    model = model_config_for(config, text.tokenizer.vocab_size)
    return Prepared(config.model_copy(update={"model": model}), device, text)


def make_tokenizer(config: ExperimentConfig, run: RunFolder | None = None) -> Tokenizer:
    """The named tokenizer. `character` is made of the training text and kept in the run."""
    return tokenizer_of(config.data, kept_tokenizer=kept_tokenizer(run))


def model_config_for(config: ExperimentConfig, vocab_size: int) -> RecurrentLanguageModelConfig:
    """The model's config with the tokenizer's vocabulary."""
    check_vocabulary(config.model, vocab_size, config.data.tokenizer)
    return config.model.model_copy(update={"vocab_size": vocab_size})


def make_model(
    config: RecurrentLanguageModelConfig, device: torch.device, seed: int
) -> RecurrentLanguageModel:
    """A recurrent language model with weights drawn from `seed`."""
    torch.manual_seed(seed)
    return RecurrentLanguageModel.from_config(config).to(device)


def make_loaders(prepared: Prepared, *, rank: int = 0, world_size: int = 1) -> tuple[Loader, Loader]:
    """Training batches, and validation batches in order, both of this rank: windows, or streams where rows go on.

    Raises:
        ConfigError: the training text is shorter than a batch.
    """
    config = prepared.config
    data, batch_size = config.data, config.training.batch_size
    if data.stateful:
        return streams(prepared, batch_size, rank=rank, world_size=world_size)
    train, validation = prepared.text.windows(
        data.sequence_length, batch_size, seed=config.seed, rank=rank, world_size=world_size
    )
    require_batches(train, prepared.text.train_tokens, "data.sequence_length")
    return train, validation


def streams(
    prepared: Prepared, batch_size: int, *, rank: int, world_size: int
) -> tuple[TokenStreams, TokenStreams]:
    """Batches whose rows continue those before; a short validation text has fewer rows, each a window at least."""
    length, text = prepared.config.data.sequence_length, prepared.text
    # An epoch begins up to one window into the text.
    enough = len(text.train_tokens) >= (batch_size * world_size + 1) * length
    require_batches(range(enough), text.train_tokens, "data.sequence_length")
    make = partial(TokenStreams, context_length=length, rank=rank, world_size=world_size)
    most_rows = max(1, (len(text.val_tokens) - 1) // (length * world_size))
    train = make(text.train_tokens, batch_size=batch_size, seed=prepared.config.seed, mode="random")
    return train, make(text.val_tokens, batch_size=min(batch_size, most_rows), mode="sequential")


def validation_reading(prepared: Prepared, model: RecurrentLanguageModel) -> NextTokenReading:
    """Windows that each begin without memory; where states are carried on, the whole text as one row, in one pass."""
    if not prepared.config.data.stateful:
        return NextTokenReading(model, make_loaders(prepared)[1])
    return NextTokenReading(UnbrokenReader(model), whole_validation(prepared))


def whole_validation(prepared: Prepared) -> TokenStreams:
    """The validation text as one row, in windows one after another."""
    length, tokens = prepared.config.data.sequence_length, prepared.text.val_tokens
    return TokenStreams(tokens, context_length=length, batch_size=1, mode="sequential")


def make_logger(prepared: Prepared, run: RunFolder | None) -> TrainingLogger:
    """The logger of a run, told how many operations a token costs."""
    config = prepared.config
    return training_run.make_logger(
        config, run, flops_per_item=flops_per_token(config.model), config=config.model_dump(mode="json")
    )


def make_trainer(
    prepared: Prepared, model: RecurrentLanguageModel, *, run: RunFolder | None, logger: TrainingLogger
) -> RecurrentTrainer:
    """The shared loop around the model; what a checkpoint must know besides is its config and its tokenizer."""
    config, training = prepared.config, prepared.config.training
    trainer = RecurrentTrainer(
        model,
        training,
        device=prepared.device,
        seed=config.seed,
        callbacks=[
            SampleCallback(lambda trainer: samples_of(trainer, prepared), every=training.sample_every)
        ],
        logger=logger,
        checkpoints=training_run.make_checkpoints(training, run),
        extra_state=checkpoint_extras(prepared),
    )
    trainer.is_stateful = config.data.stateful
    trainer.info = {
        "data": f"{config.data.dataset}, {len(prepared.text.train_tokens):,} training tokens",
        "tokenizer": f"{config.data.tokenizer}, {prepared.text.tokenizer.vocab_size:,} tokens",
        "model": f"{config.model.cell}, {config.model.num_layers} × {config.model.hidden_size}"
        f"{', layer norm' if config.model.layer_norm else ''}",
    }
    return trainer


def model_from(state: Mapping[str, Any], device: torch.device) -> RecurrentLanguageModel:
    """The model of a checkpoint: its dimensions, and its averaged weights where it has them."""
    model = RecurrentLanguageModel.from_config(RecurrentLanguageModelConfig(**state["model_config"]))
    model.load_state_dict(weights_for_inference(state))
    return model.to(device).eval()
