"""`base:` in a configuration: what is left out comes from another file, and mistakes name their file."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Load = Callable[..., Any]
BASE = """
name: base
data: {dataset: mnist, weights: {a: 1.0}}
training:
  lr: 0.5
  epochs: 3
  schedule: {type: cosine, warmup_steps: 7, min_factor: 0.2}
"""


@pytest.fixture(autouse=True)
def base_file(tmp_path: Path) -> Path:
    (tmp_path / "configs").mkdir()
    file = tmp_path / "configs" / "base.yaml"
    file.write_text(BASE)
    return file


def test_sections_are_joined_key_by_key_and_the_nearer_file_wins(load_text: Load) -> None:
    config = load_text(
        "base: configs/base.yaml\nname: mine\ntraining: {learning_rate: 0.25}\ndata: {weights: {b: 2}}\n"
    )
    assert (config.name, config.data.dataset, config.data.weights) == ("mine", "mnist", {"a": 1.0, "b": 2.0})
    assert (config.training.learning_rate, config.training.epochs) == (0.25, 3)
    assert config.training.schedule.min_factor == 0.2


def test_the_command_line_goes_before_both(load_text: Load) -> None:
    config = load_text("base: configs/base\ntraining: {epochs: 4}\n", overrides=["training.epochs=5"])
    assert config.training.epochs == 5


@pytest.mark.parametrize("schedule", ["{type: step, step: 3}", "step"])
def test_a_section_of_another_type_keeps_nothing_of_its_base(load_text: Load, schedule: str) -> None:
    config = load_text(f"base: configs/base.yaml\ntraining: {{schedule: {schedule}}}\n")
    assert config.training.schedule.type == "step"


def test_a_section_of_the_same_type_keeps_the_rest_of_its_base(load_text: Load) -> None:
    config = load_text("base: configs/base.yaml\ntraining: {schedule: {type: cosine, warmup_steps: 1}}\n")
    assert (config.training.schedule.warmup_steps, config.training.schedule.min_factor) == (1, 0.2)


def test_a_base_has_a_base_beside_itself(load_text: Load, base_file: Path) -> None:
    (base_file.parent / "middle.yaml").write_text("base: base.yaml\ntraining: {epochs: 9}\n")
    config = load_text("base: configs/middle.yaml\nname: mine\n")
    assert (config.name, config.training.epochs, config.training.learning_rate) == ("mine", 9, 0.5)


def test_a_mistake_in_the_base_is_told_with_its_file_and_line(
    problems_of: Callable[..., list[str]], base_file: Path
) -> None:
    base_file.write_text(BASE.replace("epochs: 3", "epochs: many"))
    assert problems_of("base: configs/base.yaml\nnmae: x\n") == [
        "bad.yaml:2: nmae: no such key; did you mean 'name'?",
        "configs/base.yaml:6: training.epochs: expected a whole number, got 'many'",
    ]


def test_a_base_that_is_not_there_is_named_with_the_nearest_that_is(
    problems_of: Callable[..., list[str]],
) -> None:
    [problem] = problems_of("name: x\nbase: configs/bsae.yaml\n")
    assert problem.startswith("bad.yaml:2: base: configs/bsae.yaml: no such file")
    assert "configs/base.yaml" in problem


@pytest.mark.parametrize("value", ["[a.yaml]", "3"])
def test_a_base_is_the_path_of_a_file(problems_of: Callable[..., list[str]], value: str) -> None:
    [problem] = problems_of(f"base: {value}\n")
    assert problem.startswith("bad.yaml:1: base: the path of a file")


def test_files_that_are_each_others_base_are_refused(
    problems_of: Callable[..., list[str]], base_file: Path
) -> None:
    base_file.write_text("base: ../bad.yaml\n" + BASE)
    [problem] = problems_of("base: configs/base.yaml\n")
    assert "is one its own base?" in problem
