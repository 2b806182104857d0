"""The messages, word for word: they are what a user sees of this part."""

from collections.abc import Callable
from pathlib import Path

import pytest
from mlcore.config import FlagValue, Section, load_config
from mlcore.errors import ConfigError

Problems = Callable[..., list[str]]
DATA = "data: {dataset: mnist}\n"


def test_an_unknown_key_is_shown_with_its_line_and_the_nearest_key(problems_of: Problems) -> None:
    text = DATA + "training:\n  lrr: 0.1\n"
    assert problems_of(text) == ["bad.yaml:3: training.lrr: no such key; did you mean 'training.lr'?"]


def test_an_unknown_key_of_the_command_line_is_shown_without_a_line(problems_of: Problems) -> None:
    expected = ["command line: training.lrr: no such key; did you mean 'training.lr'?"]
    assert problems_of(DATA, overrides=["training.lrr=0.1"]) == expected


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ("epochs: many", "training.epochs: expected a whole number, got 'many'"),
        ("epochs: 2.5", "training.epochs: expected a whole number, got 2.5"),
        ("epochs: true", "training.epochs: expected a whole number, got true"),
        (
            "epochs: '3'",
            "training.epochs: expected a whole number, got '3'; without the quotes it is a number",
        ),
        ("epochs: 1_000", "training.epochs: expected a whole number, got '1_000'; did you mean 1000?"),
        ("epochs: [1]", "training.epochs: expected a whole number, got a list"),
        ("epochs: {a: 1}", "training.epochs: expected a whole number, got a section"),
        ("epochs:", "training.epochs: expected a whole number, got null"),
        ("epochs: 0", "training.epochs: must be at least 1 and at most 10000, got 0"),
        ("num_epochs: 0", "training.num_epochs: must be at least 1 and at most 10000, got 0"),
        ("lr: 10", "training.lr: must be greater than 0 and less than 10, got 10"),
        ("lr: .nan", "training.lr: expected a finite number, got nan"),
        ("lr: -.inf", "training.lr: expected a finite number, got -inf"),
        ("lr: x", "training.lr: expected a number, got 'x'"),
        ("compile: yes", "training.compile: expected true or false, got 'yes'; did you mean true?"),
        ("compile: Off", "training.compile: expected true or false, got 'Off'; did you mean false?"),
        ("compile: 1", "training.compile: expected true or false, got 1"),
        (
            "optimizer: adm",
            "training.optimizer: expected one of 'adam', 'adamw' or 'sgd', got 'adm'; did you mean 'adam'?",
        ),
        (
            "mixed_precision: bf61",
            "training.mixed_precision: expected one of 'auto', 'bf16', 'fp16', true or false, got 'bf61'; "
            "did you mean 'bf16'?",
        ),
        (
            "mixed_precision: 3",
            "training.mixed_precision: expected one of 'auto', 'bf16', 'fp16', true or false, got 3",
        ),
        ("betas: [0.9]", "training.betas: expected a list of 2 numbers, got a list of 1"),
        ("betas: [0.9, 2]", "training.betas[1]: must be at least 0 and less than 1, got 2"),
        ("betas: 3", "training.betas: expected a list of 2 numbers, got 3"),
        ("betas: [0.9, x]", "training.betas[1]: expected a number, got 'x'"),
        (
            "schedule: {type: cosin}",
            "training.schedule.type: expected one of 'constant', 'cosine' or 'step', got 'cosin'; "
            "did you mean 'cosine'?",
        ),
        (
            "schedule: cosin",
            "training.schedule: expected one of 'constant', 'cosine' or 'step', got 'cosin'; did you mean 'cosine'?",
        ),
        ("schedule: 3", "training.schedule: expected one of 'constant', 'cosine' or 'step', got 3"),
        ("schedule: {type: step, step: 0}", "training.schedule.step: must be at least 1, got 0"),
        (
            "schedule: {type: [], step: 0}",
            "training.schedule.type: expected one of 'constant', 'cosine' or 'step', got a list",
        ),
        (
            "schedule: {type: step, min_factor: 0}",
            "training.schedule.min_factor: a key of type 'cosine', but this is 'step'",
        ),
        (
            "early_stopping: 3",
            "training.early_stopping: expected a section (keys: patience, min_delta) or null, got 3",
        ),
        ("early_stopping: {patience: 0}", "training.early_stopping.patience: must be at least 1, got 0"),
        ("Epochs: 1", "training.Epochs: no such key; did you mean 'training.epochs'?"),
        ("weight-decay: 1", "training.weight-decay: no such key; did you mean 'training.weight_decay'?"),
        ("dataset: mnist", "training.dataset: no such key; did you mean 'data.dataset'?"),
    ],
)
def test_a_wrong_line_is_answered_in_these_words(problems_of: Problems, line: str, problem: str) -> None:
    assert problems_of(f"{DATA}training:\n  {line}\n") == [f"bad.yaml:3: {problem}"]


def test_several_problems_are_shown_at_once_and_sorted_by_line(problems_of: Problems) -> None:
    text = "training:\n  epochs: many\n  lrr: 1\nseed: -1\ndata:\n  num_workers: 65\nname: ../up\n"
    flags = {"training.learning_rate": FlagValue("--lr", "fast")}
    problems = problems_of(text, overrides=["model.type=cnn", "seeed=1"], flags=flags)
    places = [problem.split(": ")[:2] for problem in problems]
    assert places == [
        ["bad.yaml:2", "training.epochs"],
        ["bad.yaml:3", "training.lrr"],
        ["bad.yaml:4", "seed"],
        ["bad.yaml:5", "data.dataset"],
        ["bad.yaml:6", "data.num_workers"],
        ["bad.yaml:7", "name"],
        ["command line", "--lr"],
        ["command line", "model.type"],
        ["command line", "seeed"],
    ]


def test_a_missing_key_is_named_with_what_it_should_hold(problems_of: Problems) -> None:
    assert problems_of("seed: 1\ndata: {num_workers: 1}\n") == [
        "bad.yaml:2: data.dataset: missing; expected text"
    ]


def test_thousands_of_problems_are_cut_to_a_screenful(problems_of: Problems) -> None:
    problems = problems_of(DATA + "".join(f"unknown{number}: 1\n" for number in range(3000)))
    assert len(problems) == 21
    assert problems[-1] == "and 2980 more"


def test_a_rule_over_two_keys_is_reported_where_their_section_stands(problems_of: Problems) -> None:
    problems = problems_of(DATA + "model:\n  d_model: 10\n  n_heads: 3\n")
    assert problems == ["bad.yaml:2: model: d_model 10 is not a multiple of n_heads 3"]


def test_a_broken_validator_is_the_users_mistake_and_not_a_crash(tmp_path: Path) -> None:
    from pydantic import field_validator

    class Fragile(Section):
        number: int

        @field_validator("number")
        @classmethod
        def _divide(cls, number: int) -> int:
            return 100 // number

    with pytest.raises(ConfigError, match="these values do not go together: ZeroDivisionError"):
        load_config(Fragile, None, overrides=["number=0"])


@pytest.mark.parametrize(
    ("override", "problem"),
    [
        ("training.epochs", "'training.epochs': write KEY=VALUE, as in training.learning_rate=3e-4"),
        ("=3", "'=3': write KEY=VALUE, as in training.learning_rate=3e-4"),
        ("a..b=3", "'a..b=3': write KEY=VALUE, as in training.learning_rate=3e-4"),
        ("training.betas=[0.9", "training.betas: not a YAML value: '[0.9'"),
        ("training.epochs=x", "training.epochs: expected a whole number, got 'x'"),
        ("seed=99999999999999999999", "seed: a whole number must fit in 64 bits"),
        ("data.dataset=a\udcffb", "data.dataset: text with a character that cannot be stored: 'a\\udcffb'"),
        ("training.epochs.deep=1", "training.epochs: expected a whole number, got a section"),
        ("data.dataset=", "data.dataset: expected text, got null"),
    ],
)
def test_a_wrong_word_of_the_command_line_is_answered_in_these_words(
    problems_of: Problems, override: str, problem: str
) -> None:
    assert problems_of(DATA, overrides=[override]) == [f"command line: {problem}"]


def test_a_file_that_is_not_there_is_answered_with_the_nearest_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, schema: type[Section]
) -> None:
    project = tmp_path / "project"
    (project / "configs").mkdir(parents=True)
    (project / "configs" / "quickstart.yaml").write_text(DATA)
    monkeypatch.chdir(tmp_path)
    search = (project, project / "configs")
    for spelling in ("quickstart", "quickstart.yaml", "configs/quickstart", "configs/quickstart.yaml"):
        assert load_config(schema, Path(spelling), search=search).data.dataset == "mnist"  # type: ignore[attr-defined]
    with pytest.raises(
        ConfigError, match=r"^quikstart.yaml: no such file; did you mean 'quickstart.yaml'\?$"
    ):
        load_config(schema, Path("quikstart.yaml"), search=search)
    with pytest.raises(ConfigError, match=r"^project: a folder, not a file$"):
        load_config(schema, Path("project"), search=search)


def test_the_current_folder_comes_before_the_projects(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, schema: type[Section]
) -> None:
    (tmp_path / "project").mkdir()
    (tmp_path / "project" / "a.yaml").write_text(DATA)
    (tmp_path / "a.yaml").write_text("data: {dataset: here}\n")
    monkeypatch.chdir(tmp_path)
    config = load_config(schema, Path("a.yaml"), search=[tmp_path / "project"])
    assert config.data.dataset == "here"  # type: ignore[attr-defined]
