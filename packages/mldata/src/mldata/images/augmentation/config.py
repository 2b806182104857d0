"""What may happen to an image, and how strongly. Imports no torch: a config is read before anything heavy."""

from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

Padding = Literal["zeros", "border", "reflection"]
Fraction = Annotated[float, Field(ge=0.0, le=1.0)]


class AugmentationConfig(BaseModel):
    """Strengths of the random changes; every default is off. Lengths are in pixels of the image itself.

    A value `v` of rotation, translation or shear stands for a draw that is uniform in [-v, v], once an image
    and epoch. The order is: flip, shear, scale, rotation, translation and elastic bending, all in one
    resampling; then erasing.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", validate_default=True, allow_inf_nan=False)

    rotation: float = Field(
        default=0.0, ge=0.0, le=180.0, description="largest angle, degrees; digits like 15"
    )
    translation: float = Field(
        default=0.0, ge=0.0, le=512.0, description="largest shift along each axis, pixels; digits like 2"
    )
    whole_pixels: bool = Field(
        default=False,
        description="shifts are whole pixels; where nothing else but flips is on, pixels are then copied, not "
        "resampled, which is exact and some twenty times faster",
    )
    scale: float = Field(
        default=0.0,
        ge=0.0,
        le=0.9,
        description="sizes are uniform in [1 - scale, 1 + scale]; digits like 0.1",
    )
    shear: float = Field(
        default=0.0, ge=0.0, le=60.0, description="largest slant along the rows, degrees; digits like 10"
    )
    horizontal_flip: Fraction = Field(
        default=0.0, description="probability of exchanging left and right; 0.5 for photographs, 0 for digits"
    )
    elastic_alpha: float = Field(
        default=0.0,
        ge=0.0,
        description="elastic bending as Simard et al. (2003) measure it: smoothed noise of [-1, 1] a pixel, "
        "times alpha; the displacements' standard deviation is 0.163 alpha / sigma pixels; digits like 34",
    )
    elastic_sigma: float = Field(
        default=4.0,
        ge=1.0,
        le=512.0,
        description="standard deviation, pixels, of the Gaussian that smooths the displacements",
    )
    probability: Fraction = Field(
        default=1.0,
        description="fraction of the images that are flipped, mapped or bent at all; the others keep every bit",
    )
    padding: Padding = Field(
        default="zeros",
        description="what lies outside the image: zeros, its border's pixels, or its mirror image (the border's "
        "pixels repeated)",
    )
    erasing: Fraction = Field(
        default=0.0,
        description="probability that a rectangle is erased (Zhong et al., 2017); `probability` aside",
    )
    erasing_area: tuple[Fraction, Fraction] = Field(
        default=(0.02, 0.25), description="smallest and largest erased fraction of the image's area"
    )
    erasing_aspect: float = Field(
        default=0.3, gt=0.0, le=1.0, description="height / width is log-uniform in [aspect, 1 / aspect]"
    )
    erasing_fill: Fraction | Literal["noise"] = Field(
        default=0.0,
        description="brightness of the rectangle, 0 black to 1 white, or 'noise' for every pixel its own",
    )

    @property
    def resamples(self) -> bool:
        """Pixels are interpolated, not only copied."""
        shifted = self.translation > 0.0 and not self.whole_pixels
        strengths = (self.rotation, self.scale, self.shear, self.elastic_alpha)
        return self.probability > 0.0 and (shifted or any(strength > 0.0 for strength in strengths))

    @property
    def moves(self) -> bool:
        """Pixels change their place."""
        flipped_or_shifted = self.translation > 0.0 or self.horizontal_flip > 0.0
        return self.resamples or (self.probability > 0.0 and flipped_or_shifted)

    @property
    def is_off(self) -> bool:
        """Nothing ever happens."""
        return not self.moves and self.erasing == 0.0

    @model_validator(mode="after")
    def _shifts_have_whole_pixels(self) -> Self:
        if self.whole_pixels and self.translation != int(self.translation):
            raise ValueError(
                f"translation {self.translation} with whole_pixels: nearest that is one: {round(self.translation)}"
            )
        return self

    @model_validator(mode="after")
    def _bending_does_not_tear(self) -> Self:
        # At 5 sigma² neighbouring pixels are read 1 ± 0.58 apart: one in 24 would overtake its neighbour.
        largest = 5.0 * self.elastic_sigma**2
        if self.elastic_alpha > largest:
            raise ValueError(
                f"elastic_alpha {self.elastic_alpha} tears images apart at elastic_sigma {self.elastic_sigma}; "
                f"the largest is 5 sigma², {largest:g}"
            )
        return self

    @model_validator(mode="after")
    def _areas_are_in_order(self) -> Self:
        low, high = self.erasing_area
        if low > high:
            raise ValueError(
                f"erasing_area {self.erasing_area} has its bounds in the wrong order: [{high}, {low}]"
            )
        return self
