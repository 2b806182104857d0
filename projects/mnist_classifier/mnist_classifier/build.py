"""The wiring: from a configuration to images, loaders, model and trainer. Only this file knows constructors."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import torch
from mlcore import training_run
from mlcore.device import choose_device
from mlcore.errors import ConfigError
from mlcore.image_classification.checkpoints import checkpoint_extras, read_image_checkpoint
from mlcore.image_classification.classifier import ImageClassifier
from mlcore.image_classification.hardness import with_curriculum
from mlcore.logger import TrainingLogger
from mlcore.runs import RunFolder
from mlcore.trainer import ClassificationTrainer, TrainingConfig, weights_for_inference
from mlcore.trainer.distributed import rank_and_world_size
from mldata.images.augmentation import build_augmentation
from mldata.images.batches import ImageBatches
from mldata.images.curriculum import Curriculum
from mldata.images.dataset import ImageDataset
from mldata.images.selection import hashes_of_splits
from mldata.images.selection import load_split as load_split
from mldata.images.selection import training_splits as training_splits
from mlmodels import BaseModel
from mlmodels.image_classifiers.config import CnnConfig, FcConfig, FcScratchConfig
from mlmodels.image_classifiers.flops import flops_per_image
from mlmodels.image_classifiers.photograph_configs import SimpleCnnConfig
from mlmodels.image_classifiers.vit_config import VitConfig
from pydantic import TypeAdapter, ValidationError
from torch import nn

from mnist_classifier.baselines import known_baselines
from mnist_classifier.config import ExperimentConfig, ModelConfig
from mnist_classifier.scratch_trainer import ScratchTrainer

MODELS = {
    "fc": "mlmodels.image_classifiers.fc:FcClassifier",
    "fc_scratch": "mlmodels.image_classifiers.fc_scratch:FcScratch",
    "cnn": "mlmodels.image_classifiers.cnn:CnnClassifier",
    "simple_cnn": "mlmodels.image_classifiers.simple_cnn:SimpleCnn",
    "vit": "mlmodels.image_classifiers.vit:VitClassifier",
}
CONVOLUTIONAL = ("cnn", "simple_cnn")


@dataclass(frozen=True)
class Prepared:
    """What exists before a run folder does: if anything of this fails, nothing has been written.

    `config` is resolved: its model section fits the images. `means` and `deviations` are those of the training
    images, one a channel, of values from 0 to 1; `curriculum` is their order where one is asked for.
    """

    config: ExperimentConfig
    device: torch.device
    train: ImageDataset
    validation: ImageDataset | None
    means: list[float]
    deviations: list[float]
    curriculum: Curriculum | None = None

    @property
    def channels_last(self) -> bool:
        """Convolutions on a CPU are about half as fast again in this memory format."""
        return self.config.model.type in CONVOLUTIONAL


def prepare(config: ExperimentConfig) -> Prepared:
    """Device, images and the resolved configuration of an experiment."""
    device = torch.device("cpu") if config.model.type == "fc_scratch" else choose_device(config.device)
    train, validation = training_splits(config.data)
    means, deviations = train.channel_statistics()
    model = model_config_for(config.model, train)
    resolved, curriculum = with_curriculum(
        config.model_copy(update={"model": model}),
        train,
        project=Path(__file__).resolve().parents[1],
        read=read_classifier,
        device=device,
        make=Curriculum,
    )
    return Prepared(resolved, device, train, validation, means, deviations, curriculum)


def model_config_for(model: ModelConfig, images: ImageDataset) -> ModelConfig:
    """The model's config with the images' shape and classes; a contradiction is an error."""
    _, height, width, channels = images.images.shape
    wanted: dict[str, int] = {"num_classes": images.num_classes}
    if isinstance(model, CnnConfig | SimpleCnnConfig | VitConfig):
        if height != width:
            raise ConfigError(f"the images are {height} × {width}; model type {model.type} takes square ones")
        wanted |= {"in_channels": channels, "image_size": height}
    else:
        wanted |= {"input_size": height * width * channels}
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
    """The experiment's model with weights drawn from `seed`."""
    return model_of(prepared.config.model, prepared.device, seed)


def model_of(config: ModelConfig, device: torch.device, seed: int) -> BaseModel:
    """A model with weights drawn from `seed`."""
    from importlib import import_module

    module, _, name = MODELS[config.type].partition(":")
    torch.manual_seed(seed)
    model: BaseModel = getattr(import_module(module), name).from_config(config)
    if config.type in CONVOLUTIONAL:
        model = model.to(memory_format=torch.channels_last)
    return model.to(device)


def make_loader(
    prepared: Prepared, images: ImageDataset, *, batch_size: int | None = None, **options: Any
) -> ImageBatches:
    """Normalised batches in order; `options` go to `ImageBatches`."""
    return ImageBatches(
        images,
        batch_size=batch_size or prepared.config.evaluation.batch_size,
        mean=prepared.means,
        std=prepared.deviations,
        channels_last=prepared.channels_last,
        **options,
    )


def make_training_loader(prepared: Prepared) -> ImageBatches:
    """Shuffled, augmented batches of the training images, for this process."""
    config = prepared.config
    return make_loader(
        prepared,
        prepared.train,
        batch_size=config.training.batch_size,
        shuffle=True,
        seed=config.seed,
        curriculum=prepared.curriculum,
        augmentation=build_augmentation(config.data.augmentation, seed=config.seed),
        num_workers=config.data.num_workers,
        **_place(),
    )


def baselines(train: ImageDataset, images: ImageDataset) -> dict[str, Any]:
    """What scikit-learn's classifiers reach on `images`, where that is known or quick."""
    return known_baselines(train, images)


def split_hashes(prepared: Prepared) -> dict[str, list[str]]:
    """A hash of every image of every split."""
    return hashes_of_splits(prepared.config.data, prepared.train, prepared.validation)


def make_loaders(prepared: Prepared) -> tuple[ImageBatches, ImageBatches | None]:
    """The loaders of a training run."""
    validation = prepared.validation
    return (
        make_training_loader(prepared),
        None if validation is None else make_loader(prepared, validation, **_place()),
    )


def _place() -> dict[str, int]:
    """This process among all of a distributed training."""
    rank, world_size = rank_and_world_size()
    return {"rank": rank, "world_size": world_size}


def make_logger(prepared: Prepared, run: RunFolder | None) -> TrainingLogger:
    """The logger of a run, told how many operations an image costs."""
    config = prepared.config
    return training_run.make_logger(
        config,
        run,
        flops_per_item=flops_per_image(config.model),
        item_name="images",
        config=config.model_dump(mode="json"),
    )


def bare_trainer(
    prepared: Prepared, model: nn.Module, training: TrainingConfig, *, seed: int, **options: Any
) -> ClassificationTrainer:
    """The trainer that fits the model; `options` go to its constructor."""
    kind = ScratchTrainer if prepared.config.model.type == "fc_scratch" else ClassificationTrainer
    return kind(model, training, device=prepared.device, seed=seed, **options)


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
        "data": f"{config.data.dataset}, {len(prepared.train):,} training images",
        "model": config.model.type,
    }
    return trainer


def read_classifier(checkpoint: Path, device: torch.device) -> ImageClassifier:
    """The classifier in a checkpoint, with its averaged weights where it has them.

    Raises:
        CheckpointError: damaged, or of another project.
    """
    state = read_image_checkpoint(checkpoint)
    return classifier_from(state, weights_for_inference(state), device)


def classifier_from(
    state: Mapping[str, Any], weights: Mapping[str, Any], device: torch.device
) -> ImageClassifier:
    """The classifier that the entries of `checkpoint_extras` and the weights describe."""
    config: ModelConfig = TypeAdapter(ModelConfig).validate_python(state["model_config"])
    model = model_of(config, device, seed=0)
    model.load_state_dict(weights)
    means, deviations = state["means"], state["deviations"]

    def batches(images: Any, batch_size: int) -> ImageBatches:
        return ImageBatches(
            images,
            batch_size=batch_size,
            mean=means,
            std=deviations,
            channels_last=config.type in CONVOLUTIONAL,
        )

    return ImageClassifier(
        model.eval(),
        tuple(state["classes"]),
        means,
        deviations,
        device,
        make_batches=batches,
        make_twin=partial(autograd_twin, config, model, device)
        if isinstance(config, FcScratchConfig)
        else None,
    )


def autograd_twin(config: FcScratchConfig, model: BaseModel, device: torch.device) -> BaseModel:
    """The NumPy network's weights in the fully connected one, which knows autograd."""
    names = ("input_size", "hidden_sizes", "num_classes", "dropout")
    twin = model_of(FcConfig(**{name: getattr(config, name) for name in names}), device, seed=0)
    twin.load_state_dict(dict(model.named_parameters()))
    return twin.eval()
