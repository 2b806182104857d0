"""What the README tells a newcomer to type is typed here, line by line.

Long commands are shortened by what is appended to them; the first command, the one a newcomer begins with, is not.
"""

import os
import re
import shlex
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pytest
from mlcore.launcher import find_command

REPOSITORY = Path(__file__).resolve().parents[2]
SHORTER = {
    "custom_transformer train --set training.steps=2000": (
        "-c configs/smoke.yaml --set training.steps=20 --set training.eval_every=20"
    ),
    "custom_transformer train --config configs/tinystories_custom_tokenizer.yaml": (
        "--set training.steps=4 --set data.subset_size=50 --set training.schedule.warmup_steps=1"
        " --set data.val_subset_size=5 --set evaluation.max_generation_length=5"
    ),
    "custom_transformer evaluate": "--max-batches 2 --set evaluation.max_generation_length=20",
    "custom_transformer gradient_report": "--cases 2 --dtype float64",
    "custom_transformer benchmark": (
        "--vocab-size 64 --batch-size 2 --context 16 --rounds 1 --steps 1 --dtype float32"
        " --variants reference,twin_eager"
    ),
    "custom_transformer find_learning_rate": "--config configs/smoke.yaml --updates 20",
    "mnist_classifier optimize_settings": (
        "--config configs/smoke.yaml --first-batch-size 32 --max-batch-size 64 --seconds 0.2"
    ),
    "rnn_suite train": "--config configs/smoke.yaml",
    "transformer_phases train": "--config configs/smoke.yaml",
    "cifar_cnn train": "--config configs/smoke.yaml",
    "rnn_suite compare": (
        "--seeds 1 --variants lstm,gru --set training.steps=4 --set training.eval_every=4"
        " --set training.log_every=1 --set data.subset_size=60 --set data.val_subset_size=5"
    ),
    "rnn_suite train_classifier": "--set training.epochs=1 --set data.subset_size=300",
    "mnist_classifier train": "--set training.epochs=3",
}
NOT_HERE = {"test", "lint", "fmt", "types", "contracts"}  # what CI runs besides, and what runs this test


def commands_of(readme: Path) -> list[str]:
    """The lines of all shell blocks, without their comments."""
    blocks = re.findall(r"```sh\n(.*?)```", readme.read_text(encoding="utf-8"), re.DOTALL)
    lines = [line.split("  #")[0].strip() for block in blocks for line in block.splitlines()]
    return [line for line in lines if line]


def shortened(command: str) -> str:
    """The command with what makes it short, if it has an entry."""
    additions = [
        addition for start, addition in SHORTER.items() if re.search(rf"{re.escape(start)}(?!\w)", command)
    ]
    return " ".join([command, *additions])


def test_the_readme_shows_commands() -> None:
    commands = commands_of(REPOSITORY / "README.md")
    assert commands[0] == "pip install hatch && hatch run projects/custom_transformer train"
    assert commands[1] == "hatch run test"
    assert len(commands) > 10


@pytest.mark.timeout(1200)
def test_the_commands_of_the_readme_work_in_the_order_they_stand(
    tmp_path: Path, load_script: Callable[[Path], ModuleType], monkeypatch: pytest.MonkeyPatch
) -> None:
    if shutil.which("hatch") is None:
        pytest.skip("hatch is not on the PATH")
    for name in ("MLDATA_CACHE", "MLCORE_CACHE"):
        monkeypatch.setenv(name, str(tmp_path / "cache"))
    monkeypatch.chdir(REPOSITORY)
    runs_dir = tmp_path / "runs"
    for command in commands_of(REPOSITORY / "README.md"):
        words = shlex.split(shortened(command.removeprefix("pip install hatch && ")))
        if "MLDATA_DIR=data" in words:
            if not os.environ.get("MLDATA_DIR"):
                continue  # the fixture `data_dir` of other tests makes missing data an error where it must be there
            words.remove("MLDATA_DIR=data")
        assert words[:2] == ["hatch", "run"], f"a README command that this test does not know: {command}"
        if words[2] in NOT_HERE:
            continue
        if any(name in words for name in ("train", "evaluate", "sample", "train_classifier")):
            words += ["--runs-dir", str(runs_dir / words[2].rpartition("/")[2])]
        if any(name in words for name in ("gradient_report", "benchmark", "find_learning_rate", "compare")):
            words += ["--output", str(tmp_path / "measured")]
        words = [in_runs_dir(word, runs_dir) for word in words]
        is_first = command.endswith("projects/custom_transformer train")
        if is_first or not words[2].startswith("projects/") or len(words) == 3:
            output = typed(words)
        else:  # without another start of Python and torch
            script = find_command(REPOSITORY / words[2], words[3])
            assert script is not None, command
            assert load_script(script).main(words[4:]) == 0, command
        if is_first:
            check_first_run(output, newest(runs_dir / "custom_transformer"))


def typed(words: list[str]) -> str:
    """What the command prints, as a process of its own."""
    result = subprocess.run(words, cwd=REPOSITORY, capture_output=True, text=True, timeout=900)
    assert result.returncode == 0, f"{shlex.join(words)}\n{result.stdout}\n{result.stderr}"
    return result.stdout


def check_first_run(output: str, run: Path) -> None:
    """The first command names its run and report, and its model knows more than token frequencies and pairs."""
    import json

    assert str(run) in output
    assert (run / "report.html").is_file()
    evaluation = json.loads((run / "evaluation.json").read_text(encoding="utf-8"))
    loss = evaluation["metrics"]["loss"]
    assert loss < 0.5 * evaluation["unigram_entropy"]
    assert loss < evaluation["baselines"]["bigram"]["loss"]
    assert evaluation["heuristic"]["means"]["overall"] > 0.5


def in_runs_dir(word: str, runs_dir: Path) -> str:
    """A path of the README's run folders as one of the test's own."""
    found = re.fullmatch(r"projects/(\w+)/runs(/NAME_TIMESTAMP)?", word)
    if not found:
        return word
    folder = runs_dir / found.group(1)
    return str(newest(folder) if found.group(2) else folder)


def newest(runs_dir: Path) -> Path:
    """The run folder that was made last."""
    return max(runs_dir.iterdir(), key=lambda path: path.stat().st_mtime)


def test_every_project_readme_names_only_commands_and_configs_that_exist() -> None:
    for readme in REPOSITORY.glob("projects/*/README.md"):
        project = readme.parent
        for command in commands_of(readme):
            found = re.search(rf"projects/{project.name} (\w+)", command)
            if found:
                assert find_command(project, found.group(1)) is not None, command
            for config in re.findall(r"configs/[\w.-]+\.yaml", command):
                assert (project / config).is_file(), command


def test_the_tables_of_the_readmes_are_those_of_the_results() -> None:
    import sys

    command = [sys.executable, str(REPOSITORY / "tools" / "render_results.py"), "--check"]
    result = subprocess.run(command, capture_output=True, text=True)
    assert result.returncode == 0, result.stdout + result.stderr
