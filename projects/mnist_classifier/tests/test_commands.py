"""The commands as a user runs them: one small training run, and everything that can be done with it afterwards."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pytest

PROJECT = Path(__file__).resolve().parents[1]


def run(command: str, *words: str, check: bool = True) -> subprocess.CompletedProcess[str]:
    """Run a command of the project as its own process, without the real data."""
    environment = {**os.environ, "COLUMNS": "160"}
    environment.pop("MLDATA_DIR", None)
    result = subprocess.run(
        [sys.executable, str(PROJECT / f"{command}.py"), *words],
        capture_output=True,
        text=True,
        env=environment,
        timeout=240,
    )
    if check:
        assert result.returncode == 0, result.stdout + result.stderr
    return result


@pytest.fixture(scope="module")
def runs_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("runs")


@pytest.fixture(scope="module")
def trained(runs_dir: Path) -> Path:
    """A finished run of the smoke configuration."""
    result = run("train", "--config", "configs/smoke.yaml", "--runs-dir", str(runs_dir), "--no-tensorboard")
    (folder,) = [path for path in runs_dir.iterdir() if path.is_dir()]
    assert str(folder) in result.stdout, "train names the run folder"
    assert "report.html" in result.stdout, "train names the report"
    assert "evaluate --run" in result.stdout, "train says how to open the test images"
    return folder


def evaluation_of(folder: Path) -> dict:
    return json.loads((folder / "evaluation.json").read_text(encoding="utf-8"))


def test_training_judges_itself_on_validation_images_alone(trained: Path) -> None:
    content = evaluation_of(trained)
    assert content["split"] == "validation"
    assert content["metrics"]["accuracy"] > 0.85


def test_evaluate_opens_the_test_images_and_shows_every_class(trained: Path, runs_dir: Path) -> None:
    result = run("evaluate", "--run", "smoke", "--runs-dir", str(runs_dir))
    content = evaluation_of(trained)
    assert content["split"] == "test"
    metrics = content["metrics"]
    low, high = metrics["accuracy_interval"]
    assert 0.8 < low < metrics["accuracy"] < high <= 1
    assert sum(map(sum, metrics["confusion"])) == metrics["num_samples"]
    assert {entry["name"] for entry in metrics["per_class"]} == set("0123456789")
    assert {"logistic_regression", "k_nearest_neighbours", "random_forest"} <= content["baselines"].keys()
    assert str(trained) in result.stdout + result.stderr, "it says which run it took"
    assert "k nearest neighbours" in result.stdout
    predictions = json.loads((trained / "predictions.json").read_text())
    hits = sum(a == b for a, b in zip(predictions["labels"], predictions["predictions"], strict=True))
    assert hits / len(predictions["labels"]) == pytest.approx(metrics["accuracy"])


def original_yaml() -> str:
    """The document's configuration, as its reader would paste it."""
    return """\
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


@pytest.mark.data
def test_the_yaml_of_the_original_document_trains_unchanged(
    tmp_path: Path, data_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = tmp_path / "experiment_name.yaml"
    config.write_text(original_yaml(), encoding="utf-8")
    environment = {**os.environ, "MLDATA_DIR": str(data_dir)}
    command = [sys.executable, str(PROJECT / "train.py"), "--config", str(config)]
    result = subprocess.run(
        [*command, "--runs-dir", str(tmp_path / "runs"), "--epochs", "1", "--no-tensorboard"],
        capture_output=True,
        text=True,
        env=environment,
        timeout=240,
    )
    assert result.returncode == 0, result.stdout + result.stderr
    (folder,) = (tmp_path / "runs").iterdir()
    assert re.fullmatch(r"experiment_name_\d{8}-\d{6}", folder.name)
    metrics = evaluation_of(folder)["metrics"]
    assert metrics["num_samples"] == 12_000
    assert metrics["accuracy"] > 0.94
    assert json.loads((folder / "metrics.json").read_text())["parameters"] == 235_146


def test_missing_data_is_two_lines_that_name_the_way_without_download(tmp_path: Path) -> None:
    environment = {**os.environ, "MLDATA_DIR": str(tmp_path), "MLDATA_CACHE": str(tmp_path / "cache")}
    environment |= {"HF_HUB_OFFLINE": "1", "MLDATA_OFFLINE": "1"}
    command = [sys.executable, str(PROJECT / "train.py"), "--config", "configs/original.yaml"]
    result = subprocess.run(
        [*command, "--runs-dir", str(tmp_path / "runs")], capture_output=True, text=True, env=environment
    )
    assert result.returncode == 3
    assert len(result.stderr.strip().splitlines()) <= 2
    assert "mnist" in result.stderr
    assert "quickstart" in result.stderr
    assert not (tmp_path / "runs").exists(), "nothing is left behind"


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (("--set", "model.hidden_sizez=[3]"), "hidden_sizes"),
        (("--set", "data.augmentation.rotaton=3"), "rotation"),
        (("--set", "model.num_classes=11"), "want 10"),
        (("--set", "model.type=cnnn"), "cnn"),
        (("--set", "data.dataset=digitz"), "digits"),
        (("--set", "data.fold=3"), "num_folds"),
        (("--set", "data.train_split=1.0"), "train_loss"),
    ],
)
def test_bad_input_is_one_line_with_the_right_value(
    tmp_path: Path,
    words: tuple[str, ...],
    expected: str,
    load_script: Callable[[Path], ModuleType],
    capsys: pytest.CaptureFixture[str],
) -> None:
    smoke = ("--config", "configs/smoke.yaml", "--runs-dir", str(tmp_path / "runs"))
    code = load_script(PROJECT / "train.py").main([*smoke, *words])
    message = capsys.readouterr().err
    assert code in (2, 3), message
    assert expected in message
    assert "Traceback" not in message
    assert not (tmp_path / "runs").exists()
