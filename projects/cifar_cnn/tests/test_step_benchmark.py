"""A training step in two dtypes and two layouts: the same losses, a table, a file that the tools can publish."""

import json
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from cifar_cnn import step_benchmark

Command = Callable[..., int]

CONFIG = {
    "name": "small",
    "data": {"dataset": "shapes"},
    "model": {"type": "simple_cnn", "channels": [8, 8], "convolutions": [1, 1]},
    "training": {"epochs": 1, "batch_size": 32, "optimizer": "sgd", "learning_rate": 0.01},
}


@pytest.mark.parametrize("name", step_benchmark.VARIANTS)
def test_a_variant_computes_in_its_layout_and_dtype(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("MLDATA_DIR", raising=False)
    seen: list[tuple[torch.dtype, bool]] = []
    real = torch.nn.functional.conv2d

    def watched(x: torch.Tensor, weight: torch.Tensor, *more: object, **options: object) -> torch.Tensor:
        y = real(x, weight, *more, **options)  # type: ignore[arg-type]
        seen.append((y.dtype, y.is_contiguous(memory_format=torch.channels_last)))
        return y

    monkeypatch.setattr(torch.nn.functional, "conv2d", watched)
    workload = step_benchmark.step_on_ready_batches(CONFIG, **step_benchmark.VARIANTS[name])
    workload.step()
    assert workload.items_per_step == 32
    dtype = torch.bfloat16 if name.startswith("bfloat16") else torch.float32
    assert seen
    assert all(entry == (dtype, not name.endswith("planes")) for entry in seen)


def test_the_command_prints_a_table_and_writes_its_file(
    run: Command, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ("--config", "configs/smoke.yaml", "--rounds", "2", "--steps", "1", "--threads", "1")
    variants = "float32_planes,float32_channels_last"
    assert run("benchmark", *words, "--variants", variants, "--output", str(tmp_path)) == 0
    assert "float32_channels_last" in capsys.readouterr().out
    content = json.loads((tmp_path / "benchmark.json").read_text())
    assert content["repeats"] == 2
    assert any("float32_planes" in line for line in content["table"])


def test_an_unknown_variant_is_refused(run: Command, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("benchmark", "--config", "configs/smoke.yaml", "--variants", "float32_plane") == 2
    assert "float32_planes" in capsys.readouterr().err
