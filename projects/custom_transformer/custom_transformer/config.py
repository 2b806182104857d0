"""What a YAML of this project may hold. The key names are those of the original document."""

from pathlib import Path
from typing import Literal

from mlcore.config import Section
from mlcore.config.run_name import RunName
from mlcore.evaluator.coherence_config import CoherenceConfig
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

    mixed_precision: Literal["auto", "off", "float32", "bf16"] | bool = Field(
        "auto",
        description="dtype of the products: auto is bf16 where the hardware multiplies it, else float32",
    )
    max_grad_norm: float | None = Field(
        1.0, gt=0, description="clip the gradient's norm to this; null: never"
    )


class EvaluationConfig(Section):
    """What is measured and written after, and what is sampled during, the training."""

    generation_prompts: tuple[str, ...] = Field(
        ("Once upon a time",), min_length=1, description="beginnings that the model continues"
    )
    max_generation_length: PositiveInt = Field(200, description="new tokens of a sample")
    num_samples: PositiveInt = Field(
        3, description="samples that `evaluate --generate` writes for every prompt"
    )
    temperature: float = Field(0.8, ge=0, le=10, description="0 takes the likeliest token")
    top_k: PositiveInt | None = Field(50, description="sample among the k likeliest tokens; all when null")
    top_p: float | None = Field(
        None, gt=0, le=1, description="sample among the likeliest tokens of this total probability"
    )
    repetition_penalty: float = Field(
        1.0, ge=1, le=10, description="divides the odds of tokens that were used"
    )
    max_batches: PositiveInt | None = Field(None, description="validation batches; all when null")
    evaluate_coherence: bool = Field(
        False, description="let Claude score the samples (needs ANTHROPIC_API_KEY)"
    )
    coherence: CoherenceConfig = CoherenceConfig()


class ExperimentConfig(Section):
    """One experiment: text, model, training, evaluation."""

    name: RunName = Field("custom_transformer", description="first part of the run folder's name")
    seed: int = Field(42, ge=0, lt=2**32)
    deterministic: bool = Field(False, description="refuse operations that are not reproducible")
    device: str = Field("auto", description="auto, cpu, cuda, cuda:1, mps")
    data: DataConfig = DataConfig()
    model: CustomTransformerConfig = CustomTransformerConfig()
    training: TransformerTrainingConfig = TransformerTrainingConfig()
    evaluation: EvaluationConfig = EvaluationConfig()
    logging: LoggingConfig = LoggingConfig()

    @model_validator(mode="after")
    def _windows_fit_the_model(self) -> "ExperimentConfig":
        if self.data.max_length > self.model.max_seq_len:
            raise ValueError(
                f"data.max_length is {self.data.max_length}, but model.max_seq_len only {self.model.max_seq_len}"
            )
        return self
