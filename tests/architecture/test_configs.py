"""Every configuration that ships loads, and begins as a lab note."""

import importlib
import sys
from pathlib import Path

import pytest
from mlcore.config import load_config

REPOSITORY = Path(__file__).resolve().parents[2]
CONFIGS = sorted(REPOSITORY.glob("projects/*/configs/**/*.yaml"))


@pytest.mark.parametrize("path", CONFIGS, ids=lambda path: f"{path.parts[-3]}/{path.name}")
def test_the_configuration_loads_and_names_itself(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    project = next(folder for folder in path.parents if folder.parent.name == "projects")
    monkeypatch.setattr(sys, "path", [str(project), *sys.path])
    schemas = importlib.import_module(f"{project.name}.config")
    name = "ClassifierConfig" if path.parent.name == "classifiers" else "ExperimentConfig"
    config = load_config(getattr(schemas, name), path)
    assert config.name == path.stem


@pytest.mark.parametrize("path", CONFIGS, ids=lambda path: f"{path.parts[-3]}/{path.name}")
def test_the_configuration_begins_with_what_to_expect_and_its_command(path: Path) -> None:
    head = []
    for line in path.read_text(encoding="utf-8").splitlines():
        if not line.startswith("#"):
            break
        head.append(line)
    text = "\n".join(head)
    assert "Expected:" in text
    assert "Command: " in text
    assert "train" in text


def test_there_are_configurations_to_check() -> None:
    assert len(CONFIGS) >= 6
