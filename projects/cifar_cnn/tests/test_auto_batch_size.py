"""`training.batch_size: auto` takes what was measured on this machine, and the run then knows the number."""

from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from mlcore.config import load_config
from mlcore.machine_settings import Answer, Candidate, keep_settings
from mlcore.machine_settings.answer import Findings
from mlcore.machine_settings.auto_batch_size import target_of
from mlcore.machine_settings.command import question_of

PROJECT = Path(__file__).resolve().parents[1]
SMOKE = PROJECT / "configs" / "smoke.yaml"
Command = Callable[..., int]


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("MLCORE_CACHE", str(tmp_path / "cache"))
    monkeypatch.syspath_prepend(str(PROJECT))
    return tmp_path / "cache"


def keep(batch_size: int) -> Path:
    """What optimize_settings keeps for the smoke configuration."""
    from cifar_cnn.config import ExperimentConfig

    best = Answer(Candidate(batch_size, 1), "ok", 1000.0)
    question = question_of(load_config(ExperimentConfig, SMOKE), target_of(PROJECT))
    return keep_settings(Findings(best, (best,)), question)


def words(runs_dir: Path, *settings: str) -> list[str]:
    keys = ("training.batch_size=auto", "training.epochs=null", *settings)
    changes = [f"--set={key}" for key in keys]
    return ["--config", "configs/smoke.yaml", "--no-tensorboard", "--runs-dir", str(runs_dir), *changes]


def test_the_run_and_its_checkpoints_hold_the_number_and_need_the_machine_no_more(
    run: Command, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    kept = keep(24)
    runs_dir = tmp_path / "runs"
    # Length, rate and name change no speed: the answer serves them, too.
    more = ("training.steps=3", "training.learning_rate=0.01", "name=other", "training.log_every=1")
    assert run("train", *words(runs_dir, *more)) == 0
    assert "batch size 24: measured on this machine" in capsys.readouterr().err
    (folder,) = runs_dir.iterdir()
    assert "  batch_size: 24\n" in (folder / "config.yaml").read_text()
    state = torch.load(folder / "checkpoints" / "last.pt", weights_only=True)
    assert state["training"]["batch_size"] == state["config"]["training"]["batch_size"] == 24
    assert state["progress"]["items"] == 3 * 24
    kept.unlink()
    again = [
        "--config",
        str(folder / "config.yaml"),
        "--no-tensorboard",
        "--runs-dir",
        str(tmp_path / "again"),
    ]
    assert run("train", *again) == 0
    (second,) = (tmp_path / "again").iterdir()
    same = torch.load(second / "checkpoints" / "last.pt", weights_only=True)
    assert all(torch.equal(same["model"][name], value) for name, value in state["model"].items())


def test_what_was_not_measured_is_a_line_with_the_command_that_measures_it(
    run: Command, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    keep(24)
    assert run("train", *words(tmp_path / "runs", "model.channels=[12,24,50]")) == 2, "another model"
    message = capsys.readouterr().err
    assert "nothing was measured for this configuration on this machine (cpu)" in message
    assert "hatch run projects/cifar_cnn optimize_settings --config configs/smoke.yaml" in message
    assert run("train", *words(tmp_path / "runs", "training.batch_size=automatic")) == 2
    assert "a whole number or 'auto'" in capsys.readouterr().err
    assert not (tmp_path / "runs").exists()


def test_until_it_is_known_auto_is_printed_as_it_was_written(
    run: Command, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    assert run("train", *words(tmp_path), "--print-config") == 0
    assert "  batch_size: auto\n" in capsys.readouterr().out
