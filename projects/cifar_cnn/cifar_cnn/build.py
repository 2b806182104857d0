"""The wiring: from a configuration to images, loaders, model and trainer. Only this file knows constructors."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import Any

import torch
from mlcore import training_run
from mlcore.device import choose_device
from mlcore.errors import CheckpointError, ConfigError
from mlcore.image_classification.checkpoints import checkpoint_extras, read_image_checkpoint
from mlcore.image_classification.classifier import ImageClassifier, OtherTask
from mlcore.image_classification.hardness import with_curriculum
from mlcore.logger import TrainingLogger
from mlcore.runs import RunFolder
from mlcore.trainer import (
    ClassificationTrainer,
    MultiTaskTrainer,
    TrainingConfig,
    weights_for_inference,
)
from mlcore.trainer.distributed import rank_and_world_size
from mldata.images.attributes import attribute_of
from mldata.images.augmentation import build_augmentation, build_mixing
from mldata.images.batches import ImageBatches
from mldata.images.curriculum import Curriculum
from mldata.images.dataset import ImageDataset
from mldata.images.selection import hashes_of_splits
from mldata.images.selection import load_split as load_split
from mldata.images.selection import training_splits as training_splits
from mlmodels import BaseModel
from mlmodels.image_classifiers.flops import counted_flops
from mlmodels.image_classifiers.multi_task import MultiTaskClassifier
from pydantic import TypeAdapter, ValidationError
from torch import nn

from cifar_cnn.config import ExperimentConfig, ModelConfig

MODELS = {
    "simple_cnn": "simple_cnn:SimpleCnn",
    "resnet20": "cifar_resnet:CifarResNet",
    "resnet56": "cifar_resnet:CifarResNet",
    "resnet18": "backbones:Backbone",
    "resnet50": "backbones:Backbone",
    "efficientnet_b0": "backbones:Backbone",
    "speed_net": "speed_net:SpeedNet",
    "vit": "vit:VitClassifier",
}
NUM_IMAGES_TO_WHITEN = 2000  # 1.9 million patches of 2 × 2


@dataclass(frozen=True)
class Prepared:
    """What exists before a run folder does: if anything of this fails, nothing has been written.

    `config` is resolved: its model section fits the images. `means` and `deviations` are those of the training
    images, one a channel, of values from 0 to 1; `curriculum` is their order where one is asked for; `heads` are
    the further tasks, each with the names of its classes.
    """

    config: ExperimentConfig
    device: torch.device
    train: ImageDataset
    validation: ImageDataset | None
    means: list[float]
    deviations: list[float]
    curriculum: Curriculum | None = None
    heads: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


def prepare(config: ExperimentConfig) -> Prepared:
    """Device, images and the resolved configuration of an experiment."""
    device = choose_device(config.device)
    train, validation = training_splits(config.data)
    means, deviations = train.channel_statistics()
    model = model_config_for(config.model, train)
    check_resizing(config, train)
    resolved, curriculum = with_curriculum(
        config.model_copy(update={"model": model}),
        train,
        project=Path(__file__).resolve().parents[1],
        read=read_classifier,
        device=device,
        make=Curriculum,
    )
    heads = {str(name): attribute_of(train, name).classes for name in config.data.attributes}
    return Prepared(resolved, device, train, validation, means, deviations, curriculum, heads)


def check_resizing(config: ExperimentConfig, images: ImageDataset) -> None:
    """Raise ConfigError where progressive resizing would enlarge images."""
    resizing = config.data.progressive_resizing
    edge = images.image_shape[0]
    if resizing is not None and max(resizing.sizes) > edge:
        raise ConfigError(
            f"data.progressive_resizing.sizes: {max(resizing.sizes)} is above {edge}, the images' own edge; "
            f"give at most {edge}"
        )


def model_config_for(model: ModelConfig, images: ImageDataset) -> ModelConfig:
    """The model's config with the images' shape and classes; a contradiction is an error."""
    height, width, channels = images.image_shape
    if height != width:
        raise ConfigError(f"the images are {height} × {width}; the models of this project take square ones")
    wanted = {"num_classes": images.num_classes, "in_channels": channels, "image_size": height}
    for key, value in wanted.items():
        if key in model.model_fields_set and getattr(model, key) != value:
            raise ConfigError(
                f"model.{key} is {getattr(model, key)}, but the images of {images.name} want {value}"
            )
    try:
        return type(model).model_validate({**model.model_dump(), **wanted})
    except ValidationError as error:
        raise ConfigError(f"model: {error.errors()[0]['msg'].removeprefix('Value error, ')}") from None


def make_model(prepared: Prepared, seed: int) -> BaseModel:
    """The experiment's model with weights drawn from `seed`; a whitening layer is fitted to training images."""
    model = model_of(prepared.config.model, prepared.device, seed)
    if hasattr(model, "fit_first_layer"):
        few = prepared.train.subset(range(min(NUM_IMAGES_TO_WHITEN, len(prepared.train))))
        (batch, _), *_ = make_loader(prepared, few, batch_size=len(few))
        model.fit_first_layer(batch.to(prepared.device))
    return with_heads(model, prepared.heads) if prepared.heads else model


def with_heads(model: BaseModel, heads: Mapping[str, Sequence[str]]) -> MultiTaskClassifier:
    """The model with a further head for each of `heads`."""
    sizes = {name: len(classes) for name, classes in heads.items()}
    device = next(model.parameters()).device
    return MultiTaskClassifier(model, sizes).to(device)


def model_of(config: ModelConfig, device: torch.device, seed: int) -> BaseModel:
    """A model with weights drawn from `seed`, in the order of memory that convolutions like."""
    module, _, name = MODELS[config.type].partition(":")
    torch.manual_seed(seed)
    kind = getattr(import_module(f"mlmodels.image_classifiers.{module}"), name)
    model: BaseModel = kind.from_config(config)
    return model.to(device=device, memory_format=torch.channels_last)


def make_loader(
    prepared: Prepared, images: ImageDataset, *, batch_size: int | None = None, **options: Any
) -> ImageBatches:
    """Normalised batches in order; `options` go to `ImageBatches`."""
    return ImageBatches(
        images,
        batch_size=batch_size or prepared.config.evaluation.batch_size,
        mean=prepared.means,
        std=prepared.deviations,
        channels_last=True,
        **options,
    )


def make_training_loader(prepared: Prepared, *, whole_recipe: bool = False) -> ImageBatches:
    """Shuffled, augmented batches of the training images, for this process. With the whole recipe images are also
    mixed, so that labels are probabilities, and smaller in the first epochs.
    """
    config, augmentation = prepared.config, prepared.config.data.augmentation
    resizing = config.data.progressive_resizing
    mixing = build_mixing(augmentation, seed=config.seed, num_classes=prepared.train.num_classes)
    return make_loader(
        prepared,
        prepared.train,
        batch_size=config.training.batch_size,
        shuffle=True,
        seed=config.seed,
        curriculum=prepared.curriculum,
        augmentation=build_augmentation(augmentation, seed=config.seed, as_bytes=True),
        mixing=mixing if whole_recipe else None,
        num_workers=config.data.num_workers,
        resizing=resizing.size if resizing is not None and whole_recipe else None,
        attributes={name: attribute_labels(name, prepared.train) for name in prepared.heads},
        **_place(),
    )


def attribute_labels(name: str, images: ImageDataset) -> torch.Tensor:
    """(N,) the labels of a further task."""
    return attribute_of(images, name).labels


def make_loaders(prepared: Prepared) -> tuple[ImageBatches, ImageBatches | None]:
    """The loaders of a training run."""
    train, images = make_training_loader(prepared, whole_recipe=True), prepared.validation
    if images is None:
        return train, None
    labels = {name: attribute_labels(name, images) for name in prepared.heads}
    return train, make_loader(prepared, images, attributes=labels, **_place())


def _place() -> dict[str, int]:
    """This process among all of a distributed training."""
    rank, world_size = rank_and_world_size()
    return {"rank": rank, "world_size": world_size}


def baselines(train: ImageDataset, images: ImageDataset) -> dict[str, Any]:
    """None: plain classifiers of pixels say little about photographs."""
    return {}


def split_hashes(prepared: Prepared) -> dict[str, list[str]]:
    """A hash of every image of every split."""
    return hashes_of_splits(prepared.config.data, prepared.train, prepared.validation)


def make_logger(prepared: Prepared, run: RunFolder | None) -> TrainingLogger:
    """The logger of a run, told how many operations an image costs unless that changes."""
    config = prepared.config
    height, width, channels = prepared.train.image_shape
    with torch.device("meta"):
        flops = counted_flops(
            lambda: model_of(config.model, torch.device("meta"), 0), (channels, height, width)
        )
    return training_run.make_logger(
        config,
        run,
        flops_per_item=None if config.data.progressive_resizing else flops,
        item_name="images",
        config=config.model_dump(mode="json"),
    )


def bare_trainer(
    prepared: Prepared, model: nn.Module, training: TrainingConfig, *, seed: int, **options: Any
) -> ClassificationTrainer:
    """The trainer that fits the model; `options` go to its constructor."""
    options |= {"device": prepared.device, "seed": seed}
    if prepared.heads:
        return MultiTaskTrainer(model, training, tasks=("class", *prepared.heads), **options)
    return ClassificationTrainer(model, training, **options)


def make_trainer(
    prepared: Prepared, model: nn.Module, *, run: RunFolder | None, logger: TrainingLogger
) -> ClassificationTrainer:
    """The shared loop around the model; a checkpoint also holds what evaluating it needs."""
    config = prepared.config
    saves = config.logging.save_checkpoints
    trainer = bare_trainer(
        prepared,
        model,
        config.training,
        seed=config.seed,
        logger=logger,
        checkpoints=training_run.make_checkpoints(config.training, run) if saves else None,
        extra_state=checkpoint_extras(prepared),
    )
    trainer.info = {
        "data": f"{prepared.train.name}, {len(prepared.train):,} training images",
        "model": config.model.type,
    }
    return trainer


def read_classifier(checkpoint: Path, device: torch.device) -> ImageClassifier:
    """The classifier in a checkpoint, with its averaged weights where it has them.

    Raises:
        CheckpointError: damaged, or of another project.
    """
    state = read_image_checkpoint(checkpoint)
    kind = state["model_config"].get("type")
    if kind not in MODELS:
        raise CheckpointError(f"{checkpoint}: not a checkpoint of this project (a model of type {kind})")
    return classifier_from(state, weights_for_inference(state), device)


def classifier_from(
    state: Mapping[str, Any], weights: Mapping[str, Any], device: torch.device
) -> ImageClassifier:
    """The classifier that the entries of `checkpoint_extras` and the weights describe."""
    # Pretrained weights are not read again: the checkpoint has its own.
    described = {**state["model_config"], "weights": None, "freeze": "none"}
    known = described if "weights" in state["model_config"] else state["model_config"]
    config: ModelConfig = TypeAdapter(ModelConfig).validate_python(known)
    means, deviations = state["means"], state["deviations"]

    def batches(images: Any, batch_size: int) -> ImageBatches:
        return ImageBatches(images, batch_size=batch_size, mean=means, std=deviations, channels_last=True)

    def classifier(
        model: nn.Module, classes: Sequence[str], others: Mapping[str, OtherTask] | None = None
    ) -> ImageClassifier:
        return ImageClassifier(
            model.eval(),
            tuple(classes),
            means,
            deviations,
            device,
            make_batches=batches,
            others=others or {},
        )

    model = model_of(config, device, seed=0)
    heads: Mapping[str, Sequence[str]] = state.get("heads", {})
    if not heads:
        model.load_state_dict(weights)
        return classifier(model, state["classes"])
    whole = with_heads(model, heads)
    whole.load_state_dict(weights)
    others = {
        name: OtherTask(classifier(whole.classifier_of(name), classes), partial(attribute_labels, name))
        for name, classes in heads.items()
    }
    return classifier(whole.main_classifier, state["classes"], others)
