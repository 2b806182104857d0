"""The commands as a user runs them: one small training run, and everything that can be done with it afterwards."""

import io
import json
import math
import sys
from pathlib import Path

import pytest
from mlcore.launcher import load_script

PROJECT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(PROJECT))


def run(name: str, *words: object) -> int:
    """The exit code of a command in this process."""
    return load_script(PROJECT / f"{name}.py").main([str(word) for word in words])


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished run of the smoke configuration."""
    runs_dir = tmp_path_factory.mktemp("runs")
    assert run("train", "--config", "configs/smoke.yaml", "--runs-dir", runs_dir, "--no-tensorboard") == 0
    (folder,) = [path for path in runs_dir.iterdir() if path.is_dir()]
    return folder


def evaluation_of(folder: Path) -> dict:
    return json.loads((folder / "evaluation.json").read_text(encoding="utf-8"))


def test_training_beats_the_unigram_entropy_of_its_data(trained: Path) -> None:
    content = evaluation_of(trained)
    assert content["metrics"]["loss"] < content["unigram_entropy"]


def test_an_evaluation_holds_the_n_gram_baselines_on_the_same_tokens(trained: Path) -> None:
    content = evaluation_of(trained)
    losses = [content["baselines"][name]["loss"] for name in ("unigram", "bigram", "5-gram")]
    assert losses == sorted(losses, reverse=True)
    tokens = {baseline["num_tokens"] for baseline in content["baselines"].values()}
    assert tokens == {content["metrics"]["num_tokens"] + 1}, "an n-gram model also scores the first token"


def test_one_figure_says_the_same_in_nats_and_in_bits(trained: Path) -> None:
    metrics = evaluation_of(trained)["metrics"]
    nats = metrics["loss"] * metrics["num_tokens"]
    assert metrics["bits_per_byte"] == pytest.approx(nats / math.log(2) / metrics["num_bytes"])
    # The story book is ASCII, and only the twenty ends of documents are no characters.
    assert metrics["bits_per_character"] == pytest.approx(metrics["bits_per_byte"])
    assert metrics["num_tokens"] - metrics["num_bytes"] == 20


def test_evaluating_again_gives_the_same_figures_and_keeps_the_samples(
    trained: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = evaluation_of(trained)
    assert run("evaluate", "--run", "smoke", "--runs-dir", trained.parent) == 0
    assert evaluation_of(trained)["metrics"] == before["metrics"]
    assert evaluation_of(trained)["samples"] == before["samples"]
    printed = capsys.readouterr()
    assert str(trained) in printed.out + printed.err, "it says which run it took"


def test_evaluate_takes_a_checkpoint_and_a_config(
    trained: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["--checkpoint", trained / "checkpoints" / "best.pt", "--config", "configs/smoke.yaml"]
    assert run("evaluate", *words, "--generate", "--max-batches", "2", "--runs-dir", tmp_path) == 0
    printed = capsys.readouterr().out
    assert "5-gram" in printed
    assert "sample" in printed


def test_sample_writes_what_it_is_asked_for_and_the_same_again(
    trained: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    texts = []
    for further in ([], [], ["--temperature", "3"]):
        assert run("sample", "--run", trained, "--prompt", "Once", "--max-new-tokens", "20", *further) == 0
        texts.append(capsys.readouterr().out)
    assert texts[0] == texts[1] != texts[2]
    assert texts[0].startswith("Once")
    assert len(texts[0].strip()) <= len("Once") + 20


def test_sample_reads_prompts_from_a_pipe(
    trained: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO("One\nTwo\n"))
    assert run("sample", "--run", trained, "--max-new-tokens", "5") == 0
    printed = capsys.readouterr().out
    assert "One" in printed
    assert "Two" in printed


def test_another_tokenizer_than_the_checkpoints_is_refused_in_words(
    trained: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["--checkpoint", trained / "checkpoints" / "best.pt", "--config", "configs/smoke.yaml"]
    assert run("evaluate", *words, "--set", "data.tokenizer=storybook_primer_bpe_2048") == 3
    assert "tokenizer" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("setting", "expected", "code"),
    [
        ("model.bidirectional=true", "the very token that is to be predicted", 2),
        ("model.cell=lsmt", "model.cell", 2),
        ("model.vocab_size=17", "vocab_size", 2),
        ("data.tokenizer=tinyshakespeare_bpe_5", "tinyshakespeare_bpe_500", 3),
        ("data.dataset=storybok", "storybook", 2),
        ("training.batch_size=1000000", "batch_size", 2),
    ],
)
def test_a_mistake_costs_one_clear_line_and_makes_no_folder(
    setting: str, expected: str, code: int, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    runs_dir = tmp_path / "runs"
    found = run("train", "--runs-dir", runs_dir, "--config", "configs/smoke.yaml", "--set", setting)
    message = capsys.readouterr().err
    assert found == code, message
    assert expected in message
    assert len(message.strip().splitlines()) == 1
    assert not runs_dir.exists()


@pytest.mark.parametrize(
    ("config", "parameters"),
    [
        ("character_basic", "2,121,475"),
        ("character_best", "2,121,475"),
        ("character_maximal", "17,243,011"),
        ("token_basic", "6,490,100"),
        ("token_maximal", "6,490,100"),
    ],
)
def test_config_summary_counts_the_parameters_of_the_original_dimensions(
    config: str, parameters: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("config_summary", f"configs/{config}.yaml") == 0
    assert parameters in capsys.readouterr().out


def test_find_learning_rate_writes_its_curve(tmp_path: Path) -> None:
    words = ["--config", "configs/smoke.yaml", "--updates", "40", "--lowest", "1e-4", "--output", tmp_path]
    assert run("find_learning_rate", *words) == 0
    numbers = json.loads((tmp_path / "learning_rate.json").read_text(encoding="utf-8"))
    assert 1e-4 < numbers["steepest"] < 10
    assert (tmp_path / "learning_rate.png").stat().st_size > 0
