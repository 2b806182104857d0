"""The sections that every experiment with image classifiers has. Imports no torch."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar, Literal, Self

from pydantic import Field, PositiveInt, model_validator

from mlcore.config import Section
from mlcore.config.experiment import ExperimentSection
from mlcore.logger.config import LoggingConfig
from mlcore.pruning.config import PruningConfig
from mlcore.trainer.config import TrainingConfig


class EvaluationConfig(Section):
    """How a finished model is judged."""

    batch_size: PositiveInt = Field(1000, description="images judged at once")
    shifts: int = Field(
        0, ge=0, le=3, description="average the prediction over copies moved by up to so many pixels"
    )
    test_time_augmentation: Literal["none", "flip", "flip_shift"] = Field(
        "none",
        description="average over the mirror image too; flip_shift: over both, moved by a pixel, as well",
    )

    @model_validator(mode="after")
    def _one_way_of_averaging(self) -> Self:
        if self.shifts and self.test_time_augmentation != "none":
            raise ValueError(
                f"shifts is {self.shifts} and test_time_augmentation {self.test_time_augmentation}: give one of them"
            )
        return self


class ClassifierLoggingConfig(LoggingConfig):
    """The core's logging section and the original's keys."""

    save_checkpoints: bool = Field(True, description="keep best.pt and last.pt; without them nothing resumes")
    checkpoint_dir: Path = Field(
        Path("runs"),
        description="folder of the run folders, from the project's folder; --runs-dir goes first",
    )


class ImageExperimentConfig(ExperimentSection):
    """One experiment; a project adds the sections `data` and `model`."""

    aliases: ClassVar[Mapping[str, str]] = {
        "data.batch_size": "training.batch_size",
        "logging.log_interval": "training.log_every",
        "data.train_fraction": "data.train_split",
    }

    preflight: bool = Field(True, description="check model and data for a few seconds before training")
    pruning: PruningConfig | None = Field(
        None, description="begin with the weights of --weights without the least of them; see `prune`"
    )
    training: TrainingConfig = TrainingConfig()
    evaluation: EvaluationConfig = EvaluationConfig()
    logging: ClassifierLoggingConfig = ClassifierLoggingConfig()

    @model_validator(mode="after")
    def _validation_needs_images(self) -> Self:
        data: Any = getattr(self, "data", None)
        if data is None or data.validates or not self.training.monitor.startswith("val_"):
            return self
        raise ValueError(
            f"data.train_split is 1, so there is no {self.training.monitor}: "
            "set training.monitor to train_loss"
        )
