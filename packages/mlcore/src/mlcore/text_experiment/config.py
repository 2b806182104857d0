"""The sections that every experiment with language models of text has. Imports no torch."""

from collections.abc import Mapping
from pathlib import Path
from typing import ClassVar

from pydantic import Field, PositiveInt

from mlcore.config import Section
from mlcore.config.experiment import ExperimentSection
from mlcore.evaluator.text_config import TextEvaluationConfig
from mlcore.logger.config import LoggingConfig


class TextDataConfig(Section):
    """Which text, cut into tokens how, and how much of it; a project adds the length of its windows."""

    dataset: str = Field("storybook", description="a name of `python -m mldata list`")
    tokenizer: str = Field(
        "character",
        description="character (made from the training text), gpt2, or a folder of assets/models/tokenizers",
    )
    data_dir: Path | None = Field(None, description="folder of local data; default: MLDATA_DIR, then ./data")
    subset_size: PositiveInt | None = Field(None, description="training documents; all when null")
    val_subset_size: PositiveInt | None = Field(None, description="validation documents; all when null")
    num_workers: int = Field(
        0, ge=0, le=64, description="threads that gather windows ahead; 0: the training itself"
    )


class TextExperimentConfig(ExperimentSection):
    """One experiment; a project adds the sections `data`, `model` and `training`."""

    aliases: ClassVar[Mapping[str, str]] = {"data.batch_size": "training.batch_size"}

    evaluation: TextEvaluationConfig = TextEvaluationConfig()
    logging: LoggingConfig = LoggingConfig()
