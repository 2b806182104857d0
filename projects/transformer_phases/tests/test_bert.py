"""BERT through the commands of the eras: it learns what can be known of a gap and no more, and writes nothing."""

import json
import math
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from mlcore.config import load_config
from mlcore.errors import ConfigError
from mlcore.launcher import load_script
from mldata import masked_windows
from mldata.markov import MarkovSource
from mlmodels.transformer_encoders.masked_language_model import Bert
from torch.nn import functional
from transformer_phases import build, gap_canary
from transformer_phases.canary import NUM_STATES
from transformer_phases.config import ExperimentConfig
from transformer_phases.study import check_for_leaks
from transformer_phases.trainer import LeakSuspectedError

PROJECT = Path(__file__).resolve().parents[1]
SMALL = ("data.subset_size=200", "data.val_subset_size=20", "data.sequence_length=32", "model.d_model=32")
SMALL += (
    "model.n_layers=1",
    "model.n_heads=4",
    "model.d_ffn=64",
    "model.max_seq_len=32",
    "training.steps=250",
)
SMALL += ("training.schedule.warmup_steps=20", "training.eval_every=125", "training.save_every=null")
SMALL += ("training.learning_rate=0.01",)


def run(name: str, *words: object) -> int:
    """The exit code of a command in this process."""
    return load_script(PROJECT / f"{name}.py").main([str(word) for word in words])


def settings(*more: str) -> list[str]:
    return [word for setting in (*SMALL, *more) for word in ("--set", setting)]


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished run of a small BERT."""
    words = ["--config", "configs/bert_nano.yaml", "--no-tensorboard", *settings()]
    runs_dir = tmp_path_factory.mktemp("runs")
    assert run("train", *words, "--runs-dir", runs_dir) == 0
    (folder,) = [path for path in runs_dir.iterdir() if path.is_dir()]
    return folder


@pytest.fixture(scope="module")
def source() -> MarkovSource:
    return MarkovSource.draw(NUM_STATES, seed=0)


@pytest.fixture(scope="module")
def learnt(source: MarkovSource) -> Bert:
    """A model that has learnt the source honestly."""
    return gap_canary.train(source)


def test_it_reaches_what_can_be_known_of_a_gap_and_no_more(learnt: Bert, source: MarkovSource) -> None:
    result = gap_canary.measure(learnt, gap_canary.gaps(source), source)
    assert abs(result.accuracy - result.bayes_accuracy) <= 4 * result.accuracy_error
    assert result.has_power, "it is surer than anyone who sees one side only"
    assert not result.is_leak


def test_gaps_that_show_their_token_are_caught(learnt: Bert, source: MarkovSource) -> None:
    def leaking() -> list[tuple[torch.Tensor, torch.Tensor]]:
        batches = [(inputs[:, 0], targets) for inputs, targets in gap_canary.gaps(source)]
        return [(inputs.where(targets < 0, targets)[:, None], targets) for inputs, targets in batches]

    result = gap_canary.measure(learnt, leaking(), source)
    assert result.is_leak
    assert result.accuracy > 0.7


def test_a_training_whose_targets_are_never_hidden_is_stopped(
    source: MarkovSource, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(masked_windows, "HIDDEN_SHARE", 0.0)
    monkeypatch.setattr(masked_windows, "REPLACED_SHARE", 0.0)
    with pytest.raises(LeakSuspectedError, match="leak suspected: validation accuracy"):
        gap_canary.train(source, num_steps=100)


def test_a_canary_that_has_learnt_nothing_does_not_count_as_a_pass() -> None:
    with pytest.raises(LeakSuspectedError, match="proves nothing"):
        gap_canary.check_gaps(num_steps=2)


def test_training_reports_gaps_and_single_gaps_beside_frequencies(trained: Path) -> None:
    content = json.loads((trained / "evaluation.json").read_text(encoding="utf-8"))
    metrics, one_gap, unigram = content["metrics"], content["one_gap"], content["baselines"]["unigram"]
    assert metrics["loss"] < unigram["loss"]
    low, high = metrics["token_accuracy_interval"]
    assert low <= metrics["token_accuracy"] <= high
    assert one_gap["perplexity"] == pytest.approx(math.exp(one_gap["loss"]))
    assert one_gap["perplexity_interval"][0] < one_gap["perplexity"] < one_gap["perplexity_interval"][1]
    assert unigram["num_tokens"] == metrics["num_tokens"], "on the same tokens"
    assert metrics["num_tokens"] == 5 * metrics["num_sequences"], "15 % of 32"
    assert one_gap["num_sequences"] == metrics["num_sequences"]
    assert content["samples"] == []
    assert "one gap at a time" in (trained / "report.html").read_text(encoding="utf-8")


def test_the_reported_figures_are_those_of_a_loop_over_single_windows(trained: Path) -> None:
    content = json.loads((trained / "evaluation.json").read_text(encoding="utf-8"))
    prepared = build.prepare(load_config(ExperimentConfig, trained / "config.yaml"))
    state = torch.load(trained / "checkpoints" / "best.pt", weights_only=True)
    model = build.model_from(state, torch.device("cpu"))
    tokens = np.asarray(prepared.text.val_tokens.tokens).astype(np.int64)
    reading = build.validation_reading(prepared, model)
    gaps = [
        (row, goal) for inputs, targets in reading.alone for row, goal in zip(inputs, targets, strict=True)
    ]
    nats = []
    for number, (copies, goals) in enumerate(gaps):
        window = torch.from_numpy(tokens[number * 32 : (number + 1) * 32])
        for copy, goal in zip(copies, goals.view(4, 32), strict=True):
            (place,) = (copy != window).nonzero().flatten().tolist()
            assert copy[place] == model.config.mask_id
            assert goal[place] == window[place]
            nats.append(
                float(-functional.log_softmax(model.logits(copy[None])[0, place], dim=0)[window[place]])
            )
    assert content["one_gap"]["loss"] == pytest.approx(np.mean(nats), rel=1e-4)
    shares = np.bincount(np.asarray(prepared.text.train_tokens.tokens), minlength=512) + 1
    masked = torch.cat([targets[targets >= 0] for _, targets in reading.masked]).numpy()
    expected = -np.log(shares[masked] / shares.sum()).mean()
    assert content["baselines"]["unigram"]["loss"] == pytest.approx(expected)


def test_evaluating_again_gives_the_same_and_writing_is_refused_in_one_line(
    trained: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = json.loads((trained / "evaluation.json").read_text(encoding="utf-8"))
    assert run("evaluate", "--run", trained) == 0
    assert json.loads((trained / "evaluation.json").read_text(encoding="utf-8")) == before
    capsys.readouterr()
    for words in (
        ("evaluate", "--run", trained, "--generate"),
        ("sample", "--run", trained, "--prompt", "Once"),
    ):
        assert run(*words) == 2
        which_run, message = capsys.readouterr().err.strip().splitlines()
        assert which_run.startswith("run: ")
        assert "Bert cannot write: it fills gaps from both sides" in message


@pytest.mark.parametrize(
    ("setting", "expected"),
    [
        ("training.sample_every=5", "fills gaps and cannot write"),
        ("model.phase=phase_3", "model.phase"),
        ("data.sequence_length=64", "max_seq_len only 32"),
        ("model.n_heads=5", "nearest that does"),
    ],
)
def test_a_mistake_costs_one_clear_line_and_makes_no_folder(
    setting: str, expected: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["--config", "configs/bert_nano.yaml", *settings(setting)]
    assert run("train", *words, "--runs-dir", tmp_path / "runs") == 2
    message = capsys.readouterr().err
    assert expected in message
    assert len(message.strip().splitlines()) == 1
    assert not (tmp_path / "runs").exists()


def test_a_study_of_eras_refuses_it() -> None:
    config = load_config(ExperimentConfig, PROJECT / "configs" / "bert_nano.yaml")
    with pytest.raises(ConfigError, match="model type bert is no era"):
        check_for_leaks([config])


def test_config_summary_counts_its_parameters(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("config_summary", "configs/bert_nano.yaml") == 0
    printed = capsys.readouterr().out
    prepared = load_config(ExperimentConfig, PROJECT / "configs" / "bert_nano.yaml")
    model = Bert(prepared.model)
    assert f"{model.num_parameters():,}" in printed
    assert "KV cache" not in printed
