"""The config of the vision transformer. Imports no torch: a config is read before anything heavy."""

from typing import Literal, Self

from pydantic import Field, model_validator

from mlmodels.transformer_encoders.config import EncoderConfig
from mlmodels.transformer_encoders.size import encoder_parameters


class VitConfig(EncoderConfig):
    """Dimensions and options of `VitClassifier`; the defaults have 207,946 parameters."""

    type: Literal["vit"] = "vit"
    num_classes: int = Field(default=10, ge=2, description="number of classes, K")
    in_channels: int = Field(default=3, ge=1, description="1: grey, 3: colour")
    image_size: int = Field(default=32, ge=1, description="height and width in pixels")
    patch_size: int = Field(default=4, ge=1, description="edge of a patch in pixels; must divide image_size")
    d_model: int = Field(default=64, ge=1, description="width of the residual stream")
    n_layers: int = Field(default=4, ge=1, description="number of blocks")
    n_heads: int = Field(default=4, ge=1, description="heads a block; must divide d_model")
    d_ffn: int = Field(default=256, ge=1, description="width inside the feed-forward network")
    norm_position: Literal["pre"] = Field(default="pre", description="before each part and once at the end")
    norm_epsilon: float = Field(default=1e-6, gt=0, description="added to the variance in every norm")
    pooling: Literal["class_token", "mean"] = Field(
        default="mean", description="what the head sees: a token of its own before the patches, or their mean"
    )
    positions: Literal["learned", "sine_2d"] = Field(
        default="learned", description="added to the patches: learned, or sines and cosines of row and column"
    )

    @model_validator(mode="after")
    def _patches_fit(self) -> Self:
        # Only where it is stated: an experiment's image size is that of its images, and is filled in later.
        if "image_size" in self.model_fields_set and self.image_size % self.patch_size:
            fitting = [n for n in range(1, self.image_size + 1) if self.image_size % n == 0]
            nearest = min(fitting, key=lambda n: abs(n - self.patch_size))
            raise ValueError(
                f"patch_size {self.patch_size} does not divide images of {self.image_size} pixels; "
                f"nearest that does: {nearest}"
            )
        if self.positions == "sine_2d" and self.d_model % 4:
            raise ValueError(f"positions sine_2d need a d_model that is a multiple of 4, not {self.d_model}")
        return self

    @property
    def grid_size(self) -> int:
        """Patches along an edge."""
        return self.image_size // self.patch_size

    @property
    def num_positions(self) -> int:
        """Patches, and the class token if there is one."""
        return self.grid_size**2 + (self.pooling == "class_token")


def count_parameters(config: VitConfig) -> dict[str, int]:
    """Number of parameters of each part; "total" is what the built model holds."""
    d = config.d_model
    parts = {
        "patch_embedding": (config.in_channels * config.patch_size**2 + 1) * d,
        "class_token": d * (config.pooling == "class_token"),
        "position_embedding": config.num_positions * d * (config.positions == "learned"),
        **encoder_parameters(config),
        "head": (d + 1) * config.num_classes,
    }
    return {**parts, "total": sum(parts.values())}
