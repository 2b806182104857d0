"""What a YAML of this project may hold."""

from typing import Annotated, Literal, Self

from mlcore.config.run_name import RunName
from mlcore.image_classification.config import ImageExperimentConfig
from mlcore.trainer.config import TrainingConfig
from mldata.images.config import ImageDataConfig, ProgressiveResizingConfig
from mlmodels.image_classifiers.photograph_configs import (
    BackboneConfig,
    CifarResNetConfig,
    SimpleCnnConfig,
    SpeedNetConfig,
)
from mlmodels.image_classifiers.vit_config import VitConfig
from pydantic import Field, model_validator

ModelConfig = Annotated[
    SimpleCnnConfig | CifarResNetConfig | BackboneConfig | SpeedNetConfig | VitConfig,
    Field(discriminator="type"),
]


class DataConfig(ImageDataConfig):
    """Which images, how they are split, and what is done to them while training."""

    dataset: str = Field(
        "shapes",
        description="shapes, cifar10, another image set of `python -m mldata list`, or a folder's name",
    )
    attributes: tuple[Literal["colour"], ...] = Field(
        (), max_length=1, description="what else to predict, each with a head of its own; of shapes: colour"
    )

    progressive_resizing: ProgressiveResizingConfig | None = Field(
        None, description="smaller images in the first epochs; null: never"
    )

    @model_validator(mode="after")
    def _one_label_is_mixed(self) -> Self:
        if self.attributes and self.augmentation.mixes:
            raise ValueError("attributes: mixup and cutmix mix the class alone; set both to 0")
        return self


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

    @model_validator(mode="after")
    def _further_heads_fit_the_model(self) -> Self:
        if self.data.attributes and self.model.type == "speed_net":
            raise ValueError(
                "data.attributes: speed_net has one head; take another model.type, such as simple_cnn"
            )
        return self

    @model_validator(mode="after")
    def _small_images_fit_the_model(self) -> Self:
        if self.data.progressive_resizing is not None and self.model.type == "vit":
            raise ValueError(
                "data.progressive_resizing: vit takes images of one size; take a convolutional model.type, such as "
                "speed_net"
            )
        return self

    @model_validator(mode="after")
    def _weights_are_of_losses(self) -> Self:
        losses = ("class", *self.data.attributes) if self.data.attributes else ()
        unknown = sorted(self.training.loss_weights.keys() - set(losses))
        if unknown:
            there = (
                f"there are: {', '.join(losses)}" if losses else "without data.attributes there is one loss"
            )
            raise ValueError(f"training.loss_weights: no loss {unknown[0]!r}; {there}")
        return self
