"""The commands as a user runs them: one small training run, and everything that can be done with it afterwards."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pytest

PROJECT = Path(__file__).resolve().parents[1]


def run(
    command: str, *words: str, check: bool = True, text: str | None = None
) -> subprocess.CompletedProcess[str]:
    """Run a command of the project as its own process."""
    environment = {**os.environ, "ANTHROPIC_API_KEY": "", "COLUMNS": "160"}
    arguments = [sys.executable, str(PROJECT / f"{command}.py"), *words]
    result = subprocess.run(
        arguments, capture_output=True, text=True, env=environment, input=text, timeout=240
    )
    if check:
        assert result.returncode == 0, result.stdout + result.stderr
    return result


@pytest.fixture(scope="module")
def runs_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("runs")


@pytest.fixture(scope="module")
def trained(runs_dir: Path) -> Path:
    """A finished run of the smoke configuration."""
    result = run("train", "--config", "configs/smoke.yaml", "--runs-dir", str(runs_dir), "--no-tensorboard")
    (folder,) = [path for path in runs_dir.iterdir() if path.is_dir()]
    assert str(folder) in result.stdout, "train names the run folder"
    assert "report.html" in result.stdout, "train names the report"
    return folder


def evaluation_of(folder: Path) -> dict:
    return json.loads((folder / "evaluation.json").read_text(encoding="utf-8"))


def test_training_beats_the_unigram_entropy_of_its_data(trained: Path) -> None:
    content = evaluation_of(trained)
    assert content["metrics"]["loss"] < content["unigram_entropy"]


def test_evaluating_again_gives_the_same_figures_and_keeps_the_samples(trained: Path, runs_dir: Path) -> None:
    before = evaluation_of(trained)
    result = run("evaluate", "--run", "smoke", "--runs-dir", str(runs_dir))
    after = evaluation_of(trained)
    assert after["metrics"] == before["metrics"]
    assert after["samples"] == before["samples"]
    assert str(trained) in result.stdout + result.stderr, "it says which run it took"


def test_evaluate_takes_a_checkpoint_and_a_config_as_in_the_original_document(
    trained: Path, tmp_path: Path
) -> None:
    words = ["--checkpoint", str(trained / "checkpoints" / "best.pt"), "--config", "configs/smoke.yaml"]
    result = run("evaluate", *words, "--generate", "--max-batches", "2", "--runs-dir", str(tmp_path))
    assert "nats per token" in result.stdout
    assert "sample" in result.stdout


def test_coherence_without_a_key_is_skipped_with_its_reason_and_exit_code_0(trained: Path) -> None:
    words = ["--run", str(trained), "--generate", "--max-batches", "1"]
    run("evaluate", *words, "--set", "evaluation.evaluate_coherence=true")
    content = evaluation_of(trained)
    assert content["coherence"]["status"] == "skipped: no key"
    assert content["heuristic"]["num_samples"] == len(content["samples"]) > 0


def test_sample_writes_what_it_is_asked_for_and_the_same_again(trained: Path) -> None:
    words = ["--run", str(trained), "--prompt", "Once", "--max-new-tokens", "20"]
    first, second = run("sample", *words), run("sample", *words)
    assert first.stdout == second.stdout
    assert first.stdout.startswith("Once")
    assert len(first.stdout.strip()) <= len("Once") + 20
    assert run("sample", *words, "--temperature", "3").stdout != first.stdout


def test_sample_reads_prompts_from_a_pipe(trained: Path) -> None:
    result = run("sample", "--run", str(trained), "--max-new-tokens", "5", text="One\nTwo\n")
    assert "One" in result.stdout
    assert "Two" in result.stdout


def test_a_checkpoint_of_a_run_opens_with_torch_load_and_with_the_wrapper(trained: Path) -> None:
    import torch
    from mlmodels.custom_transformer import CustomTransformerWrapper

    path = trained / "checkpoints" / "best.pt"
    assert "model" in torch.load(path, weights_only=True)
    wrapper = CustomTransformerWrapper.from_checkpoint(path)
    assert wrapper.generate(torch.zeros(1, 1, dtype=torch.int64), max_length=5).shape == (1, 5)


def test_another_tokenizer_than_the_checkpoints_is_refused_in_words(trained: Path) -> None:
    words = ["--checkpoint", str(trained / "checkpoints" / "best.pt"), "--config", "configs/smoke.yaml"]
    result = run("evaluate", *words, "--set", "data.tokenizer=storybook_primer_bpe_2048", check=False)
    assert result.returncode == 3
    assert "tokenizer" in result.stderr


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["--set", "model.n_heads=3"], "n_heads"),
        (["--set", "data.max_length=100000"], "max_seq_len"),
        (["--set", "model.vocab_size=17"], "vocab_size"),
        (["--set", "data.tokenizer=storybok_bpe"], "tokenizer"),
        (["--set", "data.dataset=tinystorys"], "tinystories"),
    ],
)
def test_a_mistake_costs_one_clear_line_and_makes_no_folder(
    words: list[str],
    expected: str,
    tmp_path: Path,
    load_script: Callable[[Path], ModuleType],
    capsys: pytest.CaptureFixture[str],
) -> None:
    places = ["--runs-dir", str(tmp_path / "runs"), "--config", "configs/smoke.yaml"]
    code = load_script(PROJECT / "train.py").main([*places, *words])
    message = capsys.readouterr().err
    assert code in (2, 3), message
    assert expected in message
    assert "Traceback" not in message
    assert len(message.strip().splitlines()) <= 3
    assert not (tmp_path / "runs").exists()


def test_config_summary_counts_the_parameters_of_the_original_dimensions() -> None:
    assert "4,275,712" in run("config_summary", "configs/tinystories_custom_tokenizer.yaml").stdout
    assert "27,956,305" in run("config_summary", "configs/tinystories.yaml").stdout


def test_gradient_report_writes_table_json_and_page(tmp_path: Path) -> None:
    result = run("gradient_report", "--cases", "3", "--dtype", "float64", "--output", str(tmp_path))
    report = json.loads((tmp_path / "gradient_report.json").read_text())
    assert report["passed"]
    assert max(row["worst_error"] for row in report["rows"]) < 1e-9
    page = (tmp_path / "gradient_report.html").read_text()
    assert all(row["name"] in page for row in report["rows"])
    assert "rows pass" in result.stdout
