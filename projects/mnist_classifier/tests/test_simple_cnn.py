"""The best network on MNIST through the project's commands, narrow and on the embedded digits."""

import json
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pytest
import yaml

PROJECT = Path(__file__).resolve().parents[1]
Load = Callable[[Path], ModuleType]
SETTINGS = (
    "preflight=false",
    "data.dataset=digits",
    "data.train_split=0.8",
    "model.channels=[8,16,32]",
    "training.epochs=4",
    "training.batch_size=32",
    "training.ema_decay=0.9",
)


def test_muon_moves_its_filters_and_it_learns_real_digits(
    load_script: Load, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("MLDATA_DIR", raising=False)
    words = [word for setting in SETTINGS for word in ("--set", setting)]
    places = ["--config", "configs/simple_cnn.yaml", "--no-tensorboard", "--runs-dir", str(tmp_path)]
    assert load_script(PROJECT / "train.py").main([*places, *words]) == 0
    (folder,) = tmp_path.iterdir()
    model = yaml.safe_load((folder / "config.yaml").read_text(encoding="utf-8"))["model"]
    assert (model["in_channels"], model["image_size"]) == (1, 28)
    evaluation = json.loads((folder / "evaluation.json").read_text(encoding="utf-8"))
    assert evaluation["metrics"]["accuracy"] > 0.9
