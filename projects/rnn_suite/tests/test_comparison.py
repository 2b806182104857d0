"""Architectures at equal parameters and equal tokens: the sizes, the runs' own commands, the report."""

import json
import sys
from dataclasses import replace
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from mlcore.config import load_config
from mlcore.errors import ConfigError
from mlcore.launcher import load_script
from mlcore.study import JobResult, StudyResult
from mlcore.study.base_config import write_base
from rnn_suite import build, comparison
from rnn_suite.config import ExperimentConfig
from scipy import stats

PROJECT = Path(__file__).resolve().parents[1]
SEEDS = (1, 2)


@pytest.fixture(scope="module")
def config() -> ExperimentConfig:
    """A small base: the smoke configuration without the normalisation, a few steps."""
    settings = (
        "training.steps=4",
        "training.log_every=1",
        "training.schedule.warmup_steps=1",
        "training.eval_every=4",
        "model.layer_norm=false",
        "data.subset_size=60",
    )
    settings += ("data.val_subset_size=5", "model.hidden_size=64", "training.sample_every=null")
    settings += ("evaluation.max_generation_length=5", "logging.mode=silent")
    config = load_config(ExperimentConfig, PROJECT / "configs" / "smoke.yaml", overrides=list(settings))
    return build.prepare(config).config


@pytest.fixture(scope="module")
def study(config: ExperimentConfig, tmp_path_factory: pytest.TempPathFactory) -> tuple[StudyResult, Path]:
    """Every job's own command, run in this process; the last one stands for a run that failed."""
    train = load_script(PROJECT / "train.py")
    folder = tmp_path_factory.mktemp("study")
    base = write_base(config, folder)
    results = []
    for one in comparison.make_contenders(config, "lstm,gru,rnn_layer_norm"):
        for seed in SEEDS:
            job = comparison.job_of(PROJECT, folder, base, one, seed)
            if job.key == "rnn_layer_norm_2":
                results.append(JobResult(job.key, "failed", 1, 1.0, folder / "log", 1))
                continue
            before = set((folder / "runs").glob("*"))
            assert train.main(list(job.command[2:])) == 0
            (run,) = set((folder / "runs").glob("*")) - before
            results.append(JobResult(job.key, "done", 0, 1.0, folder / "log", 1, {"run": str(run)}))
    return StudyResult(tuple(results), 1.0), folder


def test_the_report_compares_runs_of_equal_parameters_and_tokens(
    study: tuple[StudyResult, Path], config: ExperimentConfig, capsys: pytest.CaptureFixture[str]
) -> None:
    result, folder = study
    contenders = comparison.make_contenders(config, "lstm,gru,rnn_layer_norm")
    comparison.report(result, contenders, SEEDS, folder)
    content = json.loads((folder / "compare.json").read_text(encoding="utf-8"))
    variants = content["variants"]
    assert {one["tokens"] for one in variants.values()} == {4 * 8 * 32}
    counts = [one["parameters"] for one in variants.values()]
    assert len(set(counts)) > 1
    assert max(counts) - min(counts) <= 2 * 0.005 * max(counts)
    assert [variants[name]["loss"]["n"] for name in ("lstm", "gru", "rnn_layer_norm")] == [2, 2, 1]
    losses = {}
    for name in ("lstm", "gru"):
        runs = [
            json.loads((result[f"{name}_{seed}"].run_path / "evaluation.json").read_text()) for seed in SEEDS
        ]
        losses[name] = [run["metrics"]["loss"] for run in runs]
        assert variants[name]["loss"]["mean"] == pytest.approx(sum(losses[name]) / 2)
    rows = {row["model"]: row for row in content["comparisons"]["rows"]}
    assert rows["gru"]["is_paired"]
    expected = stats.ttest_rel(losses["gru"], losses["lstm"]).pvalue
    assert rows["gru"]["test"]["p_value"] == pytest.approx(expected)
    assert {"key": "rnn_layer_norm_2", "status": "failed"} in content["runs"]
    assert (folder / "compare.png").stat().st_size > 5_000
    printed = capsys.readouterr().out
    assert "equal parameters" in printed
    assert str(folder) in printed


def test_a_study_without_the_reference_says_so(
    study: tuple[StudyResult, Path],
    config: ExperimentConfig,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    results = [replace(one, status="failed") if one.key.startswith("lstm") else one for one in study[0]]
    contenders = comparison.make_contenders(config, "lstm,gru")
    comparison.report(StudyResult(tuple(results), 1.0), contenders, SEEDS, tmp_path)
    assert "no finished run of lstm" in capsys.readouterr().out
    assert not (tmp_path / "compare.json").exists()


def test_another_base_is_another_job_and_the_same_base_the_same(
    config: ExperimentConfig, tmp_path: Path
) -> None:
    (one,) = comparison.make_contenders(config, "lstm")
    longer = config.model_copy(update={"training": config.training.model_copy(update={"steps": 5})})
    bases = [comparison.write_base(each, tmp_path) for each in (config, longer, config)]
    first, second, again = (comparison.job_of(PROJECT, tmp_path, base, one, 1).fingerprint for base in bases)
    assert first == again != second


@pytest.mark.parametrize(
    ("change", "expected"),
    [({"max_minutes": 1.0}, "training.max_minutes"), ({"early_stopping": True}, "training.early_stopping")],
)
def test_lengths_that_hang_on_losses_or_the_clock_are_refused(
    config: ExperimentConfig, change: dict, expected: str
) -> None:
    training = {**config.training.model_dump(exclude_unset=True), **change}
    with pytest.raises(ConfigError, match=expected):
        comparison.check_equal_tokens(ExperimentConfig.model_validate({"training": training}))


def test_variants_that_cannot_be_compared_are_refused(config: ExperimentConfig) -> None:
    with pytest.raises(ConfigError, match="lstm is the reference"):
        comparison.make_contenders(config, "gru,rnn")
    with pytest.raises(ConfigError, match="did you mean 'gru_layer_norm'"):
        comparison.make_contenders(config, "lstm,gru_layernorm")
    with pytest.raises(ConfigError, match="--parameters"):
        comparison.make_contenders(config, "lstm", num_parameters=200)
