"""What a YAML of this project may hold. The key names are those of the original document."""

from pathlib import Path
from typing import Literal

from mlcore.config import Section
from mlcore.config.run_name import RunName
from mlcore.evaluator.text_config import TextEvaluationConfig
from mlcore.logger.config import LoggingConfig
from mlcore.trainer.config import TrainingConfig
from mlmodels.custom_transformer.config import CustomTransformerConfig
from pydantic import Field, PositiveInt, model_validator


class DataConfig(Section):
    """Which text, cut into tokens how, and how much of it."""

    dataset: str = Field("storybook", description="a name of `python -m mldata list`")
    tokenizer: str = Field(
        "gpt2",
        description="gpt2, character (made from the training text), or a folder of assets/models/tokenizers",
    )
    data_dir: Path | None = Field(None, description="folder of local data; default: MLDATA_DIR, then ./data")
    max_length: PositiveInt = Field(256, description="tokens in a training window")
    subset_size: PositiveInt | None = Field(None, description="training documents; all when null")
    val_subset_size: PositiveInt | None = Field(None, description="validation documents; all when null")
    num_workers: int = Field(0, ge=0, le=64, description="loader processes; 0 reads in the training process")


class TransformerTrainingConfig(TrainingConfig):
    """The core's training section; products are made in bfloat16 wherever the hardware multiplies it."""

    optimizer: Literal["adamw", "adam", "sgd"] = Field("adamw", description="update rule")
    mixed_precision: Literal["auto", "off", "float32", "bf16"] | bool = Field(
        "auto",
        description="dtype of the products: auto is bf16 where the hardware multiplies it, else float32",
    )
    max_grad_norm: float | None = Field(
        1.0, gt=0, description="clip the gradient's norm to this; null: never"
    )


class ExperimentConfig(Section):
    """One experiment: text, model, training, evaluation."""

    name: RunName = Field("custom_transformer", description="first part of the run folder's name")
    seed: int = Field(42, ge=0, lt=2**32)
    deterministic: bool = Field(False, description="refuse operations that are not reproducible")
    device: str = Field("auto", description="auto, cpu, cuda, cuda:1, mps")
    data: DataConfig = DataConfig()
    model: CustomTransformerConfig = CustomTransformerConfig()
    training: TransformerTrainingConfig = TransformerTrainingConfig()
    evaluation: TextEvaluationConfig = TextEvaluationConfig()
    logging: LoggingConfig = LoggingConfig()

    @model_validator(mode="after")
    def _windows_fit_the_model(self) -> "ExperimentConfig":
        if self.data.max_length > self.model.max_seq_len:
            raise ValueError(
                f"data.max_length is {self.data.max_length}, but model.max_seq_len only {self.model.max_seq_len}"
            )
        return self
