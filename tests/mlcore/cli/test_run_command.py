"""From the words of a command line to a call, an exit code, and what stands on the screen."""

import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click
import pytest
from mlcore.cli import Options, run_command
from mlcore.config import dump_config
from mlcore.errors import CheckpointError, DivergedError, InterruptedRun
from mlcore.runs import create_run

Run = Callable[..., tuple[int, Any, Options | None]]


@pytest.fixture
def run(project: Path, package: str) -> Run:
    """Run a command; returns its exit code and what the command was called with."""

    def run_words(*words: str, **arguments: Any) -> tuple[int, Any, Options | None]:
        calls: list[tuple[Any, Options]] = []

        def command(config: Any, options: Options) -> None:
            calls.append((config, options))

        arguments.setdefault("schema", f"{package}.config:Experiment")
        code = run_command(command, argv=words, project=project, **arguments)
        config, options = calls[0] if calls else (None, None)
        assert (code == 0) >= bool(calls)
        return code, config, options

    return run_words


@pytest.mark.parametrize(
    ("words", "key", "value"),
    [
        (["--seed", "42"], "seed", 42),
        (["--deterministic"], "deterministic", True),
        (["--device", "cpu"], "device", "cpu"),
        (["--experiment_name", "resnet50_baseline"], "name", "resnet50_baseline"),
        (["--experiment-name", "a"], "name", "a"),
        (["--model", "resnet18"], "model.type", "resnet18"),
        (["--train_data_dir", "./dataset/Mine"], "data.data_dir", "./dataset/Mine"),
        (["--batch_size", "64"], "training.batch_size", 64),
        (["--batch-size=64"], "training.batch_size", 64),
        (["--epochs", "100"], "training.epochs", 100),
        (["--steps", "1e3"], "training.steps", 1000),
        (["--lr", "0.001"], "training.learning_rate", 0.001),
        (["--lr", "3e-4"], "training.learning_rate", 3e-4),
        (["--grad_clip", "1.0"], "training.max_grad_norm", 1.0),
        (["--max-grad-norm", "2"], "training.max_grad_norm", 2),
        (["--mixed_precision"], "training.mixed_precision", True),
        (["--mixed-precision", "seed=3"], "training.mixed_precision", True),
        (["--mixed-precision", "bf16"], "training.mixed_precision", "bf16"),
        (["--mixed_precision=fp16"], "training.mixed_precision", "fp16"),
        (["--compile"], "training.compile", True),
        (["training.compile=true", "--no-compile"], "training.compile", True),
        (["--early_stopping"], "training.early_stopping.patience", 5),
        (["--early_stopping", "--patience", "9"], "training.early_stopping.patience", 9),
        (["--patience", "9", "--early-stopping"], "training.early_stopping.patience", 9),
        (["--use_tensorboard"], "logging.use_tensorboard", True),
        (["--no-tensorboard"], "logging.use_tensorboard", False),
        (["--use_wandb"], "logging.use_wandb", True),
        (["--wandb"], "logging.use_wandb", True),
        (["--wandb_project", "mine"], "logging.wandb_project", "mine"),
        (["--no-coherence-eval"], "evaluation.evaluate_coherence", False),
        (["--set", "training.lr=0.5"], "training.learning_rate", 0.5),
        (["seed=3", "--compile", "training.lr=0.5"], "training.learning_rate", 0.5),
        (["--lr", "1", "--set", "training.lr=0.5"], "training.learning_rate", 0.5),
        ([], "seed", 7),
    ],
)
def test_every_flag_of_the_documents_sets_its_key(
    run: Run, words: list[str], key: str, value: object
) -> None:
    code, config, _ = run(*words)
    assert code == 0
    for part in key.split("."):
        config = getattr(config, part)
    assert config == value
    assert type(config) is type(value) or isinstance(config, float)


@pytest.mark.parametrize("spelling", ["configs/quickstart.yaml", "quickstart", "quickstart.yaml"])
@pytest.mark.parametrize("form", [["--config"], ["-c"], []])
def test_a_configuration_is_found_in_the_project_under_all_its_spellings(
    run: Run, spelling: str, form: list[str]
) -> None:
    code, config, options = run(*form, spelling)
    if not form and not spelling.endswith(".yaml"):
        assert code == 2
    else:
        assert code == 0
        assert config.seed == 7
        assert options is not None
        assert options.config_path == Path(spelling)


@pytest.mark.parametrize(
    ("words", "line"),
    [
        (["--resum", "x"], "command line: no such option '--resum'; did you mean '--resume'?"),
        (["--batchsize", "3"], "command line: no such option '--batchsize'; did you mean '--batch-size'?"),
        (["--xyzzy"], "command line: no such option '--xyzzy'"),
        (["--lr"], "command line: option '--lr' requires an argument"),
        (["--lr", "fast"], "command line: --lr: expected a number, got 'fast'"),
        (["--epochs", "0"], "command line: --epochs: must be at least 1, got 0"),
        (
            ["--model", "resnet19"],
            "command line: --model: expected one of 'simple_cnn', 'resnet18', 'resnet50' or 'efficientnet_b0', "
            "got 'resnet19'; did you mean 'resnet18'?",
        ),
        (["--set", "training.lrr=3"], "command line: training.lrr: no such key; did you mean 'training.lr'?"),
        (["training.lrr=3"], "command line: training.lrr: no such key; did you mean 'training.lr'?"),
        (["--set", "seed"], "command line: 'seed': write KEY=VALUE, as in training.learning_rate=3e-4"),
        (["trian"], "command line: unexpected word 'trian'; to set a key write KEY=VALUE"),
        (["a.yaml", "b.yaml"], "command line: unexpected word 'b.yaml'"),
        (["--config", "quickstrat"], "quickstrat: no such file; did you mean 'quickstart.yaml'?"),
        (["--compile=3"], "command line: option '--compile' does not take a value"),
        (["--run", "x"], "command line: no such option '--run'; did you mean '--runs-dir'?"),
    ],
)
def test_a_wrong_command_line_is_answered_in_these_words(
    run: Run, capsys: pytest.CaptureFixture[str], words: list[str], line: str
) -> None:
    assert run(*words)[0] == 2
    printed = capsys.readouterr()
    assert printed.err == line + "\n"
    assert printed.out == ""


def test_a_flag_for_something_that_the_project_does_not_have_says_so(
    run: Run, package: str, capsys: pytest.CaptureFixture[str]
) -> None:
    code, _, _ = run("--no-coherence-eval", "--lr", "1", "seed=x", schema=f"{package}.config:Small")
    assert code == 2
    assert capsys.readouterr().err.splitlines() == [
        "command line: seed: expected a whole number, got 'x'",
        "command line: --lr: this project has no 'training.learning_rate'",
        "command line: --no-coherence-eval: this project has no 'evaluation.evaluate_coherence'",
    ]


def test_a_command_without_configuration_knows_no_configuration_flags(
    run: Run, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(schema=None, flags="none")[:2] == (0, None)
    assert run("--lr", "3", schema=None, flags="none")[0] == 2
    assert "no such option '--lr'" in capsys.readouterr().err


def test_the_commands_own_parameters_come_in_extra_and_take_the_place_of_ours(run: Run) -> None:
    extra = [
        click.Option(["--generate"], is_flag=True),
        click.Option(["--max-batches"], type=int),
        click.Option(["--seed"], type=int),
    ]
    code, config, options = run(
        "--generate", "--max-batches", "50", "--seed", "3", flags="evaluation", extra=extra
    )
    assert code == 0
    assert options is not None
    assert dict(options.extra) == {"generate": True, "max_batches": 50, "seed": 3}
    assert config.seed == 7


def test_options_hold_what_is_not_configuration(run: Run, project: Path, tmp_path: Path) -> None:
    _, _, options = run("--runs_dir", "elsewhere", "--debug", "--weights", "w.pth")
    assert options is not None
    assert (options.runs_dir, options.debug, options.checkpoint) == (Path("elsewhere"), True, Path("w.pth"))
    _, _, options = run()
    assert options is not None
    assert (options.runs_dir, options.resume, options.run_folder) == (project / "runs", None, None)
    assert options.config_path == project / "configs" / "quickstart.yaml"


def test_the_printed_configuration_loads_back(
    run: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    _, config, _ = run("--lr", "1e-5", "--mixed-precision", "off")
    code, called_with, _ = run("--lr", "1e-5", "--mixed-precision", "off", "--print-config")
    assert (code, called_with) == (0, None)
    (tmp_path / "printed.yaml").write_text(capsys.readouterr().out)
    assert run("--config", str(tmp_path / "printed.yaml"))[1] == config


def test_resume_and_evaluation_take_the_configuration_of_the_run(
    run: Run, project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    _, config, _ = run("seed=99")
    files = {"config.yaml": dump_config(config), "metrics.json": '{"status": "completed"}'}
    folder = create_run(project / "runs", "fc", files=files)
    (folder.checkpoints / "last.pt").touch()
    for words in (["--run", "fc"], ["--checkpoint", str(folder.checkpoints / "last.pt")], []):
        code, found, options = run(*words, flags="evaluation")
        assert (code, found.seed) == (0, 99)
        assert options is not None
        assert options.run_folder is not None
        assert options.run_folder.path.samefile(folder.path)
    for word in ("fc", str(folder.path), str(folder.checkpoints / "last.pt"), folder.path.name):
        code, found, options = run("--resume", word)
        assert (code, found.seed) == (0, 99)
        assert options is not None
        assert options.resume == word
    assert run("--resume", "fc", "--config", "quickstart")[1].seed == 7
    capsys.readouterr()
    assert run("--run", "fcc", flags="evaluation")[0] == 3
    assert "did you mean 'fc'?" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("error", "code", "text"),
    [
        (DivergedError("stopped after 20 bad steps"), 4, "stopped after 20 bad steps"),
        (CheckpointError("best.pt is damaged"), 3, "best.pt is damaged"),
        (InterruptedRun("saved last.pt", 143), 143, "saved last.pt"),
        (KeyboardInterrupt(), 130, "interrupted"),
        (SystemExit(5), 5, ""),
        (SystemExit(None), 0, ""),
        (SystemExit("no"), 1, "no"),
        (ValueError("first\nsecond"), 1, "internal error: ValueError: first (--debug shows where)"),
        (RecursionError(), 1, "internal error: RecursionError (--debug shows where)"),
    ],
)
def test_what_a_command_raises_becomes_one_line_and_its_exit_code(
    project: Path,
    package: str,
    capsys: pytest.CaptureFixture[str],
    error: BaseException,
    code: int,
    text: str,
) -> None:
    def command(config: Any, options: Options) -> None:
        raise error

    assert run_command(command, schema=None, argv=[], project=project) == code
    assert capsys.readouterr().err.strip() == text


def test_any_exception_with_an_exit_code_counts_as_the_users(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    class DataError(Exception):
        exit_code = 3

    def command(config: Any, options: Options) -> None:
        raise DataError("tinystories is not there")

    assert run_command(command, schema=None, argv=[], project=project) == 3
    assert capsys.readouterr().err == "tinystories is not there\n"


def test_debug_shows_where_an_error_comes_from(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    def command(config: Any, options: Options) -> None:
        raise ValueError("inside")

    assert run_command(command, schema=None, argv=["--debug"], project=project) == 1
    printed = capsys.readouterr().err
    assert "Traceback" in printed
    assert printed.endswith("internal error: ValueError: inside\n")


def test_what_a_command_returns_is_its_exit_code(project: Path) -> None:
    assert run_command(lambda config, options: 4, schema=None, argv=[], project=project) == 4
    assert run_command(lambda config, options: None, schema=None, argv=[], project=project) == 0


@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 143), (signal.SIGINT, 130)])
def test_a_signal_before_training_ends_the_command_with_its_code(
    project: Path, number: int, code: int
) -> None:
    script = project / "wait.py"
    script.write_text(
        "import sys, time\nfrom pathlib import Path\nfrom mlcore.cli import run_command\n"
        "def wait(config, options):\n    print('ready', flush=True)\n"
        "    for _ in range(600):\n        time.sleep(0.1)\n"
        "sys.exit(run_command(wait, schema=None, project=Path(__file__).parent, flags='none'))\n"
    )
    for command in ([sys.executable, script], [sys.executable, "-m", "mlcore.launcher", project, "wait"]):
        child = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        assert child.stdout is not None
        assert child.stdout.readline() == "ready\n"
        child.send_signal(number)
        started = time.monotonic()
        _, printed = child.communicate(timeout=60)
        assert child.returncode == code
        assert len(printed.splitlines()) == 1
        assert time.monotonic() - started < 30


def test_the_signal_handler_is_put_back(project: Path) -> None:
    before = signal.getsignal(signal.SIGTERM)
    run_command(lambda config, options: None, schema=None, argv=[], project=project)
    assert signal.getsignal(signal.SIGTERM) is before
