"""Several runs as one question: ablations and cross-validation, on scikit-learn's digits."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pytest

PROJECT = Path(__file__).resolve().parents[1]
QUICK = ("--set", "training.epochs=2", "--set", "preflight=false", "--set", "data.dataset=digits")


def run(command: str, *words: str, check: bool = True) -> subprocess.CompletedProcess[str]:
    """Run a command of the project as its own process, without the real data."""
    environment = {key: value for key, value in os.environ.items() if key != "MLDATA_DIR"} | {
        "COLUMNS": "160"
    }
    arguments = [sys.executable, str(PROJECT / f"{command}.py"), *words]
    result = subprocess.run(arguments, capture_output=True, text=True, env=environment, timeout=280)
    if check:
        assert result.returncode == 0, result.stdout + result.stderr
    return result


@pytest.fixture
def configs(tmp_path: Path) -> Path:
    """The reference, an ablation that works and one that fails while it runs."""
    folder = tmp_path / "configs"
    folder.mkdir()
    reference = (PROJECT / "configs" / "ablations" / "reference.yaml").read_text(encoding="utf-8")
    (folder / "reference.yaml").write_text(reference, encoding="utf-8")
    wide = reference.replace("name: reference", "name: wide").replace(
        "type: fc", "type: fc\n  hidden_sizes: [64]"
    )
    (folder / "wide.yaml").write_text(wide, encoding="utf-8")
    broken = reference.replace("name: reference", "name: broken").replace(
        "type: fc", "type: fc\n  input_size: 5"
    )
    (folder / "broken.yaml").write_text(broken, encoding="utf-8")
    return folder


@pytest.mark.slow
def test_ablations_survive_a_failed_run_and_are_not_done_twice(tmp_path: Path, configs: Path) -> None:
    words = ("--configs", str(configs), "--seeds", "1,2", "--output", str(tmp_path / "study"), *QUICK)
    first = run("run_ablations", *words, "--workers", "2", check=False)
    assert first.returncode == 1, first.stdout + first.stderr
    assert "model.input_size is 5" in first.stdout, "the failed runs say why"
    content = json.loads((tmp_path / "study" / "ablations.json").read_text())
    compared = content["comparisons"]["rows"]
    assert [row["model"] for row in compared] == ["wide"]
    assert compared[0]["is_paired"]
    assert len(content["runs"]) == 4
    for run_folder in (tmp_path / "study" / "runs").iterdir():
        assert json.loads((run_folder / "evaluation.json").read_text())["split"] == "test"
    assert (tmp_path / "study" / "ablations.png").stat().st_size > 5_000
    (configs / "broken.yaml").unlink()
    second = run("run_ablations", *words)
    assert second.stdout.count("finished before") == 4
    assert json.loads((tmp_path / "study" / "ablations.json").read_text()) == content


@pytest.mark.slow
def test_cross_validation_validates_every_training_image_once(tmp_path: Path) -> None:
    words = ("--config", "configs/smoke.yaml", "--runs-dir", str(tmp_path), "--no-tensorboard", *QUICK)
    result = run("train", "--cross-validate", "2", *words)
    (study,) = (tmp_path / "studies").iterdir()
    content = json.loads((study / "cross_validation.json").read_text())
    assert content["summary"]["n"] == 2
    assert content["summary"]["mean"] > 0.6
    sizes = [
        json.loads((path / "evaluation.json").read_text())["metrics"]["num_samples"]
        for path in (study / "runs").iterdir()
    ]
    assert sum(sizes) == 1_437  # all of scikit-learn's digits but the 360 of the test split
    assert "validation accuracy of 2 folds" in result.stdout


@pytest.mark.slow
def test_the_pictures_of_a_run_stand_in_its_report(
    tmp_path: Path, load_script: Callable[[Path], ModuleType], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("MLDATA_DIR", raising=False)
    places = ["--config", "configs/smoke.yaml", "--runs-dir", str(tmp_path), "--no-tensorboard"]
    settings = ["--set", "model.type=fc_scratch", "--set", "training.epochs=2"]
    assert load_script(PROJECT / "train.py").main([*places, *settings]) == 0
    for command in ("visualize_failures", "visualize_filters"):
        main = load_script(PROJECT / f"{command}.py").main
        assert main(["--run", "smoke", "--runs-dir", str(tmp_path)]) == 0
    (folder,) = tmp_path.iterdir()
    names = {path.stem for path in (folder / "figures").glob("*.png")}
    assert names == {
        "failures", "confusion", "failure_clusters", "heat_maps", "neighbours", "activation_maps",
        "filters_fc1", "favourites_fc1",
    }  # fmt: skip
    assert (folder / "report.html").read_text().count("data:image/png") == len(names)


@pytest.mark.slow
def test_explore_writes_its_figures_and_counts_every_split(tmp_path: Path) -> None:
    result = run("explore", "--output", str(tmp_path))
    for split, count in (("train", "1,150"), ("validation", "287"), ("test", "360")):
        assert split in result.stdout
        assert count in result.stdout
    assert {path.stem for path in tmp_path.glob("*.png")} == {
        "class_distribution", "mean_images", "examples", "augmentation",
    }  # fmt: skip
