"""A study of two eras and two seeds in small: its pairs are pairs, and its page says what scipy says."""

import contextlib
import io
import json
import sys
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest
import torch
from scipy import stats

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from mlcore.cli import Options
from mlcore.errors import ConfigError
from mlcore.launcher import load_script
from mlcore.logger.plain_values import write_json_atomic
from transformer_phases import build
from transformer_phases.canary import CanaryResult
from transformer_phases.scaled_benchmark import Tee, keep_results
from transformer_phases.study import (
    check_comparable,
    describe,
    load_entries,
    parse_seeds,
    report,
    training_job,
)
from transformer_phases.study_page import title_of
from transformer_phases.study_results import PhaseRuns, Run, StudyResults, read_results
from transformer_phases.study_tables import (
    contrasts,
    is_ladder,
    ladder_rows,
    markdown_tables,
    phase_rows,
    planned_contrasts,
)

PROJECT = Path(__file__).resolve().parents[1]
SEEDS = (42, 123, 456)
SMALL = (
    "model.d_model=16",
    "model.n_layers=1",
    "model.n_heads=2",
    "model.d_ffn=16",
    "model.max_seq_len=16",
    "data.sequence_length=16",
    "data.subset_size=60",
    "data.val_subset_size=3",
    "evaluation.max_generation_length=8",
)
CANARY = CanaryResult("phase_1", 0.05, 0.01, 0.28, 0.01, 0.31, 0.9)


def entries() -> list:
    return load_entries(PROJECT, "nano_1,nano_2", SMALL, share=0.025)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished study, its jobs run in this process with the words that they would have as processes."""
    train = load_script(PROJECT / "train.py")
    folder = tmp_path_factory.mktemp("study")
    options = Options(project=PROJECT, config_path=None, runs_dir=folder)
    for seed in SEEDS:
        for entry in entries():
            assert train.main(list(training_job(options, folder, entry, seed).command[2:])) == 0
    configs = [entry.config for entry in entries()]
    text = build.prepare(configs[0]).text
    write_json_atomic(folder / "study.json", describe(options, configs, SEEDS, [CANARY], text))
    return folder


def test_a_seed_gives_every_era_the_same_windows_in_the_same_order() -> None:
    first, second = (build.prepare(entry.config) for entry in entries())
    batches = [list(build.make_loaders(prepared)[0])[:4] for prepared in (first, second)]
    for one, two in zip(*batches, strict=True):
        assert torch.equal(one[0], two[0])
    other = build.prepare(first.config.model_copy(update={"seed": 123}))
    assert not torch.equal(next(iter(build.make_loaders(other)[0]))[0], batches[0][0][0])


def test_a_share_of_a_study_keeps_the_tokens_equal() -> None:
    one, two = (entry.config.training for entry in entries())
    assert (one.steps, two.steps) == (24, 12)
    assert (one.eval_every, two.eval_every) == (3, 2)


def test_the_page_holds_every_run_and_what_scipy_says_of_them(folder: Path) -> None:
    report(folder)
    results = read_results(folder)
    losses = {phase.name: phase.values("metrics.loss") for phase in results.phases}
    assert [list(found) for found in losses.values()] == [list(SEEDS)] * 2
    for phase in results.phases:
        for run in phase.runs.values():
            assert run.losses[-1] == pytest.approx(run.loss, abs=1e-4), "the best weights are the last here"
            assert run.tokens[-1] == 24 * 8 * 16
    (contrast,) = contrasts(results)
    oracle = stats.ttest_rel(list(losses["nano_2"].values()), list(losses["nano_1"].values()))
    assert contrast.comparison.test.p_value == pytest.approx(float(oracle.pvalue))
    page = (folder / "report.html").read_text(encoding="utf-8")
    for text in ("nano_1 → nano_2", "Samples", "Once upon a time", "storybook_bpe_512", "data:image/png"):
        assert text in page
    stored = json.loads((folder / "results.json").read_text(encoding="utf-8"))
    assert stored["losses"]["nano_1"] == {str(k): v for k, v in losses["nano_1"].items()}
    mean = sum(losses["nano_2"].values()) / len(SEEDS)
    assert any(line.startswith("| nano_2 | 3 |") and f" {mean:.4f} ±" in line for line in stored["table"])
    assert (folder / "curves.png").stat().st_size > 10_000
    assert stored["data"]["splits"]["train"]["num_documents"] == 60
    assert len(stored["data"]["splits"]["train"]["tokens_sha256"]) == 64


def test_a_scaled_benchmark_keeps_its_results_under_a_date_and_its_output_in_a_log(folder: Path) -> None:
    report(folder)
    began = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
    path = keep_results(folder, began, ["data.dataset=storybook"])
    assert path.name == "scaled_benchmark_20260102-030405.json"
    content = json.loads(path.read_text(encoding="utf-8"))
    assert content["timestamp"] == began.isoformat()
    for part in ("configs", "environment", "losses", "contrasts", "data"):
        assert content[part], part
    terminal, log = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(Tee(terminal, log)):
        print("a line")
    assert terminal.getvalue() == log.getvalue() == "a line\n"


def test_runs_of_a_configuration_that_was_edited_do_not_count(folder: Path, tmp_path: Path) -> None:
    description = json.loads((folder / "study.json").read_text(encoding="utf-8"))
    description["configs"]["nano_1"]["training"]["learning_rate"] = 0.017
    (tmp_path / "study.json").write_text(json.dumps(description), encoding="utf-8")
    (tmp_path / "runs").symlink_to(folder / "runs")
    edited, same = read_results(tmp_path).phases
    assert (len(edited.runs), len(same.runs)) == (0, 3)
    options = Options(project=PROJECT, config_path=None, runs_dir=folder)
    entry = entries()[0]
    training = entry.config.training.model_copy(update={"learning_rate": 0.017})
    other = replace(entry, config=entry.config.model_copy(update={"training": training}))
    jobs = [training_job(options, folder, one, 42) for one in (entry, entry, other)]
    assert jobs[0].fingerprint == jobs[1].fingerprint != jobs[2].fingerprint


def made(losses: dict[str, list[float]]) -> StudyResults:
    """Results with given final losses, for what is worked out from them."""
    phases = []
    for name, values in losses.items():
        runs = {
            seed: Run(
                seed,
                tokens=(100.0, 200.0, 300.0),
                losses=(3.0, 2.0, value),
                seconds=(1.0, 2.0, 3.0),
                evaluation={"metrics": {"loss": value}},
                summary={"training_s": 3.0},
            )
            for seed, value in enumerate(values)
        }
        (entry,) = load_entries(PROJECT, name, ())
        phases.append(PhaseRuns(name, entry.config, runs))
    description = {"tokens": 300, "seeds": [0, 1, 2, 3, 4]}
    return StudyResults(Path(), description, tuple(phases))


def test_the_planned_contrasts_are_neighbours_and_the_ends_adjusted_together() -> None:
    generator = np.random.default_rng(0)
    names = [f"nano_{number}" for number in range(1, 6)]
    losses = {name: list(1.5 - 0.1 * i + 0.01 * generator.normal(size=5)) for i, name in enumerate(names)}
    results = made(losses)
    expected = [(f"nano_{i + 1}", f"nano_{i}") for i in range(1, 5)] + [("nano_5", "nano_1")]
    assert planned_contrasts(results) == expected
    rows = contrasts(results)
    raw = [stats.ttest_rel(losses[later], losses[earlier]).pvalue for later, earlier in expected]
    from statsmodels.stats.multitest import multipletests

    adjusted = multipletests(raw, method="holm")[1]
    assert [row.comparison.p_adjusted for row in rows] == pytest.approx(list(adjusted))
    assert {row.verdict for row in rows} == {"better"}


def test_no_difference_is_said_only_where_it_is_shown() -> None:
    close = made({"nano_3": [1.5, 1.6, 1.4, 1.55, 1.45], "nano_4": [1.5005, 1.5995, 1.4004, 1.5497, 1.4502]})
    assert contrasts(close)[0].verdict == "equal within 0.01 nats"
    loose = made({"nano_3": [1.5, 1.6, 1.4, 1.55, 1.45], "nano_4": [1.55, 1.56, 1.45, 1.5, 1.5]})
    assert contrasts(loose)[0].verdict == "undecided"


def test_a_ladder_compares_each_change_with_the_first_in_one_table() -> None:
    losses = {
        "nano_3": [1.5, 1.6, 1.4, 1.55, 1.45],
        "ladder/nano_3_rope": [1.4, 1.5, 1.31, 1.45, 1.34],
        "ladder/nano_3_swiglu": [1.55, 1.56, 1.45, 1.5, 1.5],
    }
    results = made(losses)
    assert is_ladder(results)
    assert not is_ladder(made(dict.fromkeys(("nano_3", "nano_4"), losses["nano_3"])))
    base, rope, swiglu = ladder_rows(results)
    assert base[3:7] == ("–", "–", "–", "–")
    assert (rope[3], rope[6], swiglu[6]) == ("-0.1000", "better", "undecided")
    header, _, *lines = markdown_tables(results)
    assert len(lines) == 3
    assert all(line.count("|") == header.count("|") for line in lines)
    assert title_of(results) == "nano_3 with single changes"


def test_where_a_curve_reaches_a_loss_lies_on_the_line_between_two_validations() -> None:
    results = made({"nano_1": [1.0] * 5, "nano_5": [0.0] * 5})
    first, last = (phase.runs[0] for phase in results.phases)
    assert first.reaches(2.5, first.tokens) == pytest.approx(150)
    assert last.reaches(1.0, last.tokens) == pytest.approx(250)
    assert first.reaches(0.5, first.tokens) is None
    assert any("83%" in cell for cell in phase_rows(results)[1])


def test_what_is_no_pair_is_refused_in_words() -> None:
    one, two = (entry.config for entry in entries())
    longer = two.model_copy(update={"training": two.training.model_copy(update={"steps": 13})})
    larger = two.model_copy(update={"training": two.training.model_copy(update={"batch_size": 4})})
    data = two.model_copy(update={"data": two.data.model_copy(update={"subset_size": 61})})
    for other, message in (
        (longer, "3,072 and 3,328 tokens"),
        (larger, "batch_size"),
        (data, "data.subset_size"),
    ):
        with pytest.raises(ConfigError, match=message):
            check_comparable([one, other])
    with pytest.raises(ConfigError, match="holds a seed twice"):
        parse_seeds("1,1")
    with pytest.raises(ConfigError, match="not a list of whole numbers"):
        parse_seeds("1,x")
