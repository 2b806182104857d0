"""What a YAML of this project may hold. The key names are those of the original document."""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, ClassVar, Self

from mlcore.config import Section
from mlcore.config.run_name import RunName
from mlcore.logger.config import LoggingConfig
from mlcore.trainer.config import TrainingConfig
from mldata.images.augmentation.config import AugmentationConfig
from mlmodels.image_classifiers.config import CnnConfig, FcConfig, FcScratchConfig
from pydantic import Field, PositiveInt, model_validator

ModelConfig = Annotated[FcConfig | FcScratchConfig | CnnConfig, Field(discriminator="type")]


class DataConfig(Section):
    """Which images, how they are split, and what is done to them while training."""

    dataset: str = Field(
        "digits", description="a name of `python -m mldata list`: digits, mnist, fashion_mnist"
    )
    data_dir: Path | None = Field(
        None, description="folder of the four IDX files, or of data sets; default: MLDATA_DIR, then ./data"
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

    @model_validator(mode="after")
    def _a_fold_is_one_of_the_folds(self) -> Self:
        if (self.fold is None) != (self.num_folds is None):
            raise ValueError("num_folds and fold belong together: give both or neither")
        if self.fold is not None and self.num_folds is not None and self.fold >= self.num_folds:
            raise ValueError(
                f"fold is {self.fold}; of {self.num_folds} folds the last is {self.num_folds - 1}"
            )
        return self


class EvaluationConfig(Section):
    """How a finished model is judged."""

    batch_size: PositiveInt = Field(1000, description="images judged at once")
    shifts: int = Field(
        0, ge=0, le=3, description="average the prediction over copies moved by up to so many pixels"
    )


class ClassifierLoggingConfig(LoggingConfig):
    """The core's logging section and the original's keys."""

    save_checkpoints: bool = Field(True, description="keep best.pt and last.pt; without them nothing resumes")
    checkpoint_dir: Path = Field(
        Path("runs"),
        description="folder of the run folders, from the project's folder; --runs-dir goes first",
    )


class ExperimentConfig(Section):
    """One experiment: images, model, training."""

    aliases: ClassVar[Mapping[str, str]] = {
        "data.batch_size": "training.batch_size",
        "logging.log_interval": "training.log_every",
        "data.train_fraction": "data.train_split",
    }

    name: RunName = Field("mnist_classifier", description="first part of the run folder's name")
    seed: int = Field(42, ge=0, lt=2**32)
    deterministic: bool = Field(False, description="refuse operations that are not reproducible")
    device: str = Field("auto", description="auto, cpu, cuda, cuda:1, mps")
    preflight: bool = Field(True, description="check model and data for a few seconds before training")
    data: DataConfig = DataConfig()
    model: ModelConfig = FcConfig()
    training: TrainingConfig = TrainingConfig()
    evaluation: EvaluationConfig = EvaluationConfig()
    logging: ClassifierLoggingConfig = ClassifierLoggingConfig()

    @model_validator(mode="after")
    def _validation_needs_images(self) -> Self:
        validates = self.data.num_folds is not None or self.data.train_split < 1
        if not validates and self.training.monitor.startswith("val_"):
            raise ValueError(
                f"data.train_split is 1, so there is no {self.training.monitor}: "
                "set training.monitor to train_loss"
            )
        return self
