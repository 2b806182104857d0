"""The benchmark's peers compute what our model computes, and the command measures what it is asked for."""

import importlib.util
import json
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import click
import pytest
import torch
from mlcore.benchmarking import ModelBenchmark, Variant, Workload
from mlcore.cli import Options
from mlcore.errors import ConfigError
from mlcore.launcher import load_script

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from custom_transformer.benchmarking import command, generation, workloads
from custom_transformer.benchmarking.command import plan
from custom_transformer.benchmarking.options import EXTRA
from custom_transformer.benchmarking.plan import TRAINING, choose_entries, with_tuned_peers
from custom_transformer.config import ExperimentConfig

PROJECT = Path(__file__).resolve().parents[1]
MODEL = {
    "vocab_size": 61,
    "d_model": 32,
    "n_blocks": 2,
    "n_heads": 4,
    "d_ffn": 48,
    "max_seq_len": 24,
    "tie_weights": True,
    "head_bias": False,
    "dtype": "float32",
    "init_std": 0.2,
    "kernels": "reference",
}
STEP = {"model": MODEL, "training": {}, "batch_size": 3, "context": 16, "device": "cpu", "seed": 1}
TEXT = {"model": MODEL, "batch_size": 3, "prompt_length": 5, "num_new": 12, "device": "cpu", "seed": 1}
needs_transformers = pytest.mark.skipif(
    importlib.util.find_spec("transformers") is None, reason="transformers is not installed"
)


def losses(workload: Workload, num_steps: int = 4) -> list[float]:
    return [workload.step() for _ in range(num_steps)]


@pytest.mark.parametrize(
    ("target", "options"),
    [
        (workloads.twin, {"is_compiled": False}),
        pytest.param(
            workloads.twin, {"is_compiled": True}, marks=[pytest.mark.slow, pytest.mark.timeout(900)]
        ),
        pytest.param(workloads.gpt2, {"is_compiled": False}, marks=needs_transformers),
    ],
)
def test_a_peer_has_our_parameters_and_our_losses_step_by_step(
    target: Callable[..., Workload], options: dict[str, Any]
) -> None:
    """Equal losses after updates mean equal gradients, clipping and optimizer, too."""
    own, peer = workloads.ours(**STEP), target(**STEP, **options)
    assert peer.facts["parameters"] == own.facts["parameters"]
    assert (peer.items_per_step, peer.flops_per_step) == (own.items_per_step, own.flops_per_step)
    expected = losses(own)
    assert losses(peer) == pytest.approx(expected, abs=2e-4)
    assert expected[0] - expected[-1] > 0.01, "it learns, so equal losses mean something"


@pytest.mark.parametrize(
    ("target", "options"),
    [
        (workloads.twin, {"is_compiled": False}),
        (workloads.twin, {"is_compiled": False, "is_autocast": True}),
        pytest.param(workloads.gpt2, {"is_compiled": False, "is_autocast": True}, marks=needs_transformers),
    ],
)
def test_a_peer_in_bfloat16_keeps_float32_weights_and_stays_near_float32(
    target: Callable[..., Workload], options: dict[str, Any]
) -> None:
    exact = losses(workloads.ours(**STEP))
    rounded = losses(target(**{**STEP, "model": {**MODEL, "dtype": "bfloat16"}}, **options))
    assert rounded == pytest.approx(exact, abs=0.03)
    assert rounded != pytest.approx(exact, abs=1e-6), "products in bfloat16 leave a trace"


def test_a_step_is_worth_the_tokens_and_operations_worked_out_by_hand() -> None:
    workload = workloads.ours(**STEP)
    weights = 2 * (4 * 32**2 + 2 * 32 * 48) + 32 * 61
    assert workload.items_per_step == 3 * 16
    assert workload.flops_per_step == 3 * 16 * (6 * weights + 12 * 2 * 32 * 16)


@pytest.mark.parametrize(
    ("target", "options"),
    [
        (generation.ours, {"use_cache": False}),
        (generation.twin, {}),
        pytest.param(generation.gpt2, {}, marks=needs_transformers),
    ],
)
def test_every_generator_writes_the_same_text(
    target: Callable[..., Workload], options: dict[str, Any]
) -> None:
    cached = generation.ours(**TEXT, use_cache=True)
    assert target(**TEXT, **options).step() == cached.step()
    assert cached.items_per_step == 3 * 12


def request(*words: str) -> dict[str, Any]:
    """The options as the command line gives them."""
    return click.Command("benchmark", params=list(EXTRA)).make_context("benchmark", list(words)).params


def test_the_default_measures_both_vocabularies_with_the_original_dimensions() -> None:
    cases, _ = plan(ExperimentConfig(), request("--dtype", "float32", "--device", "cpu"))
    assert [case.key for case in cases] == ["v4096_float32", "v50257_float32"]
    for case, batch_size in zip(cases, (16, 8), strict=True):
        for variant in case.benchmark.variants:
            model = variant.arguments["model"]
            assert variant.arguments["batch_size"] == batch_size
            assert model["tie_weights"] is True
            assert model["head_bias"] is False
            assert "d_model" not in model, "the wrapper's own dimensions are the model's defaults"
    names = [variant.name for variant in cases[0].benchmark.variants]
    expected = [entry.name for entry in TRAINING if entry.only_dtype is None]
    assert [name for name in expected if not name.startswith("gpt2")] == [n for n in names if "gpt2" not in n]


def test_in_bfloat16_gpt2_runs_under_autocast_and_the_twin_in_both_forms() -> None:
    (case,), _ = plan(
        ExperimentConfig(), request("--dtype", "bfloat16", "--vocab-size", "64", "--device", "cpu")
    )
    autocast = {one.name for one in case.benchmark.variants if one.arguments.get("is_autocast")}
    assert {"twin_autocast_eager", "twin_autocast_compiled"} <= autocast
    assert "twin_eager" in {one.name for one in case.benchmark.variants} - autocast
    assert not autocast & set(case.named("ours"))


def test_the_tuned_allocator_is_given_to_peers_once_more_and_never_to_the_plain_ones() -> None:
    words = ("--dtype", "float32", "--vocab-size", "64", "--tuned-allocator", "--variants", "fast,twin_eager")
    (case,), _ = plan(ExperimentConfig(), request(*words))
    tuned = {one.name: "MALLOC_MMAP_THRESHOLD_" in one.environment for one in case.benchmark.variants}
    assert tuned == {"fast": False, "twin_eager": False, "twin_eager_tuned": True}
    assert case.named("eager") == ["twin_eager"], "the stock allocator is the baseline"
    assert len(with_tuned_peers(with_tuned_peers(TRAINING))) == len(with_tuned_peers(TRAINING))


def test_compiled_variants_compile_for_themselves() -> None:
    (case,), _ = plan(ExperimentConfig(), request("--dtype", "float32", "--vocab-size", "64"))
    for variant in case.benchmark.variants:
        is_fresh = variant.environment.get("TORCHINDUCTOR_FORCE_DISABLE_CACHES") == "1"
        assert is_fresh == (variant.name in case.named("compiled"))


def test_without_transformers_its_variants_are_left_out_with_one_line(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("custom_transformer.benchmarking.plan.find_spec", lambda name: None)
    entries, notes = choose_entries(None, generates=False)
    assert [entry.name for entry in entries if entry.needs_library] == []
    assert len(notes) == 1
    assert "transformers is not installed" in notes[0]
    with pytest.raises(ConfigError, match="nothing is left"):
        choose_entries("gpt2_eager", generates=False)


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (("--variants", "twin_eagr"), "did you mean 'twin_eager'"),
        (("--generate", "--variants", "fast"), "there are: ours"),
        (("--generate", "--new-tokens", "300"), "more than the context"),
        (("--variants", "twin_autocast_eager", "--dtype", "float32"), "none of them exists in float32"),
        (("--device", "cud"), "device"),
    ],
)
def test_a_mistake_is_told_before_anything_is_measured(words: tuple[str, ...], expected: str) -> None:
    with pytest.raises(ConfigError, match=expected):
        plan(ExperimentConfig(), request(*words))


SMALL = [
    *("--vocab-size", "61", "--dtype", "float32", "--rounds", "2", "--threads", "1", "--device", "cpu"),
    *("--set", "model.d_model=32", "--set", "model.d_ffn=48", "--set", "model.n_blocks=1"),
]


def run(*words: str) -> subprocess.CompletedProcess[str]:
    """The command as its own process."""
    arguments = [sys.executable, str(PROJECT / "benchmark.py"), *SMALL, *words]
    environment = {**os.environ, "COLUMNS": "200"}
    result = subprocess.run(arguments, capture_output=True, text=True, env=environment, timeout=800)
    assert result.returncode == 0, result.stdout + result.stderr
    return result


def tool(name: str) -> Any:
    return load_script(PROJECT.parents[1] / "tools" / f"{name}.py")


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_the_command_prints_a_table_and_writes_what_the_tools_can_publish(tmp_path: Path) -> None:
    words = ("--batch-size", "2", "--context", "16", "--steps", "2", "--variants", "reference,twin_eager")
    result = run(*words, "--output", str(tmp_path))
    assert "× twin_eager" in result.stdout
    content = json.loads((tmp_path / "benchmark.json").read_text(encoding="utf-8"))
    figures = content["cases"]["v61_float32"]
    assert figures["reference"]["last_value"] == pytest.approx(figures["twin_eager"]["last_value"], abs=1e-4)
    assert set(figures["reference"]["speed_against"]) == {"twin_eager"}
    assert figures["twin_eager"]["memory_against"] == {"twin_eager": 1.0}
    (full,) = content["results"]
    assert [len(turn["wall_s"]) for turn in full["variants"]["reference"]["turns"]] == [2, 2]
    assert "yardstick_float32_cpu" in full["yardsticks"]
    for name in ("benchmark.md", "v61_float32.png", "benchmark.html", "logs/v61_float32/reference.log"):
        assert (tmp_path / name).is_file(), name
    assert str(tmp_path) not in json.dumps(content), "no folder of this machine is published"
    published = tool("publish_result").result_of_measurement(
        "name", "title", tmp_path / "benchmark.json", "command"
    )
    assert published["n"] == 2
    assert published["figures"]["cases.v61_float32.reference.tokens_per_s"]["mean"] > 0
    table = tool("render_results").table_of(published)
    assert "| twin_eager |" in table
    assert "vocabulary 61, float32, 2 × 16 tokens" in table


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_the_command_measures_generation(tmp_path: Path) -> None:
    words = ("--generate", "--prompts", "2", "--prompt-length", "4", "--new-tokens", "6", "--steps", "1")
    ended = run(*words, "--variants", "ours,twin_no_cache", "--output", str(tmp_path))
    content = json.loads((tmp_path / "benchmark.json").read_text(encoding="utf-8"))
    figures = content["cases"]["v61_float32_p2"]
    assert figures["ours"]["last_value"] == figures["twin_no_cache"]["last_value"]
    assert "× twin_no_cache" in ended.stdout


def test_a_variant_that_failed_is_exit_code_1_and_everything_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The children are real: their target is not there."""
    words = ("--dtype", "float32", "--vocab-size", "61", "--rounds", "1", "--variants", "fast", "--output")
    cases, _ = plan(ExperimentConfig(), request(*words, str(tmp_path)))
    broken = ModelBenchmark([Variant("fast", "no_such_module:ours")], title="a title", unit="tokens")
    monkeypatch.setattr(
        command, "plan", lambda config, extra: ([replace(cases[0], benchmark=broken)], ["a note"])
    )
    options = Options(
        project=PROJECT, config_path=None, runs_dir=tmp_path, extra=request(*words, str(tmp_path))
    )
    assert command.run_benchmark(ExperimentConfig(), options) == 1
    shown = capsys.readouterr().out
    assert "a note" in shown
    assert "ModuleNotFoundError" in shown
    assert "ModuleNotFoundError" in (tmp_path / "benchmark.md").read_text(encoding="utf-8")


def test_batches_are_the_same_for_the_same_seed_and_targets_follow_their_tokens() -> None:
    first, again = workloads.Setup(**STEP), workloads.Setup(**STEP)
    tokens_BT, targets_BT = first.batch()
    assert torch.equal(tokens_BT, again.batch()[0])
    assert torch.equal(tokens_BT[:, 1:], targets_BT[:, :-1])
