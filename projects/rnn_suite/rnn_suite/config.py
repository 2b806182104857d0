"""What a YAML of this project may hold."""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, ClassVar, Literal, Self

from mlcore.config import Section
from mlcore.config.experiment import ExperimentSection
from mlcore.config.run_name import RunName
from mlcore.logger.config import LoggingConfig
from mlcore.text_experiment.config import TextDataConfig, TextExperimentConfig
from mlcore.trainer.config import TrainingConfig
from mlmodels.recurrent.config import RecurrentClassifierConfig, RecurrentLanguageModelConfig
from mlmodels.transformer_encoders.config import BertClassifierConfig
from pydantic import Field, PositiveInt, model_validator

TextClassifierConfig = Annotated[
    RecurrentClassifierConfig | BertClassifierConfig, Field(discriminator="type")
]


class DataConfig(TextDataConfig):
    """Which text, cut into tokens how, and how much of it."""

    aliases: ClassVar[Mapping[str, str]] = {
        "data_source": "dataset",
        "max_length": "sequence_length",
        "seq_len": "sequence_length",
    }

    sequence_length: PositiveInt = Field(
        128, description="tokens in a window; gradients reach back no further"
    )
    stateful: bool = Field(
        False,
        description="read the text in streams, each window beginning with the state in which the one before it ended; "
        "otherwise windows are shuffled, and each begins without memory",
    )


class RecurrentTrainingConfig(TrainingConfig):
    """The core's training section with what a recurrent network cannot do without: clipped gradients."""

    max_grad_norm: float | None = Field(
        1.0, gt=0, description="clip the gradient's norm to this; advice 0.5 to 2.0; null: never"
    )
    mixed_precision: Literal["auto", "off", "float32", "bf16", "fp16"] | bool = Field(
        "auto",
        description="autocast type; auto is bf16 where the hardware multiplies it; fp16 scales the loss",
    )


class ExperimentConfig(TextExperimentConfig):
    """One experiment: text, model, training, evaluation."""

    name: RunName = Field("rnn_suite", description="first part of the run folder's name")
    data: DataConfig = DataConfig()
    model: RecurrentLanguageModelConfig = RecurrentLanguageModelConfig()
    training: RecurrentTrainingConfig = RecurrentTrainingConfig()


class LabelledDataConfig(Section):
    """Which texts with classes, cut into tokens how, and how much of them."""

    aliases: ClassVar[Mapping[str, str]] = {"data_source": "dataset", "sequence_length": "max_length"}

    dataset: str = Field(
        "storybook_plots",
        description="labelled texts of `python -m mldata list`: storybook_plots, rt_polarity, ag_news",
    )
    tokenizer: str = Field(
        "word",
        description="word or character (made from the training texts), gpt2, or a folder of assets/models/tokenizers",
    )
    vocab_size: int = Field(10_000, ge=3, description="word: the most frequent words; the others are unknown")
    min_count: PositiveInt = Field(2, description="word: rarer ones of the training texts are unknown")
    lowercase: bool = Field(True, description="whether capitals are read as small letters")
    max_length: PositiveInt = Field(128, description="tokens of a text; longer texts lose their ends")
    data_dir: Path | None = Field(None, description="folder of local data; default: MLDATA_DIR, then ./data")
    subset_size: PositiveInt | None = Field(None, description="training texts; all when null")
    val_subset_size: PositiveInt | None = Field(None, description="validation texts; all when null")


class ClassifierEvaluationConfig(Section):
    """How a finished classifier is judged."""

    batch_size: PositiveInt = Field(256, description="texts judged at once")


class ClassifierConfig(ExperimentSection):
    """One experiment with a classifier of texts: `train_classifier`, `evaluate_classifier`."""

    aliases: ClassVar[Mapping[str, str]] = {"data.batch_size": "training.batch_size"}

    name: RunName = Field("classifier", description="first part of the run folder's name")
    data: LabelledDataConfig = LabelledDataConfig()
    model: TextClassifierConfig = RecurrentClassifierConfig()
    training: RecurrentTrainingConfig = RecurrentTrainingConfig()
    evaluation: ClassifierEvaluationConfig = ClassifierEvaluationConfig()
    logging: LoggingConfig = LoggingConfig()

    @model_validator(mode="after")
    def _texts_fit_the_model(self) -> Self:
        if isinstance(self.model, BertClassifierConfig) and self.data.max_length > self.model.max_seq_len:
            raise ValueError(
                f"data.max_length is {self.data.max_length}, but model.max_seq_len only {self.model.max_seq_len}"
            )
        return self
