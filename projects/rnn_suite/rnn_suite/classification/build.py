"""The wiring of the classifiers: from a configuration to texts, tokens, model and trainer."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from mlcore import training_run
from mlcore.checkpoint import load_checkpoint_file, resolve_checkpoint
from mlcore.device import choose_device
from mlcore.errors import CheckpointError, ConfigError
from mlcore.logger import TrainingLogger
from mlcore.runs import RunFolder
from mlcore.text_experiment.wiring import kept_tokenizer
from mlcore.trainer import ClassificationTrainer, weights_for_inference
from mlcore.trainer.distributed import rank_and_world_size
from mldata.labelled_text import (
    EncodedTexts,
    LabelledTextBatches,
    LabelledTexts,
    encode_texts,
    load_labelled_text,
)
from mldata.tokenizers import CharacterTokenizer, Tokenizer, WordTokenizer, load_tokenizer, read_tokenizer
from mldata.tokenizers.base import END_OF_TEXT, UNKNOWN
from mlmodels.recurrent.classifier import RecurrentClassifier
from mlmodels.recurrent.config import RecurrentClassifierConfig
from mlmodels.recurrent.size import flops_per_token as recurrent_flops
from mlmodels.transformer_encoders.classifier import BertClassifier
from mlmodels.transformer_encoders.size import flops_per_token as bert_flops
from pydantic import TypeAdapter

from rnn_suite.config import ClassifierConfig, TextClassifierConfig

MADE_OF_THE_TEXTS = ("word", "character")
Model = RecurrentClassifier | BertClassifier


@dataclass(frozen=True)
class Prepared:
    """What exists before a run folder does: if anything of this fails, nothing has been written.

    `config` is resolved: its model section has the tokenizer's vocabulary and the data's classes.
    """

    config: ClassifierConfig
    device: torch.device
    tokenizer: Tokenizer
    train_texts: LabelledTexts
    train: EncodedTexts
    validation: EncodedTexts


def prepare(config: ClassifierConfig, run: RunFolder | None = None) -> Prepared:
    """Device, texts, tokenizer and tokens of an experiment, or of a `run` that exists."""
    device = choose_device(config.device)
    train, validation = (load_split(config, split) for split in ("train", "validation"))
    tokenizer = make_tokenizer(config, train, run)
    encoded = encode(config, train, tokenizer)
    model = model_config_for(config, tokenizer.vocab_size, len(train.classes), encoded.pad_id)
    return Prepared(
        config.model_copy(update={"model": model}),
        device,
        tokenizer,
        train,
        encoded,
        encode(config, validation, tokenizer),
    )


def load_split(config: ClassifierConfig, split: str) -> LabelledTexts:
    """The configured part of a split; of the test split all."""
    data = config.data
    size = {"train": data.subset_size, "validation": data.val_subset_size}.get(split)
    return load_labelled_text(data.dataset, split, subset_size=size, data_dir=data.data_dir)


def make_tokenizer(config: ClassifierConfig, texts: LabelledTexts, run: RunFolder | None = None) -> Tokenizer:
    """The named tokenizer; one that is made of the training `texts` is kept in the run."""
    data = config.data
    if data.tokenizer not in MADE_OF_THE_TEXTS:
        return load_tokenizer(data.tokenizer)
    kept = kept_tokenizer(run)
    if kept is not None and kept.is_dir():
        return read_tokenizer(kept)
    read = (text.lower() if data.lowercase else text for text in texts)
    if data.tokenizer == "character":
        return CharacterTokenizer.train(read, specials=(END_OF_TEXT, UNKNOWN))
    return WordTokenizer.train(read, data.vocab_size, min_count=data.min_count)


def encode(config: ClassifierConfig, texts: LabelledTexts, tokenizer: Tokenizer) -> EncodedTexts:
    """The texts as the configuration has them read."""
    return encode_texts(texts, tokenizer, max_length=config.data.max_length, lowercase=config.data.lowercase)


def model_config_for(
    config: ClassifierConfig, vocab_size: int, num_classes: int, pad_id: int
) -> TextClassifierConfig:
    """The model's config with what the data say.

    Raises:
        ConfigError: the configuration says something else.
    """
    model = config.model
    wanted = {"vocab_size": vocab_size, "num_classes": num_classes, "pad_id": pad_id}
    for key, value in wanted.items():
        if key in model.model_fields_set and getattr(model, key) != value:
            raise ConfigError(
                f"model.{key} is {getattr(model, key)}, but {config.data.dataset} in tokens of "
                f"{config.data.tokenizer!r} wants {value}: leave model.{key} out"
            )
    return model.model_copy(update=wanted)


def make_model(config: TextClassifierConfig, device: torch.device, seed: int) -> Model:
    """A classifier with weights drawn from `seed`."""
    torch.manual_seed(seed)
    return model_of(config).to(device)


def model_of(config: TextClassifierConfig) -> Model:
    """The classifier that a section describes."""
    if isinstance(config, RecurrentClassifierConfig):
        return RecurrentClassifier(config)
    return BertClassifier(config)


def make_loaders(prepared: Prepared) -> tuple[LabelledTextBatches, LabelledTextBatches]:
    """Shuffled training batches and validation batches in order, both of this process."""
    config = prepared.config
    rank, world_size = rank_and_world_size()
    train = LabelledTextBatches(
        prepared.train,
        batch_size=config.training.batch_size,
        shuffle=True,
        seed=config.seed,
        rank=rank,
        world_size=world_size,
    )
    validation = LabelledTextBatches(
        prepared.validation, batch_size=config.evaluation.batch_size, rank=rank, world_size=world_size
    )
    return train, validation


def make_logger(prepared: Prepared, run: RunFolder | None) -> TrainingLogger:
    """The logger of a run, told how many operations a text of mean length costs."""
    config, length = prepared.config, float(prepared.train.lengths.mean())
    if isinstance(config.model, RecurrentClassifierConfig):
        per_token = recurrent_flops(config.model)
    else:
        per_token = bert_flops(config.model, length)
    return training_run.make_logger(
        config,
        run,
        flops_per_item=per_token * length,
        item_name="texts",
        config=config.model_dump(mode="json"),
    )


def make_trainer(
    prepared: Prepared, model: Model, *, run: RunFolder | None, logger: TrainingLogger
) -> ClassificationTrainer:
    """The core's trainer of classifiers; a checkpoint also holds what evaluating it needs."""
    config, train = prepared.config, prepared.train
    trainer = ClassificationTrainer(
        model,
        config.training,
        device=prepared.device,
        seed=config.seed,
        logger=logger,
        checkpoints=training_run.make_checkpoints(config.training, run),
        extra_state={
            "config": config.model_dump(mode="json"),
            "model_config": config.model.model_dump(mode="json"),
            "tokenizer": prepared.tokenizer.fingerprint,
            "data": prepared.train_texts.fingerprint,
            "classes": list(prepared.train_texts.classes),
        },
    )
    trainer.info = {
        "data": f"{config.data.dataset}, {len(train):,} training texts: {prepared.train_texts.source}",
        "tokenizer": f"{config.data.tokenizer}, {prepared.tokenizer.vocab_size:,} tokens; validation texts: "
        f"{prepared.validation.unknown_share:.1%} unknown, {prepared.validation.num_truncated} cut",
        "model": in_words(config.model),
    }
    return trainer


def in_words(model: TextClassifierConfig) -> str:
    """What kind of model, and how large."""
    if isinstance(model, RecurrentClassifierConfig):
        directions = "bidirectional " if model.bidirectional else ""
        return f"{directions}{model.cell}, {model.num_layers} × {model.hidden_size}"
    return f"BERT, {model.n_layers} × {model.d_model}"


def read_checkpoint(path: Path, tokenizer: Tokenizer) -> dict[str, Any]:
    """A classifier's checkpoint, verified, on the CPU.

    Raises:
        CheckpointError: damaged, of something else, or of another tokenizer.
    """
    state = load_checkpoint_file(resolve_checkpoint(path))
    if not {"model", "model_config", "classes"} <= state.keys():
        raise CheckpointError(f"{path}: not a checkpoint of a classifier of texts")
    if state.get("tokenizer") != tokenizer.fingerprint:
        raise CheckpointError(
            f"{path}: trained with another tokenizer (fingerprint {str(state.get('tokenizer'))[:12]}) than "
            f"{tokenizer.name!r} ({tokenizer.fingerprint[:12]}, {tokenizer.vocab_size} tokens): was it made of "
            "other training texts?"
        )
    return state


def model_from(state: Mapping[str, Any], device: torch.device) -> Model:
    """The model of a checkpoint: its dimensions, and its averaged weights where it has them."""
    config: TextClassifierConfig = TypeAdapter(TextClassifierConfig).validate_python(state["model_config"])
    model = model_of(config)
    model.load_state_dict(weights_for_inference(state))
    return model.to(device).eval()
