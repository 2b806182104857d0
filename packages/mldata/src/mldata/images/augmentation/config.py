"""What may happen to an image, and how strongly. Imports no torch: a config is read before anything heavy."""

from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

Padding = Literal["zeros", "border", "reflection"]
Fraction = Annotated[float, Field(ge=0.0, le=1.0)]


class AugmentationConfig(BaseModel):
    """Strengths of the random changes; every default is off. Lengths are in pixels of the image itself.

    A value `v` of rotation, translation or shear stands for a draw that is uniform in [-v, v], once an image
    and epoch. The order is: RandAugment or AutoAugment; flip, shear, scale, rotation, translation and elastic
    bending, all in one resampling; colours, cutout and erasing; and last the mixing of pairs.
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
    alternating_flip: bool = Field(
        default=False,
        description="exchange left and right in half of the images in the first epoch, in the others in the second, "
        "and so on (Jordan, 2024): two epochs show every image both ways",
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
    rand_augment_ops: int = Field(
        default=0,
        ge=0,
        le=4,
        description="RandAugment: changes an image gets in turn, before all others; 2 is usual",
    )
    rand_augment_magnitude: Fraction = Field(
        default=0.3, description="their strength as a share of the largest; torchvision's 9 of 30 is 0.3"
    )
    auto_augment: bool = Field(
        default=False,
        description="AutoAugment: one of the 25 pairs of changes found for CIFAR-10 (Cubuk et al., 2018), before all "
        "others",
    )
    brightness: float = Field(default=0.0, ge=0.0, le=1.0, description="factor uniform in [1 - v, 1 + v]")
    contrast: float = Field(default=0.0, ge=0.0, le=1.0, description="likewise, away from the mean grey")
    saturation: float = Field(default=0.0, ge=0.0, le=1.0, description="likewise, away from grey")
    cutout: int = Field(
        default=0,
        ge=0,
        le=512,
        description="edge of a square that is hidden in every image, pixels (DeVries, 2017)",
    )
    mixup: float = Field(
        default=0.0, ge=0.0, le=100.0, description="alpha of MixUp (Zhang et al., 2017); 0 is off, 0.2 usual"
    )
    cutmix: float = Field(
        default=0.0, ge=0.0, le=100.0, description="alpha of CutMix (Yun et al., 2019); 0 is off, 1 usual"
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
    def flips(self) -> bool:
        """Left and right are exchanged in some images."""
        return self.horizontal_flip > 0.0 or self.alternating_flip

    @property
    def moves(self) -> bool:
        """Pixels change their place."""
        flipped_or_shifted = self.translation > 0.0 or self.flips
        return self.resamples or (self.probability > 0.0 and flipped_or_shifted)

    @property
    def recolours(self) -> bool:
        """Brightness, contrast or saturation change."""
        return max(self.brightness, self.contrast, self.saturation) > 0.0

    @property
    def mixes(self) -> bool:
        """Pairs of images are mixed, and their labels with them."""
        return self.mixup > 0.0 or self.cutmix > 0.0

    @property
    def needs_floats(self) -> bool:
        """Something happens that bytes are too coarse for."""
        return self.resamples or self.recolours or self.erasing > 0.0

    @property
    def is_off(self) -> bool:
        """Nothing ever happens to a single image."""
        changes = (self.moves, self.recolours, self.erasing, self.cutout)
        return not any((*changes, self.rand_augment_ops, self.auto_augment))

    @model_validator(mode="after")
    def _shifts_have_whole_pixels(self) -> Self:
        if self.whole_pixels and self.translation != int(self.translation):
            raise ValueError(
                f"translation {self.translation} with whole_pixels: nearest that is one: {round(self.translation)}"
            )
        return self

    @model_validator(mode="after")
    def _one_kind_of_flip(self) -> Self:
        if self.alternating_flip and self.horizontal_flip > 0.0:
            raise ValueError(f"alternating_flip and horizontal_flip {self.horizontal_flip}: give one of them")
        return self

    @model_validator(mode="after")
    def _one_kind_of_policy(self) -> Self:
        if self.auto_augment and self.rand_augment_ops:
            raise ValueError(f"auto_augment and rand_augment_ops {self.rand_augment_ops}: give one of them")
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
