"""The configs of the image classifiers. Imports no torch: a config is read before anything heavy."""

from typing import Literal, Self

from pydantic import BaseModel, ConfigDict, Field, PositiveInt, model_validator

InitScheme = Literal["default", "xavier", "kaiming"]

_POOL = 2  # every block of the CNN halves height and width


class _ClassifierConfig(BaseModel):
    """What all of them have."""

    model_config = ConfigDict(frozen=True, extra="forbid", validate_default=True, allow_inf_nan=False)

    type: str
    num_classes: int = Field(default=10, ge=2, description="number of classes, K")
    init: InitScheme = Field(
        default="default",
        description="starting weights: torch's own, xavier (uniform, Glorot & Bengio 2010) or kaiming "
        "(normal, He et al. 2015); biases are 0 in the latter two",
    )


class _FullyConnectedConfig(_ClassifierConfig):
    """The dimensions of linear → ReLU → dropout, as often as there are hidden sizes, and a last linear."""

    input_size: int = Field(default=784, ge=1, description="values of an image: channels · height · width")
    hidden_sizes: tuple[PositiveInt, ...] = Field(
        default=(256, 128), description="widths of the hidden layers; none: logistic regression"
    )
    dropout: float = Field(
        default=0.2, ge=0.0, lt=1.0, description="probability of dropping a hidden value in training"
    )


class FcConfig(_FullyConnectedConfig):
    """Dimensions and options of `FcClassifier`; the defaults have 235,146 parameters."""

    type: Literal["fc"] = "fc"
    batch_norm: bool = Field(default=False, description="BatchNorm between linear and ReLU")


class FcScratchConfig(_FullyConnectedConfig):
    """Dimensions and options of `FcScratch`; the defaults have 235,146 parameters."""

    type: Literal["fc_scratch"] = "fc_scratch"
    l2: float = Field(
        default=0.0,
        ge=0.0,
        description="adds l2/2 · the sum of all squared weights (not biases) to the training loss; "
        "the optimizer's weight_decay is the other way to do it",
    )
    dtype: Literal["float32", "float64"] = Field(
        default="float32", description="of parameters and arithmetic"
    )


class CnnConfig(_ClassifierConfig):
    """Dimensions and options of `CnnClassifier`; the defaults have 421,834 parameters."""

    type: Literal["cnn"] = "cnn"
    in_channels: int = Field(default=1, ge=1, description="1: grey, 3: colour")
    image_size: int = Field(default=28, ge=1, description="height and width in pixels")
    channels: tuple[PositiveInt, ...] = Field(
        default=(32, 64),
        min_length=1,
        description="filters of each 3×3 convolution; each block halves the image",
    )
    fc_size: int = Field(default=128, ge=1, description="width of the fully connected layer")
    dropout: float = Field(
        default=0.5, ge=0.0, lt=1.0, description="probability of dropping its values in training"
    )
    batch_norm: bool = Field(default=True, description="BatchNorm after the ReLU of each convolution")

    @property
    def final_size(self) -> int:
        """Height and width of the maps behind the last pooling, in pixels."""
        return self.image_size // _POOL ** len(self.channels)

    @model_validator(mode="after")
    def _something_is_left_of_the_image(self) -> Self:
        if self.final_size < 1:
            smallest, possible = _POOL ** len(self.channels), self.image_size.bit_length() - 1
            remedy = f"make it at least {smallest}"
            if possible:
                remedy += f", or give fewer channels: at most {possible}"
            raise ValueError(
                f"image_size {self.image_size} is too small to be halved {len(self.channels)} times, "
                f"once for each of channels {list(self.channels)}: {remedy}"
            )
        return self
