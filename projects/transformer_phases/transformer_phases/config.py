"""What a YAML of this project may hold."""

from collections.abc import Mapping
from typing import Annotated, ClassVar, Literal, Self

from mlcore.config import Section
from mlcore.config.run_name import RunName
from mlcore.errors import ConfigError
from mlcore.text_experiment.config import TextDataConfig, TextExperimentConfig
from mlcore.trainer.config import TrainingConfig
from mlmodels.transformer_encoders.config import BertConfig
from mlmodels.transformer_eras.config import EraTransformerConfig
from pydantic import Field, PositiveInt, model_validator

ModelConfig = Annotated[EraTransformerConfig | BertConfig, Field(discriminator="type")]


class DataConfig(TextDataConfig):
    """Which text, cut into tokens how, and how much of it."""

    aliases: ClassVar[Mapping[str, str]] = {"max_length": "sequence_length"}

    tokenizer: str = Field(
        "storybook_bpe_512",
        description="character (made from the training text), gpt2, or a folder of assets/models/tokenizers",
    )
    sequence_length: PositiveInt = Field(128, description="tokens in a window")


class PhaseTrainingConfig(TrainingConfig):
    """The core's training section; products are made in bfloat16 wherever the hardware multiplies it."""

    mixed_precision: Literal["auto", "off", "float32", "bf16", "fp16"] | bool = Field(
        "auto", description="autocast type; auto is bf16 where the hardware multiplies it"
    )


class PlausibilityConfig(Section):
    """When a result is too good to be believed."""

    max_accuracy: float = Field(
        0.9, gt=0, le=1, description="validation accuracy per token above which a leak is suspected"
    )


class ExperimentConfig(TextExperimentConfig):
    """One experiment: text, model, training, evaluation."""

    name: RunName = Field("transformer_phases", description="first part of the run folder's name")
    data: DataConfig = DataConfig()
    model: ModelConfig = EraTransformerConfig()
    training: PhaseTrainingConfig = PhaseTrainingConfig()
    plausibility: PlausibilityConfig = PlausibilityConfig()

    @model_validator(mode="after")
    def _windows_fit_the_model(self) -> Self:
        if self.data.sequence_length > self.model.max_seq_len:
            raise ValueError(
                f"data.sequence_length is {self.data.sequence_length}, "
                f"but model.max_seq_len only {self.model.max_seq_len}"
            )
        return self

    @model_validator(mode="after")
    def _who_fills_gaps_writes_no_samples(self) -> Self:
        if isinstance(self.model, BertConfig) and self.training.sample_every is not None:
            raise ValueError(
                f"training.sample_every is {self.training.sample_every}, but model.type bert fills gaps and cannot "
                "write: leave it out"
            )
        return self

    @property
    def era(self) -> EraTransformerConfig:
        """The model's section, for what makes sense of eras alone.

        Raises:
            ConfigError: it is a model that fills gaps.
        """
        if not isinstance(self.model, EraTransformerConfig):
            raise ConfigError(
                f"{self.name}: model type {self.model.type} is no era, for it sees both sides and predicts gaps; "
                "its losses compare with no era's: name a configuration of type transformer_eras"
            )
        return self.model
