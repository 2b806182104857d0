"""The configs of the networks for small photographs. Imports no torch: a config is read before anything heavy."""

from pathlib import Path
from typing import Literal, Self

from pydantic import BaseModel, ConfigDict, Field, PositiveInt, model_validator


class PhotographConfig(BaseModel):
    """What all of them have. Images are square and in colour unless `in_channels` says otherwise."""

    model_config = ConfigDict(
        frozen=True, extra="forbid", validate_default=True, allow_inf_nan=False, protected_namespaces=()
    )

    type: str
    num_classes: int = Field(default=10, ge=2, description="number of classes, K")
    in_channels: int = Field(default=3, ge=1, description="1: grey, 3: colour")
    image_size: int = Field(default=32, ge=8, description="height and width in pixels")


class SimpleCnnConfig(PhotographConfig):
    """Stages of 3×3 convolutions with BatchNorm and ReLU, each of which ends by halving the image."""

    type: Literal["simple_cnn"] = "simple_cnn"
    channels: tuple[PositiveInt, ...] = Field(
        default=(48, 96, 192), min_length=1, description="filters of every stage"
    )
    convolutions: tuple[PositiveInt, ...] = Field(
        default=(1, 2, 2), min_length=1, description="convolutions of every stage"
    )
    pooling: Literal["mean", "max"] = Field(
        default="mean", description="what is taken of each map behind the last stage"
    )
    dropout: float = Field(default=0.0, ge=0.0, lt=1.0, description="probability of dropping a feature")

    @model_validator(mode="after")
    def _stages_fit(self) -> Self:
        if len(self.channels) != len(self.convolutions):
            raise ValueError(
                f"channels has {len(self.channels)} stages and convolutions {len(self.convolutions)}: "
                "give one number a stage in both"
            )
        if self.image_size >> len(self.channels) < 1:
            raise ValueError(
                f"image_size {self.image_size} cannot be halved {len(self.channels)} times, once a stage: "
                f"give at most {self.image_size.bit_length() - 1} stages"
            )
        return self


class CifarResNetConfig(PhotographConfig):
    """Residual networks in their form for CIFAR-10 (He et al., 2015, section 4.2): 269,722 and 853,018 parameters."""

    type: Literal["resnet20", "resnet56"] = "resnet20"
    width: int = Field(
        default=16, ge=1, description="filters of the first stage, of the others 2 and 4 times as many"
    )
    checkpointing: bool = Field(
        default=False, description="compute the blocks again in backward instead of keeping their activations"
    )

    @property
    def blocks_per_stage(self) -> int:
        """n of the paper's 6n + 2 layers."""
        return (int(self.type.removeprefix("resnet")) - 2) // 6


class BackboneConfig(PhotographConfig):
    """torchvision's networks, adapted to small images; their weights may come from a local file."""

    type: Literal["resnet18", "resnet50", "efficientnet_b0"] = "resnet18"
    stem: Literal["small", "imagenet"] = Field(
        default="small",
        description="small: 3×3 without a stride and without pooling, for 32×32; imagenet: as published",
    )
    upscale: int = Field(default=1, ge=1, le=8, description="images are first enlarged so many times")
    weights: Path | None = Field(
        default=None,
        description="local file of pretrained weights (.pth, .pt or .safetensors); layers of another shape start anew",
    )
    freeze: Literal["none", "backbone"] = Field(
        default="none", description="backbone: train the new last layer alone (transfer learning)"
    )

    @model_validator(mode="after")
    def _only_what_was_learnt_is_frozen(self) -> Self:
        if self.freeze == "backbone" and self.weights is None:
            raise ValueError("freeze: backbone keeps random weights as they are: name a file of weights")
        return self


class SpeedNetConfig(PhotographConfig):
    """A network that reaches its accuracy in few epochs: whitened patches, few wide convolutions."""

    type: Literal["speed_net"] = "speed_net"
    widths: tuple[PositiveInt, ...] = Field(
        default=(64, 256, 256), min_length=1, description="filters of each block; each halves the image"
    )
    patch: int = Field(default=2, ge=2, le=5, description="edge of the whitened patches, pixels")
    whitening_epsilon: float = Field(
        default=5e-4, gt=0, description="added to the variance of every direction"
    )
    output_scale: float = Field(default=1 / 9, gt=0, description="the logits' factor")
    norm_momentum: float = Field(
        default=0.4, gt=0, le=1, description="share of a batch in BatchNorm's running statistics"
    )

    @model_validator(mode="after")
    def _something_is_left_of_the_image(self) -> Self:
        if (self.image_size - self.patch + 1) >> len(self.widths) < 1:
            raise ValueError(
                f"image_size {self.image_size} cannot be halved {len(self.widths)} times, once for each of widths"
            )
        return self
