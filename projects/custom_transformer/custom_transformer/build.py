"""The wiring: from a configuration to text, tokens, model and trainer. Only this file knows constructors."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch
from mlcore import training_run
from mlcore.device import choose_device, choose_precision
from mlcore.logger import TrainingLogger
from mlcore.runs import RunFolder
from mlcore.text_experiment.evaluators import samples_of
from mlcore.text_experiment.readings import NextTokenReading
from mlcore.text_experiment.wiring import check_vocabulary, checkpoint_extras, kept_tokenizer, require_batches
from mlcore.trainer import SampleCallback, weights_for_inference
from mlcore.trainer.optimizers import parameter_groups
from mldata.prepared_text import PreparedText, prepare_text, tokenizer_of
from mldata.tokenizers import Tokenizer
from mldata.windows import TokenWindows
from mlmodels.custom_transformer.config import CustomTransformerConfig
from mlmodels.custom_transformer.model import CustomTransformer
from mlmodels.custom_transformer.optimizers import SGD, AdamW
from mlmodels.custom_transformer.size import flops_per_token

from custom_transformer.config import ExperimentConfig
from custom_transformer.trainer import HandWrittenTrainer


@dataclass(frozen=True)
class Prepared:
    """What exists before a run folder does: if anything of this fails, nothing has been written.

    `config` is resolved: its model section has the tokenizer's vocabulary and the device's dtype.
    """

    config: ExperimentConfig
    device: torch.device
    text: PreparedText


def prepare(config: ExperimentConfig, run: RunFolder | None = None) -> Prepared:
    """Device, text, tokenizer and tokens of an experiment, or of a `run` that exists."""
    device = choose_device(config.device)
    text = prepare_text(config.data, kept_tokenizer(run))
    model_config = model_config_for(config, text.tokenizer.vocab_size, device)
    return Prepared(config.model_copy(update={"model": model_config}), device, text)


def make_tokenizer(config: ExperimentConfig, run: RunFolder | None = None) -> Tokenizer:
    """The named tokenizer. `character` is made of the training text and kept in the run."""
    return tokenizer_of(config.data, kept_tokenizer=kept_tokenizer(run))


def model_config_for(
    config: ExperimentConfig, vocab_size: int, device: torch.device
) -> CustomTransformerConfig:
    """The model's config with the tokenizer's vocabulary and, where none is asked for, the device's dtype."""
    check_vocabulary(config.model, vocab_size, config.data.tokenizer)
    changes: dict[str, Any] = {"vocab_size": vocab_size}
    if "dtype" not in config.model.model_fields_set:
        precision = choose_precision(config.training.mixed_precision, device)
        changes["dtype"] = "float32" if precision.autocast is None else "bfloat16"
    return config.model.model_copy(update=changes)


def make_model(model_config: CustomTransformerConfig, device: torch.device, seed: int) -> CustomTransformer:
    """The hand-written transformer with weights drawn from `seed`."""
    torch.manual_seed(seed)
    return CustomTransformer.from_config(model_config).to(device)


def make_loaders(
    prepared: Prepared, *, rank: int = 0, world_size: int = 1
) -> tuple[TokenWindows, TokenWindows]:
    """Shuffled training windows and validation windows in order, both of this rank."""
    config = prepared.config
    train, validation = prepared.text.windows(
        config.data.max_length, config.training.batch_size, seed=config.seed, rank=rank, world_size=world_size
    )
    require_batches(train, prepared.text.train_tokens, "data.max_length")
    return train, validation


def validation_reading(prepared: Prepared, model: CustomTransformer) -> NextTokenReading:
    """The model reads the validation windows in order."""
    return NextTokenReading(model, make_loaders(prepared)[1])


def make_optimizer(model: CustomTransformer, config: ExperimentConfig) -> torch.optim.Optimizer | None:
    """Our own SGD and AdamW beside the readable ops; the core's, in one fused call, for the fast path and for Adam."""
    training = config.training
    if training.optimizer == "adam" or model.fast_path() is not None:
        return None
    groups = parameter_groups(model, training)
    if training.optimizer == "sgd":
        return SGD(
            groups,
            lr=training.learning_rate,
            momentum=training.momentum,
            nesterov=training.nesterov,
        )
    return AdamW(
        groups,
        lr=training.learning_rate,
        betas=training.betas,
        eps=training.epsilon,
    )


def make_logger(prepared: Prepared, run: RunFolder | None) -> TrainingLogger:
    """The logger of a run, told how many operations a token costs."""
    config = prepared.config
    return training_run.make_logger(
        config,
        run,
        flops_per_item=flops_per_token(config.model, config.data.max_length),
        config=config.model_dump(mode="json"),
    )


def make_trainer(
    prepared: Prepared, model: CustomTransformer, *, run: RunFolder | None, logger: TrainingLogger
) -> HandWrittenTrainer:
    """The shared loop around the model; what a checkpoint must know besides is its config and its tokenizer."""
    config, training = prepared.config, prepared.config.training
    # The model knows its dtype; autocast would interfere with it.
    trainer = HandWrittenTrainer(
        model,
        training.model_copy(update={"mixed_precision": "off"}),
        device=prepared.device,
        seed=config.seed,
        optimizer=make_optimizer(model, config),
        callbacks=[
            SampleCallback(lambda trainer: samples_of(trainer, prepared), every=training.sample_every)
        ],
        logger=logger,
        checkpoints=training_run.make_checkpoints(training, run),
        extra_state=checkpoint_extras(prepared),
    )
    trainer.info = {
        "data": f"{config.data.dataset}, {len(prepared.text.train_tokens):,} training tokens",
        "tokenizer": f"{config.data.tokenizer}, {prepared.text.tokenizer.vocab_size:,} tokens",
        "products": prepared.config.model.dtype,
        "kernels": "reference" if (fast := model.fast_path()) is None else f"fast ({fast.kernels.name})",
    }
    return trainer


def model_from(state: Mapping[str, Any], device: torch.device) -> CustomTransformer:
    """The model of a checkpoint: its dimensions, and its averaged weights where it has them."""
    model = CustomTransformer.from_config(CustomTransformerConfig(**state["model_config"]))
    model.load_state_dict(weights_for_inference(state))
    return model.to(device).eval()
