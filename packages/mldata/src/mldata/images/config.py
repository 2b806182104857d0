"""The data section of an experiment with images. Imports no torch: a config is read before anything heavy."""

from itertools import accumulate
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from mldata.images.augmentation.config import AugmentationConfig


class CurriculumConfig(BaseModel):
    """Easy images first, the others little by little (Hacohen and Weinshall, 2019)."""

    model_config = ConfigDict(frozen=True, extra="forbid", validate_default=True, allow_inf_nan=False)

    scores: str | None = Field(
        None,
        description="how hard each training image is: an earlier run (its loss of each), or a .txt of numbers",
    )
    order: Literal["curriculum", "anti", "random"] = Field(
        "curriculum", description="easy images first; hard ones first; or, to compare with, any"
    )
    start: float = Field(0.2, ge=0.01, le=1, description="share of the images in the first epoch")
    epochs: int = Field(5, ge=1, description="the first epoch that draws from all images, from 0")
    pacing: Literal["linear", "root", "step"] = Field(
        "linear",
        description="how the share grows: evenly; fast at first; or in stages, each time by the same factor",
    )
    stages: int = Field(4, ge=1, le=100, description="pacing step: how many times the share grows")
    balanced: bool = Field(True, description="the same share of every class")

    @model_validator(mode="after")
    def _an_order_needs_scores(self) -> Self:
        if self.scores is None and self.order != "random":
            raise ValueError(
                f"order {self.order} needs scores: name an earlier run, or a .txt with a number an image"
            )
        return self


class ProgressiveResizingConfig(BaseModel):
    """Small images first: what is coarse is learnt from them as well, for less computing (Howard, 2018)."""

    model_config = ConfigDict(frozen=True, extra="forbid", validate_default=True, allow_inf_nan=False)

    sizes: tuple[Annotated[int, Field(ge=16, le=1024)], ...] = Field(
        min_length=1, description="edge of the images in each stage, pixels: [20, 26] for images of 32"
    )
    epochs: tuple[Annotated[int, Field(ge=1)], ...] = Field(
        min_length=1, description="epochs of each stage; behind the last one images have their own size"
    )

    def size(self, epoch: int) -> int | None:
        """Edge in this epoch, from 0; None for the images' own."""
        ends = accumulate(self.epochs)
        return next((size for size, end in zip(self.sizes, ends, strict=True) if epoch < end), None)

    @model_validator(mode="after")
    def _every_stage_has_a_size(self) -> Self:
        if len(self.sizes) != len(self.epochs):
            raise ValueError(
                f"sizes has {len(self.sizes)} stages and epochs {len(self.epochs)}: give one number a stage in both"
            )
        return self


class ImageDataConfig(BaseModel):
    """Which images, how they are split, and what is done to them while training."""

    model_config = ConfigDict(frozen=True, extra="forbid", validate_default=True, allow_inf_nan=False)

    dataset: str = Field("digits", description="an image set of `python -m mldata list`, or a folder's name")
    data_dir: Path | None = Field(
        None,
        description="folder of the data set's files, or of data sets; default: MLDATA_DIR, then ./data",
    )
    train_split: float = Field(
        0.8, gt=0, le=1, description="share of the training images to learn from; the rest validates"
    )
    split_seed: int = Field(
        42, ge=0, lt=2**32, description="seed of that division, apart from the run's seed"
    )
    num_folds: int | None = Field(
        None, ge=2, le=100, description="cross-validation: parts that all training images are cut into"
    )
    fold: int | None = Field(None, ge=0, description="cross-validation: the part that validates, from 0")
    num_workers: int = Field(0, ge=0, le=64, description="threads that prepare batches ahead")
    augmentation: AugmentationConfig = AugmentationConfig()
    curriculum: CurriculumConfig | None = Field(
        None, description="order of the training images; null: all in every epoch"
    )

    @property
    def validates(self) -> bool:
        """Whether there are validation images."""
        return self.num_folds is not None or self.train_split < 1

    @model_validator(mode="after")
    def _a_fold_is_one_of_the_folds(self) -> Self:
        if (self.fold is None) != (self.num_folds is None):
            raise ValueError("num_folds and fold belong together: give both or neither")
        if self.fold is not None and self.num_folds is not None and self.fold >= self.num_folds:
            raise ValueError(
                f"fold is {self.fold}; of {self.num_folds} folds the last is {self.num_folds - 1}"
            )
        return self
