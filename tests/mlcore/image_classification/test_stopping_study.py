"""The study of adaptive stopping over processes that are quick: scripts which write the curves of known runs.

The curve rises for ten epochs and then stands still; seed 2 is one point better than seed 1 throughout.
"""

import json
from pathlib import Path
from typing import Any

import pytest
from mlcore.cli import Options
from mlcore.errors import ConfigError
from mlcore.image_classification.config import ImageExperimentConfig
from mlcore.image_classification.stopping_study import study_stopping
from mlcore.runs import RunFolder

TRAIN = """
import json, pathlib, sys
words = sys.argv[1:]
value = {a: b for a, b in zip(words, words[1:]) if a in ("--seed", "--runs-dir")}
settings = dict(words[i + 1].split("=", 1) for i, word in enumerate(words) if word == "--set")
seed, epochs = int(value["--seed"]), int(settings.get("training.epochs", ENDS_AFTER))
assert ("training.early_stopping" in settings) == ("training.epochs" in settings)
folder = pathlib.Path(value["--runs-dir"]) / f"fake_seed{seed}_epochs{epochs}_{'x' * len(settings)}"
folder.mkdir(parents=True)
with open(folder / "metrics.jsonl", "w") as file:
    for epoch in range(1, epochs + 1):
        loss = 1 / min(epoch, 10) + DEPENDS_ON_LENGTH * epochs
        val = {"loss": loss, "accuracy": 0.5 + 0.04 * min(epoch, 10) + 0.01 * seed}
        record = {"kind": "epoch", "epoch": epoch, "step": 7 * epoch, "val": val}
        file.write(json.dumps(record) + chr(10))
print(f"run     {folder}")
"""
ADAPTIVE = "training: {early_stopping: {policy: adaptive}}\n"


@pytest.fixture
def options(tmp_path: Path) -> Options:
    (tmp_path / "configs").mkdir()
    (tmp_path / "configs" / "adaptive.yaml").write_text(ADAPTIVE, encoding="utf-8")
    extra = {
        "output": tmp_path / "study",
        "configs": "adaptive",
        "seeds": "1,2",
        "longest": 30,
        "workers": 2,
        "settings": (),
    }
    return Options(project=tmp_path, config_path=None, runs_dir=tmp_path / "runs", extra=extra)


def write_train(options: Options, *, ends_after: int, depends_on_length: float = 0.0) -> None:
    script = TRAIN.replace("ENDS_AFTER", str(ends_after)).replace("DEPENDS_ON_LENGTH", str(depends_on_length))
    (options.project / "train.py").write_text(script, encoding="utf-8")


def judge(run: RunFolder, checkpoint: Path) -> None:
    """A test accuracy that equals the validation accuracy of the epoch: of the last one for the best weights."""
    lines = (run.path / "metrics.jsonl").read_text(encoding="utf-8").splitlines()
    epoch = len(lines) if checkpoint.name == "best.pt" else int(checkpoint.stem.removeprefix("step_")) // 7
    metrics = {"accuracy": json.loads(lines[epoch - 1])["val"]["accuracy"]}
    content = {"schema": 1, "split": "test", "checkpoint": checkpoint.name, "metrics": metrics}
    run.evaluation_path.write_text(json.dumps(content), encoding="utf-8")


def studied(options: Options) -> dict[str, Any]:
    code = study_stopping(options, schema=ImageExperimentConfig, name="stopping", judge_on_test=judge)
    assert code == 0
    content = json.loads((options.extra["output"] / "stopping.json").read_text(encoding="utf-8"))
    return content["models"]["adaptive"]


def test_the_best_length_is_found_and_compared_with_the_end_that_training_chose(
    options: Options,
) -> None:
    write_train(options, ends_after=12)
    figures = studied(options)
    # One standard error of two seeds that differ by 0.01 is 0.005, and an epoch is worth 0.04.
    assert figures["best_budget"] == 10
    assert figures["adaptive_epochs"] == [12, 12]
    assert figures["epochs_ratio"] == pytest.approx(1.2)
    assert figures["test_accuracy"]["fixed"] == pytest.approx([0.91, 0.92])
    assert figures["accuracy_lost"] == pytest.approx(0)
    assert figures["seed_noise"] == pytest.approx(0.01 / 2**0.5)
    assert figures["holds"] == {"epochs": True, "accuracy": True}
    assert (options.extra["output"] / "stopping.png").stat().st_size > 10_000


def test_ending_too_late_is_no_success(options: Options) -> None:
    write_train(options, ends_after=14)
    assert studied(options)["holds"] == {"epochs": False, "accuracy": True}


def test_training_may_end_by_itself_after_the_longest_length(options: Options) -> None:
    write_train(options, ends_after=33)
    assert studied(options)["adaptive_epochs"] == [33, 33]


def test_ending_too_early_loses_accuracy(options: Options) -> None:
    write_train(options, ends_after=9)
    figures = studied(options)
    assert figures["accuracy_lost"] == pytest.approx(0.04)
    assert figures["holds"] == {"epochs": True, "accuracy": False}


def test_runs_that_do_not_begin_alike_end_the_study(options: Options) -> None:
    write_train(options, ends_after=12, depends_on_length=1e-9)
    with pytest.raises(ConfigError, match="depends on the number of epochs"):
        study_stopping(options, schema=ImageExperimentConfig, name="stopping", judge_on_test=judge)


def test_a_failed_training_is_the_exit_code(options: Options, capsys: pytest.CaptureFixture[str]) -> None:
    (options.project / "train.py").write_text("raise SystemExit(3)", encoding="utf-8")
    assert study_stopping(options, schema=ImageExperimentConfig, name="stopping", judge_on_test=judge) == 1
    assert "FAILED" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("text", "seeds", "expected"),
    [
        ("training: {epochs: 3}\n", "1,2", "early_stopping"),
        ("training: {monitor: train_loss, early_stopping: {policy: adaptive}}\n", "1,2", "monitor"),
        (ADAPTIVE, "1", "two seeds"),
    ],
)
def test_what_cannot_be_studied_is_refused(options: Options, text: str, seeds: str, expected: str) -> None:
    (options.project / "configs" / "adaptive.yaml").write_text(text, encoding="utf-8")
    options.extra["seeds"] = seeds
    with pytest.raises(ConfigError, match=expected):
        study_stopping(options, schema=ImageExperimentConfig, name="stopping", judge_on_test=judge)


def test_a_configuration_that_was_edited_is_trained_again_and_what_it_does_not_touch_is_not(
    options: Options,
) -> None:
    write_train(options, ends_after=12)
    studied(options)
    before = {run.name for run in (options.extra["output"] / "runs").iterdir()}
    edited = "training: {early_stopping: {policy: adaptive, patience: 3}}\n"
    (options.project / "configs" / "adaptive.yaml").write_text(edited, encoding="utf-8")
    write_train(options, ends_after=11)
    assert studied(options)["adaptive_epochs"] == [11, 11]
    after = {run.name for run in (options.extra["output"] / "runs").iterdir()} - before
    assert {name.split("_")[2] for name in after} == {"epochs11"}, "only the adaptive runs are new"
