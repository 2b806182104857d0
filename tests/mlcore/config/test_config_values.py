"""What a good configuration means: aliases, overrides, defaults, and the keys of the original documents."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from mlcore.config import FlagValue, Section, load_config
from mlcore.errors import ConfigError
from pydantic import ValidationError

Load = Callable[..., Any]
DATA = "data: {dataset: mnist}\n"

MNIST_YAML = """
name: experiment_name
seed: 42

model:
  type: fc  # or cnn
  input_size: 784
  hidden_sizes: [256, 128]
  num_classes: 10
  dropout: 0.2

data:
  dataset: mnist
  data_dir: ./data/raw
  train_split: 0.8  # 80% train, 20% val
  batch_size: 64
  num_workers: 2

training:
  epochs: 20
  learning_rate: 0.001
  optimizer: adam  # or sgd
  weight_decay: 0.0001
  early_stopping:
    patience: 5
    min_delta: 0.001

logging:
  log_interval: 10
  save_checkpoints: true
  checkpoint_dir: ./runs
"""
CUSTOM_TRANSFORMER_YAML = """
model: {d_model: 256, n_blocks: 4, n_heads: 4, d_ffn: 512, max_seq_len: 256}
data: {dataset: tinystories, tokenizer: gpt2, max_length: 256, subset_size: 100, val_subset_size: 10}
training: {batch_size: 8, learning_rate: 1e-3, num_epochs: 3, max_grad_norm: 1.0, log_every: 5, eval_every: 50}
evaluation:
  generation_prompts: [Once upon a time, "Tom said: no"]
  max_generation_length: 50
  temperature: 0.7
  top_k: 40
  evaluate_coherence: false
"""


def test_the_configuration_of_the_mnist_document_loads_as_it_stands(load_text: Load) -> None:
    config = load_text(MNIST_YAML)
    assert config.name == "experiment_name"
    assert config.model.hidden_sizes == [256, 128]
    assert config.batch_size == 64  # from data.batch_size
    assert config.training.log_every == 10  # from logging.log_interval
    assert config.training.early_stopping.min_delta == 0.001
    assert config.logging.checkpoint_dir == Path("runs")


def test_the_keys_of_the_custom_transformer_document_load_as_they_stand(load_text: Load) -> None:
    config = load_text(CUSTOM_TRANSFORMER_YAML)
    assert config.training.epochs == 3  # from num_epochs
    assert config.training.learning_rate == 1e-3
    assert config.batch_size == 8
    assert config.evaluation.generation_prompts == ("Once upon a time", "Tom said: no")


@pytest.mark.parametrize(
    ("alias", "name", "value"),
    [
        ("num_epochs", "epochs", 7),
        ("lr", "learning_rate", 0.5),
        ("grad_clip", "max_grad_norm", 2.0),
        ("gradient_clip", "max_grad_norm", 3.0),
    ],
)
def test_an_alias_works_in_the_file_on_the_command_line_and_in_python(
    load_text: Load, training_schema: type[Section], alias: str, name: str, value: float
) -> None:
    from_file = load_text(f"{DATA}training: {{{alias}: {value}}}\n").training
    from_command_line = load_text(DATA, overrides=[f"training.{alias}={value}"]).training
    in_python = training_schema(**{alias: value})
    assert getattr(from_file, name) == getattr(from_command_line, name) == getattr(in_python, name) == value


@pytest.mark.parametrize(
    ("lines", "problem"),
    [
        (
            "lr: 1\n  learning_rate: 2",
            "bad.yaml:3: training.lr: the same key as 'training.learning_rate' on line 4; give one of the two",
        ),
        (
            "learning_rate: 1\n  lr: 1",
            "bad.yaml:4: training.lr: the same key as 'training.learning_rate' on line 3; give one of the two",
        ),
        (
            "grad_clip: 1\n  gradient_clip: 1",
            "bad.yaml:4: training.gradient_clip: the same key as 'training.grad_clip' on line 3; give one of the two",
        ),
        ("lr: 1\n  lr: 2", "bad.yaml:4: 'lr': this key stands already on line 3"),
    ],
)
def test_a_key_given_twice_is_an_error_under_whatever_names(
    problems_of: Callable[..., list[str]], lines: str, problem: str
) -> None:
    assert problems_of(f"{DATA}training:\n  {lines}\n") == [problem]


def test_a_key_given_under_two_names_in_two_sections_is_an_error(
    problems_of: Callable[..., list[str]],
) -> None:
    problems = problems_of("data:\n  dataset: x\n  batch_size: 3\nbatch_size: 4\n")
    assert problems == [
        "bad.yaml:3: data.batch_size: the same key as 'batch_size' on line 4; give one of the two"
    ]


def test_two_names_of_one_key_are_refused_in_python_too(training_schema: type[Section]) -> None:
    with pytest.raises(ValidationError, match="'lr' is another name of 'learning_rate'"):
        training_schema(lr=1.0, learning_rate=1.0)


def test_the_command_line_wins_over_the_file_under_any_of_the_names(load_text: Load) -> None:
    text = DATA + "training: {learning_rate: 0.5, num_epochs: 3}\n"
    config = load_text(
        text, overrides=["training.lr=0.25"], flags={"training.epochs": FlagValue("--epochs", "4")}
    )
    assert (config.training.learning_rate, config.training.epochs) == (0.25, 4)


def test_overrides_win_over_flags_and_later_ones_over_earlier_ones(load_text: Load) -> None:
    config = load_text(DATA, flags={"seed": 1}, overrides=["seed=2", "seed=3"])
    assert config.seed == 3


@pytest.mark.parametrize(
    ("override", "value"),
    [
        ("data.dataset=Once #1: a", "Once #1: a"),
        ('data.dataset="1"', "1"),
        ("data.dataset='a''b'", "a'b"),
        ("data.dataset=a=b", "a=b"),
        ("data.dataset=no", "no"),
    ],
)
def test_text_on_the_command_line_stays_as_it_was_typed(load_text: Load, override: str, value: str) -> None:
    assert load_text("", overrides=[override]).data.dataset == value


def test_lists_and_null_can_be_set_from_the_command_line(load_text: Load) -> None:
    overrides = [
        "training.betas=[0.5, .6]",
        "training.max_grad_norm=null",
        "data.weights={a: 1, b: 2e0}",
        "training.epochs=1e3",
    ]
    config = load_text(DATA, overrides=overrides)
    assert config.training.betas == (0.5, 0.6)
    assert config.training.max_grad_norm is None
    assert config.data.weights == {"a": 1.0, "b": 2.0}
    assert config.training.epochs == 1000


def test_a_section_that_is_null_in_the_file_can_be_switched_on_from_the_command_line(load_text: Load) -> None:
    text = DATA + "training: {early_stopping: null}\n"
    assert (
        load_text(text, overrides=["training.early_stopping.patience=9"]).training.early_stopping.patience
        == 9
    )
    assert load_text(text, flags={"training.early_stopping": {}}).training.early_stopping.patience == 5
    kept = DATA + "training: {early_stopping: {patience: 7}}\n"
    assert load_text(kept, flags={"training.early_stopping": {}}).training.early_stopping.patience == 7


def test_keys_that_a_file_does_not_mention_keep_the_default_of_their_place(load_text: Load) -> None:
    """The default schedule is cosine with 100 steps of warm-up; a class default would be 0."""
    schedule = load_text(DATA + "training: {schedule: {min_factor: 0.5}}\n").training.schedule
    assert (schedule.type, schedule.warmup_steps, schedule.min_factor) == ("cosine", 100, 0.5)
    other = load_text(DATA + "training: {schedule: {type: constant}}\n").training.schedule
    assert (other.type, other.warmup_steps) == ("constant", 0)


def test_the_name_of_a_kind_alone_is_short_for_its_section(load_text: Load) -> None:
    assert load_text(DATA + "training: {schedule: step}\n").training.schedule.step == 10
    file = DATA + "training: {schedule: {type: cosine, min_factor: 0.3}}\n"
    assert load_text(file, overrides=["training.schedule=constant"]).training.schedule.type == "constant"


def test_a_configuration_cannot_be_changed(load_text: Load) -> None:
    with pytest.raises(ValidationError, match="frozen"):
        load_text(DATA).training.epochs = 3


def test_a_configuration_needs_no_file(schema: type[Section]) -> None:
    assert load_config(schema, None, overrides=["data.dataset=x"]).data.dataset == "x"  # type: ignore[attr-defined]
    with pytest.raises(ConfigError, match=r"^configuration: data: missing"):
        load_config(schema, None)


def test_environment_variables_are_not_put_in(load_text: Load, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CANARY", "canary-value")
    config = load_text("data: {dataset: $CANARY, data_dir: '${CANARY}/~'}\n")
    assert config.data.dataset == "$CANARY"
    assert os.environ["CANARY"] not in config.model_dump_json()
