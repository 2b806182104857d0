"""The commands that look for better settings, on scikit-learn's digits: search, learning rate, batch size."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

PROJECT = Path(__file__).resolve().parents[1]
QUICK = ("--config", "configs/smoke.yaml", "--set", "training.epochs=1", "--set", "preflight=false")


def run(command: str, *words: str) -> str:
    """Run a command of the project as its own process, without the real data, and return its output."""
    environment = {key: value for key, value in os.environ.items() if key != "MLDATA_DIR"}
    environment |= {"COLUMNS": "160", "OMP_NUM_THREADS": "1"}
    arguments = [sys.executable, str(PROJECT / f"{command}.py"), *words]
    result = subprocess.run(arguments, capture_output=True, text=True, env=environment, timeout=280)
    assert result.returncode == 0, result.stdout + result.stderr
    return result.stdout


@pytest.mark.slow
def test_the_best_configuration_of_a_search_trains_to_the_very_value_that_was_found(tmp_path: Path) -> None:
    folder = tmp_path / "search"
    run("optimize", *QUICK, "--trials", "2", "--workers", "2", "--output", str(folder))
    found = json.loads((folder / "search.json").read_text())
    assert (found["done"], found["metric"]) == (2, "val_loss")
    run(
        "train",
        "--config",
        str(folder / "best.yaml"),
        "--runs-dir",
        str(tmp_path / "runs"),
        "--no-tensorboard",
    )
    (again,) = (tmp_path / "runs").glob("smoke_*/metrics.json")
    assert json.loads(again.read_text())["best"]["val_loss"] == found["best"]["value"]


@pytest.mark.slow
def test_the_range_test_finds_rates_at_which_the_network_learns(tmp_path: Path) -> None:
    output = run("find_learning_rate", *QUICK, "--updates", "80", "--output", str(tmp_path))
    found = json.loads((tmp_path / "learning_rate.json").read_text())
    assert 1e-5 < found["steepest"] < found["largest_safe"] < 1
    assert "loss falls fastest at" in output


def test_the_step_that_is_measured_is_an_update_of_the_experiments_own_network(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    import torch

    monkeypatch.syspath_prepend(PROJECT)
    from mnist_classifier.tuning import training_step

    torch.manual_seed(0)
    config = {"device": "cpu", "data": {"dataset": "digits"}, "model": {"type": "fc", "hidden_sizes": [16]}}
    workload = training_step(config, batch_size=64)
    assert workload.items_per_step == 64
    for _ in range(30):  # more than an epoch: the smaller last batch is passed over
        workload.step()
