"""A schema with everything that real ones have: nesting, unions, aliases, bounds, lists, free keys, validators."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Annotated, ClassVar, Literal

import pytest
from mlcore.config import RunName, Section, load_config
from mlcore.errors import ConfigError
from pydantic import Field, model_validator


class ConstantSchedule(Section):
    type: Literal["constant"] = "constant"
    warmup_steps: int = Field(default=0, ge=0)


class CosineSchedule(Section):
    type: Literal["cosine"] = "cosine"
    warmup_steps: int = Field(default=0, ge=0)
    min_factor: float = Field(default=0.1, ge=0, le=1)


class StepSchedule(Section):
    """Its tag is also the name of one of its keys."""

    type: Literal["step"] = "step"
    step: int = Field(default=10, ge=1)


class EarlyStopping(Section):
    patience: int = Field(default=5, ge=1)
    min_delta: float = 0.0


class Training(Section):
    aliases: ClassVar[Mapping[str, str]] = {
        "num_epochs": "epochs",
        "lr": "learning_rate",
        "grad_clip": "max_grad_norm",
        "gradient_clip": "max_grad_norm",
    }

    epochs: int = Field(default=1, ge=1, le=10_000)
    learning_rate: float = Field(default=1e-3, gt=0, lt=10)
    optimizer: Literal["adam", "adamw", "sgd"] = "adam"
    weight_decay: float = Field(default=0.0, ge=0)
    betas: tuple[Annotated[float, Field(ge=0, lt=1)], Annotated[float, Field(ge=0, lt=1)]] = (0.9, 0.95)
    max_grad_norm: float | None = Field(default=1.0, gt=0)
    schedule: Annotated[ConstantSchedule | CosineSchedule | StepSchedule, Field(discriminator="type")] = (
        CosineSchedule(warmup_steps=100)
    )
    mixed_precision: bool | Literal["auto", "bf16", "fp16"] = "auto"
    early_stopping: EarlyStopping | None = None
    compile: bool = False
    log_every: int = Field(default=10, ge=1)
    eval_every: int | None = Field(default=None, ge=1)


class FullyConnected(Section):
    type: Literal["fc"]
    input_size: int = Field(default=784, ge=1)
    hidden_sizes: list[Annotated[int, Field(ge=1)]] = Field(default=[256, 128])
    num_classes: int = Field(default=10, ge=2)
    dropout: float = Field(default=0.0, ge=0, lt=1)


class Transformer(Section):
    type: Literal["transformer"] = "transformer"
    d_model: int = Field(default=256, ge=1)
    n_blocks: int = Field(default=4, ge=1)
    n_heads: int = Field(default=4, ge=1)
    d_ffn: int = Field(default=512, ge=1)
    max_seq_len: int = Field(default=256, ge=1)

    @model_validator(mode="after")
    def _heads_divide_the_width(self) -> "Transformer":
        if self.d_model % self.n_heads:
            raise ValueError(f"d_model {self.d_model} is not a multiple of n_heads {self.n_heads}")
        return self


class Data(Section):
    dataset: str = Field(min_length=1)
    data_dir: Path = Path("data")
    train_split: float = Field(default=0.8, gt=0, lt=1)
    num_workers: int = Field(default=0, ge=0, le=64)
    tokenizer: str = "gpt2"
    max_length: int = Field(default=256, ge=1)
    subset_size: int | None = Field(default=None, ge=1)
    val_subset_size: int | None = Field(default=None, ge=1)
    weights: dict[str, float] = Field(default={})


class Evaluation(Section):
    generation_prompts: tuple[str, ...] = ("Once upon a time",)
    max_generation_length: int = 100
    temperature: float = 0.8
    top_k: int | None = 50
    evaluate_coherence: bool = True


class Logging(Section):
    save_checkpoints: bool = True
    checkpoint_dir: Path = Path("runs")


class Experiment(Section):
    aliases: ClassVar[Mapping[str, str]] = {
        "logging.log_interval": "training.log_every",
        "data.batch_size": "batch_size",
        "training.batch_size": "batch_size",
    }

    name: RunName = "experiment"
    seed: int = Field(default=42, ge=0)
    batch_size: int = Field(default=32, ge=1)
    model: FullyConnected | Transformer = Transformer()
    data: Data
    training: Training = Training()
    evaluation: Evaluation = Evaluation()
    logging: Logging = Logging()


@pytest.fixture(scope="session")
def schema() -> type[Experiment]:
    return Experiment


@pytest.fixture(scope="session")
def training_schema() -> type[Training]:
    return Training


@pytest.fixture
def load_text(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Experiment]:
    """Load a configuration from text, as the file ``bad.yaml`` of the current folder."""
    monkeypatch.chdir(tmp_path)

    def load(text: str | bytes, **arguments: object) -> Experiment:
        data = text.encode() if isinstance(text, str) else text
        Path("bad.yaml").write_bytes(data)
        return load_config(Experiment, Path("bad.yaml"), **arguments)  # type: ignore[arg-type]

    return load


@pytest.fixture
def problems_of(load_text: Callable[..., Experiment]) -> Callable[..., list[str]]:
    """The lines of the error that a text gives."""

    def problems(text: str | bytes, **arguments: object) -> list[str]:
        with pytest.raises(ConfigError) as caught:
            load_text(text, **arguments)
        assert caught.value.exit_code == 2
        return str(caught.value).splitlines()

    return problems
