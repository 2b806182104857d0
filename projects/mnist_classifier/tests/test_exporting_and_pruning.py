"""A fully connected network, with gradients of autograd and by hand, goes through export, prune and profile."""

import json
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pytest
import torch

PROJECT = Path(__file__).resolve().parents[1]
SETTINGS = (
    "--set",
    "training.epochs=1",
    "--set",
    "model.hidden_sizes=[12, 8]",
    "--no-preflight",
    "--no-tensorboard",
)


@pytest.mark.parametrize("kind", ["fc", "fc_scratch"])
def test_a_trained_network_is_exported_pruned_and_profiled(
    kind: str,
    load_script: Callable[[Path], ModuleType],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.delenv("MLDATA_DIR", raising=False)
    runs = tmp_path / "runs"
    config = ("--config", "configs/smoke.yaml", "--set", f"model.type={kind}", *SETTINGS)
    assert load_script(PROJECT / "train.py").main([*config, "--runs-dir", str(runs)]) == 0
    (run,) = runs.iterdir()
    where = ("--run", "smoke", "--runs-dir", str(runs))
    form = (
        "safetensors" if kind == "fc" else "onnx"
    )  # NumPy's network leaves through its twin that knows autograd
    assert load_script(PROJECT / "export.py").main([*where, "--format", form]) == 0
    assert (run / "export" / f"model.{form}").is_file()

    words = ("--method", "filters", "--amount", "0.5", "--epochs", "1")
    assert load_script(PROJECT / "prune.py").main([*where, *words]) == 0, capsys.readouterr().err
    _, found = json.loads((run / "pruning_filters_layer.json").read_text())["models"]
    state = torch.load(runs / found["run"] / "checkpoints/best.pt", weights_only=True)["model"]
    rows = [(weight != 0).any(dim=1).sum().item() for name, weight in state.items() if weight.ndim == 2]
    assert rows == [6, 4, 10], "half of the hidden units are gone, and no class"

    output = ("--output", str(tmp_path / "profile"), "--steps", "2", "--warmup", "1", "--traced", "1")
    profile = load_script(PROJECT / "profile_.py")
    assert profile.main([*[word for word in config if not word.startswith("--no-")], *output]) == 0
    parts = json.loads((tmp_path / "profile" / "profile.json").read_text())["parts_s"]
    assert ("forward" in parts) == (kind == "fc")
    assert ("forward and backward" in parts) == (kind == "fc_scratch")
