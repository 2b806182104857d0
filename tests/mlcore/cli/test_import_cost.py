"""A command line answers before anything heavy is imported: that takes 0.2 to 0.4 s, torch alone 2 s."""

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

Python = Callable[..., subprocess.CompletedProcess[str]]
HEAVY = {
    "torch",
    "numpy",
    "scipy",
    "matplotlib",
    "datasets",
    "anthropic",
    "sklearn",
    "tensorboard",
    "rich",
    "psutil",
    "filelock",
}


def imported(done: subprocess.CompletedProcess[str]) -> set[str]:
    lines = [line for line in done.stderr.splitlines() if line.startswith("import time:")]
    assert lines
    return {line.split("|")[-1].strip().split(".")[0] for line in lines}


def test_help_imports_neither_pydantic_nor_anything_heavy(
    project: Path, package: str, python: Python
) -> None:
    done = python("-X", "importtime", project / "train.py", "--help")
    assert done.returncode == 0
    assert "Train a model on the data." in done.stdout
    assert "click" in imported(done)
    assert imported(done) & (HEAVY | {"pydantic", "yaml", package}) == set()


@pytest.mark.parametrize(
    "words", [["training.lrr=3"], ["--resum", "x"], ["--print-config"], ["--config", "nowhere"]]
)
def test_a_wrong_configuration_is_answered_without_anything_heavy(
    project: Path, python: Python, words: list[str]
) -> None:
    done = python("-X", "importtime", project / "train.py", *words)
    assert done.returncode == (0 if words == ["--print-config"] else 2)
    assert "pydantic" in imported(done) or words[0] == "--resum"
    assert imported(done) & HEAVY == set()


def test_the_launcher_lists_commands_without_importing_them(project: Path, python: Python) -> None:
    (project / "broken.py").write_text('"""Cannot be imported."""\nimport nothing_of_this_name\n')
    done = python("-X", "importtime", "-m", "mlcore.launcher", project)
    assert done.returncode == 0
    assert "broken  Cannot be imported." in done.stdout
    assert imported(done) & (HEAVY | {"pydantic", "click"}) == set()
