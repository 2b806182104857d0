"""The command `profile`: what a training step of this project costs."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

Command = Callable[..., int]


def test_a_profile_counts_the_operations_that_the_runs_log_counts(
    run: Command, finished_run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = (
        "--config",
        "configs/smoke.yaml",
        "--output",
        str(tmp_path),
        "--steps",
        "2",
        "--warmup",
        "1",
        "--traced",
        "1",
    )
    assert run("profile", *words) == 0
    told = capsys.readouterr().out
    found = json.loads((tmp_path / "profile.json").read_text())
    summary = json.loads((finished_run / "metrics.json").read_text(encoding="utf-8"))
    assert found["flops_per_step"] == found["items_per_step"] * summary["flops_per_item"]
    assert {path.name for path in tmp_path.iterdir()} == {"profile.html", "profile.json", "trace.json"}
    for word in ("all parts", "body.0", "aten::convolution_backward", "images/s", "trace.json"):
        assert word in told
    assert set(found["parts_s"]) >= {"data", "forward", "backward", "optimizer"}
    assert found["covered"] <= 1
