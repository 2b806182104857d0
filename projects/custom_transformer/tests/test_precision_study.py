"""Float32 beside bfloat16: the runs' own commands, the test, the report."""

import json
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from custom_transformer import build, precision_study
from custom_transformer.config import ExperimentConfig
from mlcore.config import load_config
from mlcore.launcher import load_script
from mlcore.study import JobResult, StudyResult
from mlcore.study.base_config import write_base
from scipy import stats

PROJECT = Path(__file__).resolve().parents[1]
SEEDS = (1, 2)


@pytest.fixture(scope="module")
def config() -> ExperimentConfig:
    settings = ("training.steps=6", "training.eval_every=6", "training.schedule.warmup_steps=1")
    settings += ("evaluation.max_generation_length=5", "logging.mode=silent")
    given = load_config(ExperimentConfig, PROJECT / "configs" / "smoke.yaml", overrides=list(settings))
    return build.prepare(given).config


def test_both_dtypes_are_trained_as_named_and_reported(
    config: ExperimentConfig,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.delenv("MLDATA_DIR", raising=False)
    train = load_script(PROJECT / "train.py")
    base, results = write_base(config, tmp_path), []
    for seed in SEEDS:
        for dtype in precision_study.DTYPES:
            job = precision_study.job_of(PROJECT, tmp_path, base, dtype, seed)
            before = set((tmp_path / "runs").glob("*"))
            assert train.main(list(job.command[2:])) == 0
            (run,) = set((tmp_path / "runs").glob("*")) - before
            assert f"dtype: {dtype}" in (run / "config.yaml").read_text()
            results.append(JobResult(job.key, "done", 0, 1.0, tmp_path / "log", 1, {"run": str(run)}))
    precision_study.report(config, StudyResult(tuple(results), 1.0), SEEDS, tmp_path)
    content = json.loads((tmp_path / "precision.json").read_text())
    assert content["repeats"] == 2
    assert content["losses"]["float32"] != content["losses"]["bfloat16"]
    for ours, others in zip(content["losses"]["float32"], content["losses"]["bfloat16"], strict=True):
        assert ours == pytest.approx(others, abs=0.02)
    assert "| bfloat16 |" in capsys.readouterr().out


def test_a_run_that_failed_leaves_its_seed_out(
    config: ExperimentConfig, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    failed = [
        JobResult(f"{dtype}_{seed}", "failed", 1, 1.0, tmp_path / "log", 1)
        for dtype in precision_study.DTYPES
        for seed in SEEDS
    ]
    precision_study.report(config, StudyResult(tuple(failed), 1.0), SEEDS, tmp_path)
    assert "nothing to compare" in capsys.readouterr().out
    assert not (tmp_path / "precision.json").exists()


def test_the_margin_is_what_two_deviations_of_float32_are() -> None:
    float32, bfloat16 = [1.00, 1.02, 0.97, 1.01, 0.99], [1.01, 1.01, 0.98, 1.02, 0.99]
    found = precision_study.judge(float32, bfloat16)
    margin = 2 * stats.tstd(float32)
    assert found.margin == pytest.approx((-margin, margin))
    shifted = [[b + shift for b in bfloat16] for shift in (margin, -margin)]
    p_values = [
        stats.ttest_rel(shifted[0], float32, alternative="greater").pvalue,
        stats.ttest_rel(shifted[1], float32, alternative="less").pvalue,
    ]
    assert found.p_value == pytest.approx(max(p_values), rel=1e-9)
    assert found.is_equivalent
    assert not precision_study.judge(float32, [value + margin for value in float32[::-1]]).is_equivalent


def test_one_seed_has_no_spread(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    command = load_script(PROJECT / "precision_study.py")
    assert command.main(["--seeds", "1", "--output", str(tmp_path / "study")]) == 2
    assert "two or more" in capsys.readouterr().err
    assert not (tmp_path / "study").exists()
