"""The wiring: from a configuration to text, tokens, model, trainer and evaluator. Only this file knows constructors."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from mlcore import training_run
from mlcore.checkpoint import load_checkpoint_file, resolve_checkpoint
from mlcore.device import choose_device, choose_precision
from mlcore.errors import CheckpointError, ConfigError
from mlcore.evaluator import AdvancedEvaluator, ClaudeJudge, WordList
from mlcore.evaluator.text_evaluation import write_samples
from mlcore.logger import TrainingLogger
from mlcore.runs import RunFolder
from mlcore.trainer import BaseTrainer, SampleCallback, weights_for_inference
from mlcore.trainer.optimizers import parameter_groups
from mldata.text import TextDataset, load_text
from mldata.token_files import TokenFile, prepare_dataset
from mldata.tokenizers import CharacterTokenizer, Tokenizer, load_tokenizer, read_tokenizer
from mldata.tokenizers.base import END_OF_TEXT, UNKNOWN
from mldata.windows import TokenWindows
from mlmodels.custom_transformer.config import CustomTransformerConfig
from mlmodels.custom_transformer.model import CustomTransformer
from mlmodels.custom_transformer.optimizers import SGD, AdamW
from mlmodels.custom_transformer.size import flops_per_token

from custom_transformer.config import ExperimentConfig
from custom_transformer.trainer import HandWrittenTrainer

RUN_TOKENIZER = "tokenizer"  # folder of a run whose tokenizer was made of its own text
WORD_LIST_DOCUMENTS = 20_000  # enough for the heuristic judge's dictionary; more only costs time


@dataclass(frozen=True)
class Prepared:
    """What exists before a run folder does: if anything of this fails, nothing has been written.

    `config` is resolved: its model section has the tokenizer's vocabulary and the device's dtype.
    """

    config: ExperimentConfig
    device: torch.device
    tokenizer: Tokenizer
    train_text: TextDataset
    train_tokens: TokenFile
    val_tokens: TokenFile


def prepare(config: ExperimentConfig, run: RunFolder | None = None) -> Prepared:
    """Device, text, tokenizer and tokens of an experiment, or of a `run` that exists."""
    device = choose_device(config.device)
    train_text, val_text = load_split(config, "train"), load_split(config, "validation")
    tokenizer = make_tokenizer(config, train_text, run)
    model_config = model_config_for(config, tokenizer.vocab_size, device)
    return Prepared(
        config=config.model_copy(update={"model": model_config}),
        device=device,
        tokenizer=tokenizer,
        train_text=train_text,
        train_tokens=prepare_dataset(train_text, tokenizer),
        val_tokens=prepare_dataset(val_text, tokenizer),
    )


def make_tokenizer(
    config: ExperimentConfig, train_text: TextDataset | None = None, run: RunFolder | None = None
) -> Tokenizer:
    """The named tokenizer. `character` is made of the training text and kept in the run."""
    if config.data.tokenizer != "character":
        return load_tokenizer(config.data.tokenizer)
    if run is not None and (run.path / RUN_TOKENIZER).is_dir():
        return read_tokenizer(run.path / RUN_TOKENIZER)
    if train_text is None:
        train_text = load_split(config, "train")
    return CharacterTokenizer.train(train_text, specials=(END_OF_TEXT, UNKNOWN))


def load_split(config: ExperimentConfig, split: str) -> TextDataset:
    """The configured part of a split."""
    data = config.data
    size = data.subset_size if split == "train" else data.val_subset_size
    return load_text(data.dataset, split, subset_size=size, data_dir=data.data_dir)


def model_config_for(
    config: ExperimentConfig, vocab_size: int, device: torch.device
) -> CustomTransformerConfig:
    """The model's config with the tokenizer's vocabulary and, where none is asked for, the device's dtype."""
    model = config.model
    if "vocab_size" in model.model_fields_set and model.vocab_size != vocab_size:
        raise ConfigError(
            f"model.vocab_size is {model.vocab_size}, but tokenizer {config.data.tokenizer!r} has {vocab_size} tokens: "
            "leave model.vocab_size out, or name the tokenizer it belongs to"
        )
    changes: dict[str, Any] = {"vocab_size": vocab_size}
    if "dtype" not in model.model_fields_set:
        precision = choose_precision(config.training.mixed_precision, device)
        changes["dtype"] = "float32" if precision.autocast is None else "bfloat16"
    return model.model_copy(update=changes)


def make_model(model_config: CustomTransformerConfig, device: torch.device, seed: int) -> CustomTransformer:
    """The hand-written transformer with weights drawn from `seed`."""
    torch.manual_seed(seed)
    return CustomTransformer.from_config(model_config).to(device)


def make_loaders(
    prepared: Prepared, *, rank: int = 0, world_size: int = 1
) -> tuple[TokenWindows, TokenWindows]:
    """Shuffled training windows and validation windows in order, both of this rank."""
    config = prepared.config
    windows = partial(
        TokenWindows,
        context_length=config.data.max_length,
        batch_size=config.training.batch_size,
        num_workers=config.data.num_workers,
        rank=rank,
        world_size=world_size,
    )
    train = windows(prepared.train_tokens, seed=config.seed, mode="random", drop_last=True)
    if not len(train):
        raise ConfigError(
            f"{len(prepared.train_tokens):,} training tokens are fewer than one batch: "
            "make training.batch_size or data.max_length smaller"
        )
    return train, windows(prepared.val_tokens, mode="sequential")


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
        extra_state={
            "config": config.model_dump(mode="json"),
            "model_config": prepared.config.model.model_dump(mode="json"),
            "tokenizer": prepared.tokenizer.fingerprint,
        },
    )
    trainer.info = {
        "data": f"{config.data.dataset}, {len(prepared.train_tokens):,} training tokens",
        "tokenizer": f"{config.data.tokenizer}, {prepared.tokenizer.vocab_size:,} tokens",
        "products": prepared.config.model.dtype,
        "kernels": "reference" if (fast := model.fast_path()) is None else f"fast ({fast.kernels.name})",
    }
    return trainer


def samples_of(trainer: BaseTrainer, prepared: Prepared) -> list[dict[str, Any]]:
    """One sample for every prompt, as the logger shows and keeps it."""
    assert isinstance(trainer.model, CustomTransformer)
    evaluator = AdvancedEvaluator(trainer.model, prepared.tokenizer, device=trainer.device)
    config = prepared.config
    samples = write_samples(evaluator, config.evaluation, seed=config.seed, samples_per_prompt=1)
    return [sample.as_dict() for sample in samples]


def make_evaluator(prepared: Prepared, model: CustomTransformer) -> AdvancedEvaluator:
    """Evaluator with the training text's words as dictionary, and the Claude judge where the config asks for it."""
    evaluation = prepared.config.evaluation
    documents = (text for _, text in zip(range(WORD_LIST_DOCUMENTS), prepared.train_text, strict=False))
    judge = ClaudeJudge(evaluation.coherence) if evaluation.evaluate_coherence else None
    return AdvancedEvaluator(
        model,
        prepared.tokenizer,
        device=prepared.device,
        judge=judge,
        dictionary=WordList.from_texts(documents),
    )


def read_checkpoint(path: Path, tokenizer: Tokenizer | None = None) -> dict[str, Any]:
    """A run's checkpoint, verified, on the CPU; its tokenizer must be the one given."""
    state = load_checkpoint_file(resolve_checkpoint(path))
    if "model" not in state or "model_config" not in state:
        raise CheckpointError(f"{path}: not a checkpoint of this project")
    if tokenizer is not None and state.get("tokenizer") != tokenizer.fingerprint:
        raise CheckpointError(
            f"{path}: trained with another tokenizer (fingerprint {str(state.get('tokenizer'))[:12]}) than "
            f"{tokenizer.name!r} ({tokenizer.fingerprint[:12]}, {tokenizer.vocab_size} tokens)"
        )
    return state


def model_from(state: Mapping[str, Any], device: torch.device) -> CustomTransformer:
    """The model of a checkpoint: its dimensions, and its averaged weights where it has them."""
    model = CustomTransformer.from_config(CustomTransformerConfig(**state["model_config"]))
    model.load_state_dict(weights_for_inference(state))
    return model.to(device).eval()


def count_tokens(tokens: np.ndarray, vocab_size: int) -> np.ndarray:
    """(vocab_size,) how often each token occurs."""
    return np.bincount(tokens, minlength=vocab_size)
