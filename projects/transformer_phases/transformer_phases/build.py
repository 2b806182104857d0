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
from mlcore.text_experiment.readings import MaskedReading, NextTokenReading, can_write
from mlcore.text_experiment.wiring import check_vocabulary, checkpoint_extras, kept_tokenizer, require_batches
from mlcore.trainer import SampleCallback, weights_for_inference
from mldata.masked_windows import LoneGaps, MaskedWindows, num_masked
from mldata.prepared_text import PreparedText, prepare_text, tokenizer_of
from mldata.tokenizers import Tokenizer
from mldata.windows import TokenWindows
from mlmodels.transformer_encoders.config import BertConfig
from mlmodels.transformer_encoders.masked_language_model import Bert
from mlmodels.transformer_eras.config import EraTransformerConfig
from mlmodels.transformer_eras.model import EraTransformer
from pydantic import TypeAdapter

from transformer_phases.config import ExperimentConfig, ModelConfig
from transformer_phases.size import flops_of
from transformer_phases.trainer import EraTrainer, PlausibilityAlarm

NUM_LONE_GAPS = 4  # of each validation window, for the pseudo-perplexity: each is a pass over the window
Model = EraTransformer | Bert


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
    check_vocabulary(config.model, vocab_size, config.data.tokenizer)
    model = config.model.model_copy(update={"vocab_size": vocab_size})
    return Prepared(config.model_copy(update={"model": model}), device, text)


def make_tokenizer(config: ExperimentConfig, run: RunFolder | None = None) -> Tokenizer:
    """The named tokenizer. `character` is made of the training text and kept in the run."""
    return tokenizer_of(config.data, kept_tokenizer=kept_tokenizer(run))


def make_model(config: ModelConfig, device: torch.device, seed: int) -> Any:
    """A transformer of an era, or BERT, with weights drawn from `seed`."""
    torch.manual_seed(seed)
    return model_of(config).to(device)


def model_of(config: ModelConfig) -> Model:
    """The model that a section describes."""
    return EraTransformer(config) if isinstance(config, EraTransformerConfig) else Bert(config)


def make_loaders(
    prepared: Prepared, *, rank: int = 0, world_size: int = 1
) -> tuple[TokenWindows, TokenWindows]:
    """Shuffled training windows and validation windows in order, both of this rank; with gaps in them for BERT."""
    config, text = prepared.config, prepared.text
    length, batch_size = config.data.sequence_length, config.training.batch_size
    if isinstance(config.model, BertConfig):
        windows = partial(
            MaskedWindows,
            context_length=length,
            batch_size=batch_size,
            mask_id=config.model.mask_id,
            vocab_size=config.model.vocab_size,
            seed=config.seed,
            num_workers=config.data.num_workers,
            rank=rank,
            world_size=world_size,
        )
        train: TokenWindows = windows(text.train_tokens, mode="random", drop_last=True)
        validation: TokenWindows = windows(text.val_tokens, mode="sequential")
    else:
        train, validation = text.windows(
            length, batch_size, seed=config.seed, rank=rank, world_size=world_size
        )
    require_batches(train, text.train_tokens, "data.sequence_length")
    return train, validation


def validation_reading(prepared: Prepared, model: Model) -> NextTokenReading | MaskedReading:
    """The model reads the validation windows in order: token after token, or around gaps."""
    config, windows = prepared.config, make_loaders(prepared)[1]
    if not isinstance(config.model, BertConfig):
        return NextTokenReading(model, windows)
    alone = LoneGaps(
        prepared.text.val_tokens,
        context_length=config.data.sequence_length,
        batch_size=config.training.batch_size,
        mask_id=config.model.mask_id,
        num_gaps=NUM_LONE_GAPS,
        seed=config.seed,
    )
    return MaskedReading(model, windows, alone)


def make_logger(prepared: Prepared, run: RunFolder | None) -> TrainingLogger:
    """The logger of a run, told how many operations a target costs: every token is one, or those that are hidden."""
    config = prepared.config
    model, length = config.model, config.data.sequence_length
    tokens_per_target = length / num_masked(length) if isinstance(model, BertConfig) else 1
    return training_run.make_logger(
        config,
        run,
        flops_per_item=flops_of(model, length) * tokens_per_target,
        config=config.model_dump(mode="json"),
    )


def make_trainer(
    prepared: Prepared, model: Model, *, run: RunFolder | None, logger: TrainingLogger
) -> EraTrainer:
    """The shared loop around the model; what a checkpoint must know besides is its config and its tokenizer."""
    config, training, text = prepared.config, prepared.config.training, prepared.text
    alarm = PlausibilityAlarm(config.plausibility.max_accuracy)
    samples = SampleCallback(lambda trainer: samples_of(trainer, prepared), every=training.sample_every)
    trainer = EraTrainer(
        model,
        training,
        device=prepared.device,
        seed=config.seed,
        callbacks=[alarm, samples] if can_write(model) else [alarm],
        logger=logger,
        checkpoints=training_run.make_checkpoints(training, run),
        extra_state=checkpoint_extras(prepared),
    )
    trainer.info = {
        "data": f"{config.data.dataset}, {len(text.train_tokens):,} training tokens",
        "tokenizer": f"{config.data.tokenizer}, {text.tokenizer.vocab_size:,} tokens",
        "model": f"{kind_of(config.model)}, {model.num_parameters():,} parameters",
    }
    return trainer


def kind_of(model: ModelConfig) -> str:
    """A model's section in words."""
    if isinstance(model, BertConfig):
        return "BERT, which fills gaps"
    return model.phase or "own parts"


def model_from(state: Mapping[str, Any], device: torch.device) -> Any:
    """The model of a checkpoint: its dimensions, and its averaged weights where it has them."""
    config: ModelConfig = TypeAdapter(ModelConfig).validate_python(state["model_config"])
    model = model_of(config)
    model.load_state_dict(weights_for_inference(state))
    return model.to(device).eval()
