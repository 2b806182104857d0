"""The vision transformer through the project's commands, on the embedded digits."""

import json
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pytest

PROJECT = Path(__file__).resolve().parents[1]
Load = Callable[[Path], ModuleType]
SHAPE = ("model.d_model=32", "model.n_layers=2", "model.n_heads=2", "model.d_ffn=64", "data.dataset=digits")
SMALL = """\
name: small_vit
preflight: false
data: {dataset: digits}
model: {type: vit, patch_size: 7, d_model: 32, n_layers: 2, n_heads: 2, d_ffn: 64}
training: {epochs: 6, batch_size: 32, optimizer: adamw, learning_rate: 0.004, schedule: onecycle}
"""


def words(*more: str) -> list[str]:
    settings = [word for setting in (*SHAPE, *more) for word in ("--set", setting)]
    return ["--config", "configs/vit.yaml", "--no-tensorboard", *settings]


def test_it_learns_real_digits_far_beyond_guessing(
    load_script: Load, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("MLDATA_DIR", raising=False)
    config = tmp_path / "small_vit.yaml"
    config.write_text(SMALL, encoding="utf-8")
    runs_dir = tmp_path / "runs"
    train = load_script(PROJECT / "train.py")
    assert train.main(["--config", str(config), "--no-tensorboard", "--runs-dir", str(runs_dir)]) == 0
    (folder,) = runs_dir.iterdir()
    evaluation = json.loads((folder / "evaluation.json").read_text(encoding="utf-8"))
    assert evaluation["metrics"]["accuracy"] > 0.6
    assert json.loads((folder / "metrics.json").read_text())["flops_per_item"] > 1e6


@pytest.mark.parametrize(
    ("setting", "expected"),
    [
        ("model.patch_size=5", "nearest that does: 4"),
        ("model.image_size=32", "model.image_size is 32"),
        ("model.n_heads=3", "nearest that does"),
        ("model.pooling=max", "class_token"),
        ("model.hidden_sizes=[3]", "a key of type"),
    ],
)
def test_a_mistake_costs_one_clear_line_and_makes_no_folder(
    load_script: Load, setting: str, expected: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    train = load_script(PROJECT / "train.py")
    assert train.main([*words(setting), "--runs-dir", str(tmp_path / "runs")]) == 2
    message = capsys.readouterr().err
    assert expected in message
    assert len(message.strip().splitlines()) == 1
    assert not (tmp_path / "runs").exists()
