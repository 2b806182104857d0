"""What every project promises, asked of each in the same words: resume, signals, kills, mistakes, secrets.

A new project is found by itself; its configs/smoke.yaml is what is run.
"""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType

import pytest
import torch

PROJECTS = sorted(path.parent for path in Path(__file__).resolve().parents[2].glob("projects/*/train.py"))
CANARY = "sk-ant-canary-000111222333"
# Signals are the core's affair and the same in every project: two feel all three, the others the hardest.
FEELS_ALL_SIGNALS = ("custom_transformer", "rnn_suite")
STEPS = 300  # of the runs that are disturbed: enough for a signal to arrive in their middle
SMOKE = ("--config", "configs/smoke.yaml", "--no-tensorboard")
LONGER = (*SMOKE, "--set", f"training.steps={STEPS}", "--set", "training.epochs=null")
LONGER = (*LONGER, "--set", "training.log_every=1")


@pytest.fixture(scope="module", params=PROJECTS, ids=lambda path: path.name)
def project(request: pytest.FixtureRequest) -> Path:
    return request.param


def environment() -> dict[str, str]:
    """Keys that must appear nowhere, and no real data: what ships inside the packages is enough."""
    secrets = {"WANDB_API_KEY": CANARY, "ANTHROPIC_API_KEY": "", "HF_TOKEN": CANARY}
    return {**{k: v for k, v in os.environ.items() if k != "MLDATA_DIR"}, **secrets, "COLUMNS": "160"}


def run(project: Path, command: str, *words: str, check: bool = True) -> subprocess.CompletedProcess[str]:
    """Run a command of the project as its own process."""
    arguments = [sys.executable, str(project / f"{command}.py"), *words]
    result = subprocess.run(arguments, capture_output=True, text=True, env=environment(), timeout=280)
    if check:
        assert result.returncode == 0, result.stdout + result.stderr
    return result


@pytest.fixture
def train(project: Path, load_script: Callable[[Path], ModuleType]) -> ModuleType:
    """The project's train.py, in this process."""
    return load_script(project / "train.py")


@pytest.fixture(scope="module")
def runs_dir(project: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp(project.name)


@pytest.fixture(scope="module")
def whole(project: Path, runs_dir: Path) -> Path:
    """An undisturbed run of the smoke configuration."""
    result = run(project, "train", *LONGER, "--runs-dir", str(runs_dir))
    (folder,) = [path for path in runs_dir.iterdir() if path.is_dir()]
    assert str(folder) in result.stdout, "train names the run folder"
    assert "report.html" in result.stdout, "train names the report"
    return folder


def test_a_run_is_one_folder_with_everything_in_it(whole: Path) -> None:
    for part in ("config.yaml", "environment.json", "metrics.jsonl", "metrics.json", "evaluation.json"):
        assert (whole / part).stat().st_size > 0
    for checkpoint in ("best.pt", "last.pt"):
        assert (whole / "checkpoints" / checkpoint).is_file()
    assert (whole / "report.html").is_file()
    assert json.loads((whole / "metrics.json").read_text())["status"] == "completed"


def test_a_key_in_the_environment_appears_nowhere_in_a_run(whole: Path) -> None:
    files = [path for path in whole.rglob("*") if path.is_file()]
    assert len(files) > 8
    for path in files:
        assert CANARY.encode() not in path.read_bytes(), path


def test_evaluating_twice_gives_the_same_figures_and_says_which_run_it_took(
    project: Path,
    whole: Path,
    runs_dir: Path,
    load_script: Callable[[Path], ModuleType],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.delenv("MLDATA_DIR", raising=False)
    evaluate = load_script(project / "evaluate.py").main
    results = []
    for _ in range(2):
        assert evaluate(["--run", "smoke", "--runs-dir", str(runs_dir)]) == 0
        assert str(whole) in "".join(capsys.readouterr())
        results.append(json.loads((whole / "evaluation.json").read_text())["metrics"])
    assert results[0] == results[1]


@pytest.mark.timeout(900)
def test_a_run_that_was_stopped_ends_with_the_weights_of_one_that_was_not(
    project: Path, whole: Path, tmp_path: Path
) -> None:
    numbers = [signal.SIGKILL]
    if project.name in FEELS_ALL_SIGNALS:
        numbers += [signal.SIGTERM, signal.SIGINT]
    for number in numbers:
        check_stop(project, whole, tmp_path / number.name, number)


def check_stop(project: Path, whole: Path, runs_dir: Path, number: signal.Signals) -> None:
    """Stop a run with this signal, resume it, and compare."""
    saving = ("--set", "training.save_every=20")
    code = -number if number == signal.SIGKILL else 128 + number
    assert disturbed(project, number, *LONGER, *saving, "--runs-dir", str(runs_dir)) == code
    (cut,) = runs_dir.iterdir()
    if number != signal.SIGKILL:
        assert json.loads((cut / "metrics.json").read_text())["status"] == "interrupted"
    assert saved_step(cut) < STEPS, "the signal came too late to test anything"
    run(project, "train", "--resume", str(cut), "--no-tensorboard")
    first, second = (torch.load(path / "checkpoints/last.pt", weights_only=True) for path in (whole, cut))
    assert first["progress"]["step"] == second["progress"]["step"] == STEPS
    assert first["model"].keys() == second["model"].keys()
    for name, tensor in first["model"].items():
        assert torch.equal(tensor, second["model"][name]), name
    assert [path.name for path in runs_dir.iterdir()] == [cut.name], "resuming makes no second folder"


def disturbed(project: Path, number: int, *words: str) -> int:
    """Start a training, send the signal after its first checkpoint, return the exit code."""
    command = [sys.executable, str(project / "train.py"), *words]
    runs_dir = Path(words[words.index("--runs-dir") + 1])
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    process = subprocess.Popen(command, env=environment(), **quiet)
    wait_for(lambda: process.poll() is not None or any(runs_dir.glob("*/checkpoints/step_*.pt")))
    process.send_signal(number)
    return process.wait(timeout=120)


def wait_for(condition: Callable[[], bool]) -> None:
    """Until it holds; the test's own time limit ends it otherwise."""
    while not condition():
        time.sleep(0.01)


def saved_step(folder: Path) -> int:
    """The step of the run's last checkpoint."""
    paths = sorted((folder / "checkpoints").glob("step_*.pt")) or [folder / "checkpoints" / "last.pt"]
    return torch.load(paths[-1], weights_only=True)["progress"]["step"]


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (("--set", "training.stpes=3"), "did you mean"),
        (("--set", "data.dataset=digitz_or_storybok"), "dataset"),
        (("--device", "cuda:77"), "device"),
        (("--no-such-flag",), "no-such-flag"),
        (("--config", "configs/smok.yaml"), "smoke.yaml"),
        (("--set", "training.learning_rate=-1"), "learning_rate"),
        (("--set", "training.batch_size=0"), "batch_size"),
        (("--resume", "no_such_run"), "no_such_run"),
    ],
    ids=lambda value: value if isinstance(value, str) else None,
)
def test_a_mistake_costs_one_clear_line_and_makes_no_folder(
    train: ModuleType,
    words: tuple[str, ...],
    expected: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.delenv("MLDATA_DIR", raising=False)
    code = train.main([*SMOKE, *words, "--runs-dir", str(tmp_path / "runs")])
    message = capsys.readouterr().err
    assert code in (2, 3), message
    assert expected in message.replace("data set", "dataset")
    assert "Traceback" not in message
    assert len(message.strip().splitlines()) <= 3
    assert not (tmp_path / "runs").exists()


def test_a_mistake_is_the_exit_code_of_the_process(project: Path, tmp_path: Path) -> None:
    words = (*SMOKE, "--set", "training.stpes=3", "--runs-dir", str(tmp_path / "runs"))
    result = run(project, "train", *words, check=False)
    assert result.returncode == 2, result.stdout + result.stderr
    assert "did you mean" in result.stderr
    assert "Traceback" not in result.stderr


def hostile_settings() -> Iterator[str]:
    """Values that no key can take, for a key of every section."""
    keys = (
        "seed",
        "name",
        "training.epochs",
        "training.betas",
        "training.schedule",
        "data",
        "model",
        "logging",
    )
    values = ("[[]]", "{a: {b: 1}}", ".nan", "'../../x'", "!!python/object:os.system x", "1e999")
    for number, key in enumerate(keys):
        yield f"{key}={values[number % len(values)]}"
        yield f"{key}={values[(number + 3) % len(values)]}"


def test_hostile_values_are_refused_without_a_traceback_or_a_folder(
    train: ModuleType, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for setting in hostile_settings():
        code = train.main([*SMOKE, "--set", setting, "--runs-dir", str(tmp_path / "runs")])
        message = capsys.readouterr().err
        assert code == 2, f"{setting}: {message}"
        assert "internal error" not in message, setting
        assert not (tmp_path / "runs").exists()
