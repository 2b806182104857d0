"""Every project on two processes trains as on one, judges itself alike, and ends soon when one of them is lost.

A new project is found by itself; its configs/smoke.yaml is what is run.
"""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import psutil
import pytest
from mlcore.logger.metrics_file import read_metrics
from process_pair import NEEDS_FORK, results

pytestmark = NEEDS_FORK

PROJECTS = sorted(path.parent for path in Path(__file__).resolve().parents[2].glob("projects/*/train.py"))
LOST = "stops: another process of this run has ended or does not answer"
STEPS = 8  # rounding that is another on two processes grows with every update
# Each process drops out by random numbers of its own.
WITHOUT_CHANCE = {"mnist_classifier": ("--set=model.dropout=0",)}


def words(runs_dir: Path, batch_size: int, **training: Any) -> list[str]:
    """A short run whose every update is logged."""
    keys = {
        "epochs": "null",
        "steps": STEPS,
        "eval_every": STEPS // 2,
        "log_every": 1,
        "batch_size": batch_size,
        "learning_rate": 0.002,  # small steps let rounding grow less
        "schedule.warmup_steps": 3,
        "mixed_precision": "off",
    }
    settings = [f"--set=training.{key}={value}" for key, value in (keys | training).items()]
    return ["--config", "configs/smoke.yaml", "--no-tensorboard", "--runs-dir", str(runs_dir), *settings]


@pytest.fixture(params=PROJECTS, ids=lambda path: path.name)
def train(request: pytest.FixtureRequest, load_script: Callable[[Path], ModuleType]) -> ModuleType:
    """The project's train.py, in this process, without real data."""
    request.getfixturevalue("monkeypatch").delenv("MLDATA_DIR", raising=False)
    return load_script(request.param / "train.py")


def run_folder(runs_dir: Path) -> Path:
    (folder,) = (path for path in runs_dir.iterdir() if path.is_dir())
    return folder


def losses(folder: Path, kind: str) -> list[float]:
    return [record["loss"] for record in read_metrics(folder / "metrics.jsonl") if record["kind"] == kind]


def test_the_losses_of_two_processes_are_those_of_one_with_batches_of_twice_the_size(
    train: ModuleType, tmp_path: Path
) -> None:
    more = WITHOUT_CHANCE.get(Path(str(train.__file__)).parent.name, ())
    assert train.main([*words(tmp_path / "one", 16), *more]) == 0
    codes = results(tmp_path / "pair", lambda rank: train.main([*words(tmp_path / "two", 8), *more]))
    assert codes == [0, 0]
    one, two = run_folder(tmp_path / "one"), run_folder(tmp_path / "two")
    assert len(losses(two, "step")) == STEPS
    assert losses(two, "step") == pytest.approx(losses(one, "step"), rel=1e-5)
    assert len(losses(two, "validation")) == 2
    assert losses(two, "validation") == pytest.approx(losses(one, "validation"), rel=1e-5)
    judged = [json.loads((run / "evaluation.json").read_text())["metrics"] for run in (one, two)]
    assert judged[1]["loss"] == pytest.approx(judged[0]["loss"], rel=1e-5)
    assert judged[1].get("accuracy") == judged[0].get("accuracy")


@pytest.mark.slow
@pytest.mark.timeout(280)
def test_torchrun_trains_as_one_process_does_and_when_a_process_is_killed_the_other_says_so_and_ends(
    tmp_path: Path, load_script: Callable[[Path], ModuleType], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("MLDATA_DIR", raising=False)
    script = Path(__file__).resolve().parents[2] / "projects" / "cifar_cnn" / "train.py"
    assert load_script(script).main(words(tmp_path / "one", 16)) == 0
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node=2"]
    lasting = {"steps": 100_000, "eval_every": 100_000, "save_every": STEPS}
    command += [str(script), *words(tmp_path / "two", 8, **lasting)]
    with (tmp_path / "output.txt").open("w") as output:
        launcher = subprocess.Popen(command, stdout=output, stderr=subprocess.STDOUT)
        while launcher.poll() is None and not any((tmp_path / "two").glob("*/checkpoints/step_*.pt")):
            time.sleep(0.05)
        assert launcher.poll() is None, (tmp_path / "output.txt").read_text()
        os.kill(process_of_rank(launcher.pid, 1), signal.SIGKILL)
        began = time.monotonic()
        assert launcher.wait(timeout=60) != 0
    assert time.monotonic() - began < 30
    one, two = (losses(run_folder(tmp_path / name), "step") for name in ("one", "two"))
    assert two[:STEPS] == pytest.approx(one, rel=1e-5)
    lines = [line for line in (tmp_path / "output.txt").read_text().splitlines() if LOST in line]
    assert len(lines) == 1
    assert lines[0].startswith("process 0 of 2 stops")


def process_of_rank(launcher: int, rank: int) -> int:
    """The worker of that rank, by its environment."""
    children = psutil.Process(launcher).children(recursive=True)
    (found,) = (child.pid for child in children if child.environ().get("RANK") == str(rank))
    return found
