"""The benchmark's peers compute what our models compute, and the command measures what it is asked for."""

import json
import sys
from pathlib import Path
from typing import Any

import click
import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from mlcore.benchmarking import Workload
from mlcore.errors import ConfigError
from mlcore.launcher import load_script
from rnn_suite.benchmarking import workloads
from rnn_suite.benchmarking.options import EXTRA
from rnn_suite.benchmarking.plan import VARIANTS, plan
from rnn_suite.config import ExperimentConfig

PROJECT = Path(__file__).resolve().parents[1]
MODEL = {"vocab_size": 13, "embedding_size": 6, "hidden_size": 8, "num_layers": 2}
STEP = {
    "training": {"learning_rate": 0.01},
    "batch_size": 3,
    "sequence_length": 7,
    "dtype": "float32",
    "device": "cpu",
    "seed": 1,
}
LANGUAGE_MODEL = {"type": "recurrent_language_model"}
ENCODER = {"type": "recurrent_classifier", "bidirectional": True}


def workload(name: str, kind: dict[str, Any], cell: str = "lstm", **changes: Any) -> Workload:
    target = workloads.theirs if name == "torch" else workloads.ours
    return target(model={**MODEL, **kind, "cell": cell, **VARIANTS[name]}, **{**STEP, **changes})


def losses(measured: Workload) -> list[float]:
    return [measured.step() for _ in range(4)]


@pytest.mark.parametrize(
    ("kind", "cell"),
    [(LANGUAGE_MODEL, "lstm"), (LANGUAGE_MODEL, "gru"), (LANGUAGE_MODEL, "rnn"), (ENCODER, "lstm")],
    ids=("lstm", "gru", "rnn", "encoder"),
)
def test_all_variants_without_layer_norm_have_the_same_losses_step_by_step(
    kind: dict[str, Any], cell: str
) -> None:
    """Equal losses after updates mean equal gradients, clipping and optimizer, too."""
    peer = workload("torch", kind, cell)
    expected = losses(peer)
    assert expected[0] - expected[-1] > 0.01, "it learns, so equal losses mean something"
    for name in ("fast", "reference"):
        own = workload(name, kind, cell)
        assert own.facts["parameters"] == peer.facts["parameters"]
        assert (own.items_per_step, own.flops_per_step) == (peer.items_per_step, peer.flops_per_step)
        assert losses(own) == pytest.approx(expected, abs=2e-5)


def test_layer_norm_is_another_model_with_more_parameters() -> None:
    normal, plain = workload("layer_norm", LANGUAGE_MODEL), workload("fast", LANGUAGE_MODEL)
    assert normal.facts["parameters"] - plain.facts["parameters"] == 2 * 2 * 2 * 4 * 8, (
        "2 layers, 2 norms each"
    )
    assert losses(normal) != pytest.approx(losses(plain), abs=1e-3)


def test_bfloat16_keeps_float32_weights_and_leaves_a_trace_in_the_loss() -> None:
    exact = losses(workload("reference", LANGUAGE_MODEL))
    rounded = losses(workload("reference", LANGUAGE_MODEL, dtype="bfloat16"))
    assert rounded == pytest.approx(exact, abs=0.03)
    assert rounded != pytest.approx(exact, abs=1e-6)


def test_a_step_is_worth_the_tokens_samples_and_operations_worked_out_by_hand() -> None:
    measured = workload("fast", LANGUAGE_MODEL)
    weights = 4 * 8 * (6 + 8) + 4 * 8 * (8 + 8) + 8 * 13
    assert measured.items_per_step == 3 * 7
    assert measured.flops_per_step == 3 * 7 * 6 * weights
    assert measured.facts["items_per_sample"] == 7


def request(*words: str) -> dict[str, Any]:
    """The options as the command line gives them."""
    return click.Command("benchmark", params=list(EXTRA)).make_context("benchmark", list(words)).params


def test_the_default_measures_every_cell_and_the_encoder_at_the_original_dimensions() -> None:
    cases = plan(ExperimentConfig(), request("--dtype", "float32", "--device", "cpu"))
    assert [case.key for case in cases] == ["lstm_float32", "gru_float32", "rnn_float32", "encoder_float32"]
    for case in cases:
        for variant in case.benchmark.variants:
            model = workloads.model_config(variant.arguments["model"])
            assert (model.embedding_size, model.hidden_size, model.num_layers) == (192, 384, 2)
            assert (model.dropout, model.embedding_dropout, model.output_dropout) == (0, 0, 0)
            assert model.bidirectional == (case.key == "encoder_float32")
            assert model.layer_norm == (variant.name == "layer_norm")


def test_an_unknown_variant_is_told_before_anything_is_measured() -> None:
    with pytest.raises(ConfigError, match="did you mean 'reference'"):
        plan(ExperimentConfig(), request("--variants", "referense", "--device", "cpu"))


@pytest.mark.slow
def test_the_command_measures_in_turns_and_writes_table_plot_json_and_page(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "200")
    module = load_script(PROJECT / "benchmark.py")
    words = ["--batch-size", "2", "--sequence-length", "4", "--rounds", "1", "--steps", "1", "--threads", "1"]
    words += ["--model", "lstm", "--dtype", "float32", "--device", "cpu", "--variants", "fast,torch"]
    words += ["--set", "model.hidden_size=8", "--set", "model.embedding_size=8", "--output", str(tmp_path)]
    assert module.main(words) == 0
    assert "× torch" in capsys.readouterr().out
    content = json.loads((tmp_path / "benchmark.json").read_text(encoding="utf-8"))
    found = content["cases"]["lstm_float32"]
    assert found["fast"]["last_value"] == pytest.approx(found["torch"]["last_value"], abs=1e-4)
    assert found["fast"]["samples_per_s"] == pytest.approx(found["fast"]["tokens_per_s"] / 4)
    assert set(found["fast"]["speed_against"]) == {"torch"}
    for name in ("benchmark.md", "lstm_float32.png", "benchmark.html", "logs/lstm_float32/fast.log"):
        assert (tmp_path / name).is_file(), name
