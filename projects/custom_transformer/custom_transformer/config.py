"""What a YAML of this project may hold. The key names are those of the original document."""

from typing import Literal

from mlcore.config.run_name import RunName
from mlcore.text_experiment.config import TextDataConfig, TextExperimentConfig
from mlcore.trainer.config import TrainingConfig
from mlmodels.custom_transformer.config import CustomTransformerConfig
from pydantic import Field, PositiveInt, model_validator


class DataConfig(TextDataConfig):
    """Which text, cut into tokens how, and how much of it."""

    tokenizer: str = Field(
        "gpt2",
        description="gpt2, character (made from the training text), or a folder of assets/models/tokenizers",
    )
    max_length: PositiveInt = Field(256, description="tokens in a training window")


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


class ExperimentConfig(TextExperimentConfig):
    """One experiment: text, model, training, evaluation."""

    name: RunName = Field("custom_transformer", description="first part of the run folder's name")
    data: DataConfig = DataConfig()
    model: CustomTransformerConfig = CustomTransformerConfig()
    training: TransformerTrainingConfig = TransformerTrainingConfig()

    @model_validator(mode="after")
    def _windows_fit_the_model(self) -> "ExperimentConfig":
        if self.data.max_length > self.model.max_seq_len:
            raise ValueError(
                f"data.max_length is {self.data.max_length}, but model.max_seq_len only {self.model.max_seq_len}"
            )
        return self
