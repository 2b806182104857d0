"""What a YAML of this project may hold."""

from typing import Annotated, Literal

from mlcore.config.run_name import RunName
from mlcore.image_classification.config import ImageExperimentConfig
from mlcore.trainer.config import TrainingConfig
from mldata.images.config import ImageDataConfig
from mlmodels.image_classifiers.photograph_configs import (
    BackboneConfig,
    CifarResNetConfig,
    SimpleCnnConfig,
    SpeedNetConfig,
)
from pydantic import Field

ModelConfig = Annotated[
    SimpleCnnConfig | CifarResNetConfig | BackboneConfig | SpeedNetConfig, Field(discriminator="type")
]


class DataConfig(ImageDataConfig):
    """Which images, how they are split, and what is done to them while training."""

    dataset: str = Field(
        "shapes",
        description="shapes, cifar10, another image set of `python -m mldata list`, or a folder's name",
    )


class CifarTrainingConfig(TrainingConfig):
    """The core's training section; half precision wherever the hardware multiplies it."""

    mixed_precision: Literal["auto", "off", "float32", "bf16", "fp16"] | bool = Field(
        "auto",
        description="autocast type; auto is bf16 where the hardware multiplies it; fp16 scales the loss",
    )


class ExperimentConfig(ImageExperimentConfig):
    """One experiment: images, model, training."""

    name: RunName = Field("cifar_cnn", description="first part of the run folder's name")
    data: DataConfig = DataConfig()
    model: ModelConfig = SimpleCnnConfig()
    training: CifarTrainingConfig = CifarTrainingConfig()
