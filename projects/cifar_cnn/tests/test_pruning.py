"""The command `prune`: new runs whose weights stay out, judged on validation images."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

Command = Callable[..., int]


@pytest.fixture
def copy_of_run(finished_run: Path, tmp_path: Path) -> Path:
    folder = tmp_path / "runs" / finished_run.name
    shutil.copytree(finished_run, folder)
    return folder


def model_in(run: Path, file: str = "checkpoints/best.pt") -> dict[str, torch.Tensor]:
    return torch.load(run / file, weights_only=True)["model"]


def shares_of_zeros(state: dict[str, torch.Tensor]) -> dict[str, float]:
    """Of every convolution and linear layer."""
    return {name: float((w == 0).double().mean()) for name, w in state.items() if w.ndim >= 2}


def validation_accuracy(run: Path) -> float:
    content = json.loads((run / "evaluation.json").read_text(encoding="utf-8"))
    assert content["split"] == "validation"
    return content["metrics"]["accuracy"]


def test_amounts_become_runs_that_resume_and_are_not_trained_twice(
    run: Command, copy_of_run: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = copy_of_run.parent
    words = ("--run", "smoke", "--runs-dir", str(folder), "--amount", "0.9,0.5", "--epochs", "1")
    assert run("prune", *words) == 0
    told = capsys.readouterr().out
    assert "no time by themselves" in told
    content = json.loads((copy_of_run / "pruning_magnitude_network.json").read_text())
    whole, half, most = content["models"]
    assert whole["share_of_zero_weights"] == 0
    assert whole["before"]["proportion"] == validation_accuracy(copy_of_run)
    for found, amount in ((half, 0.5), (most, 0.9)):
        pruned = folder / found["run"]
        state = model_in(pruned)
        num_zeros = sum(int((w == 0).sum()) for w in state.values() if w.ndim >= 2)
        assert found["sparsity"]["num_zero_weights"] == num_zeros
        assert num_zeros == round(amount * found["sparsity"]["num_weights"])
        assert found["tuned"]["proportion"] == validation_accuracy(pruned)
        assert json.loads((pruned / "metrics.json").read_text())["steps"] == 200, "one epoch of 3,200 images"
        assert f"of: {copy_of_run.name}" in (pruned / "config.yaml").read_text()
    assert most["after"]["proportion"] < half["after"]["proportion"], "right after pruning, more hurts more"
    assert most["tuned"]["proportion"] > most["after"]["proportion"], "and training on helps"
    assert "Pruning: magnitude" in (copy_of_run / "report.html").read_text(encoding="utf-8")
    num_runs = len(list(folder.iterdir()))
    assert run("prune", *words) == 0
    assert capsys.readouterr().out.count("done before: ") == 2
    assert len(list(folder.iterdir())) == num_runs

    pruned = folder / most["run"]
    zeros = {name: w == 0 for name, w in model_in(pruned).items() if w.ndim >= 2}
    assert run("train", "--resume", str(pruned), "--set", "training.epochs=2", "--no-tensorboard") == 0
    last = torch.load(pruned / "checkpoints/last.pt", weights_only=True)
    assert last["progress"]["step"] == 400
    assert all(torch.equal(last["model"][name] == 0, mask) for name, mask in zeros.items())


def test_pruned_filters_make_a_smaller_network_that_can_be_judged_and_exported(
    run: Command, copy_of_run: Path, tmp_path: Path
) -> None:
    folder = copy_of_run.parent
    where = ("--runs-dir", str(folder))
    assert (
        run("prune", "--run", "smoke", *where, "--method", "filters", "--amount", "0.5", "--epochs", "1") == 0
    )
    _, found = json.loads((copy_of_run / "pruning_filters_layer.json").read_text())["models"]
    pruned = folder / found["run"]
    shares = shares_of_zeros(model_in(pruned))
    *convolutions, head = shares.values()
    assert all(share == pytest.approx(0.5) for share in convolutions)
    assert head == 0
    small = model_in(pruned, "narrow.pt")
    assert [len(w) for w in small.values() if w.ndim == 4] == [6, 12, 24]
    assert (
        found["narrow"]["num_parameters"]
        == 6 * 27 + 12 * 6 * 9 + 24 * 12 * 9 + 2 * (6 + 12 + 24) + 24 * 10 + 10
    )
    macs = 32**2 * 27 * 6 + 16**2 * 6 * 9 * 12 + 8**2 * 12 * 9 * 24 + 24 * 10
    assert found["narrow"]["flops"] == 2 * macs
    words = ("--checkpoint", str(pruned / "narrow.pt"))
    assert run("evaluate", *words, "--split", "validation") == 0
    assert validation_accuracy(pruned) == found["tuned"]["proportion"]
    assert run("export", *words, "--output", str(tmp_path / "small.safetensors")) == 0


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (("--amount", "0.5,1.5"), "'1.5' is no share"),
        (("--amount", "half"), "'half' is no share"),
        (("--method", "magnitud"), "magnitude"),
        (("--set", "data.train_split=1.0", "--set", "training.monitor=train_loss"), "validation images"),
    ],
)
def test_a_mistake_is_one_line_and_makes_no_run(
    run: Command,
    finished_run: Path,
    words: tuple[str, ...],
    expected: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert run("prune", "--run", "smoke", "--runs-dir", str(finished_run.parent), *words) == 2
    message = capsys.readouterr().err.replace(f"run: {finished_run}\n", "")
    assert expected in message
    assert len(message.strip().splitlines()) == 1
    assert list(finished_run.parent.iterdir()) == [finished_run]


def test_pruning_in_a_configuration_wants_trained_weights(
    run: Command, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ("--config", "configs/smoke.yaml", "--runs-dir", str(tmp_path / "runs"))
    assert run("train", *words, "--set", "pruning.amount=0.5") == 2
    assert "--weights" in capsys.readouterr().err
    assert not (tmp_path / "runs").exists()
