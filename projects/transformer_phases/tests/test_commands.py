"""The commands as a user runs them, on the smoke configuration, in this process."""

import json
import sys
from pathlib import Path

import pytest
from mlcore.launcher import load_script

PROJECT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(PROJECT))
COUNTS = {
    "phase_1": "8,708,480",
    "phase_2": "8,708,480",
    "phase_3": "8,709,120",
    "phase_4": "8,687,680",
    "phase_4t": "8,724,160",
    "phase_5": "8,699,920",
    "nano_3": "434,016",
    "nano_5": "435,210",
    "debug": "4,209,664",
}


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


def test_training_beats_the_unigram_entropy_of_its_data(trained: Path) -> None:
    content = json.loads((trained / "evaluation.json").read_text(encoding="utf-8"))
    assert content["metrics"]["loss"] < content["unigram_entropy"]


def test_evaluate_and_sample_take_the_run(trained: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["--run", trained, "--max-batches", "2", "--generate"]
    assert run("evaluate", *words, "--set", "evaluation.max_generation_length=8") == 0
    assert "5-gram" in capsys.readouterr().out
    options = ["--temperature", "0.9", "--top-k", "30", "--top-p", "0.9", "--repetition-penalty", "1.2"]
    texts = []
    for _ in range(2):
        assert run("sample", "--run", trained, "--prompt", "Once", "--max-new-tokens", "9", *options) == 0
        texts.append(capsys.readouterr().out)
    assert texts[0] == texts[1]
    assert texts[0].startswith("Once")


def test_an_accuracy_that_is_too_good_stops_the_run(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["--config", "configs/smoke.yaml", "--no-tensorboard", "--runs-dir", tmp_path]
    limits = ["--set", "plausibility.max_accuracy=0.01", "--set", "training.eval_every=5"]
    assert run("train", *words, *limits) == 1
    message = capsys.readouterr().err
    assert "leak suspected: validation accuracy" in message
    assert "Traceback" not in message
    (folder,) = tmp_path.iterdir()
    assert json.loads((folder / "metrics.json").read_text())["status"] == "failed"


@pytest.mark.parametrize(
    ("setting", "expected", "code"),
    [
        ("model.phase=phase_6", "model.phase", 2),
        ("model.d_model=33", "nearest that does", 2),
        ("model.vocab_size=17", "vocab_size", 2),
        ("data.sequence_length=64", "max_seq_len only 32", 2),
        ("data.tokenizer=storybook_bpe_51", "storybook_bpe_512", 3),
        ("training.batch_size=1000000", "batch_size", 2),
        ("training.optimizer=moun", "training.optimizer", 2),
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


@pytest.mark.parametrize("config", COUNTS)
def test_config_summary_counts_the_parameters_of_the_design(
    config: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("config_summary", f"configs/{config}.yaml") == 0
    assert COUNTS[config] in capsys.readouterr().out


def test_fit_budget_shows_the_shape_of_the_study_first(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("fit_budget", "--most", "1") == 0
    printed = capsys.readouterr().out
    assert "8,708,480" in printed
    assert "9 shapes" in printed
    assert run("fit_budget", "--budget", "1000") == 1
    assert "no shape of phase_1" in capsys.readouterr().out


def test_the_recipes_of_a_family_see_the_same_tokens_and_differ_as_the_eras_did() -> None:
    from transformer_phases.study import check_comparable, load_entries, num_tokens

    for names in ("nano_1,nano_2,nano_3,nano_4,nano_5", "phase_1,phase_2,phase_3,phase_4,phase_4t,phase_5"):
        configs = [entry.config for entry in load_entries(PROJECT, names, ())]
        check_comparable(configs)
        assert len({num_tokens(config) for config in configs}) == 1
        training = [config.training for config in configs]
        assert [t.optimizer for t in (training[0], training[1], training[-1])] == ["adam", "adamw", "muon"]
        assert [t.label_smoothing for t in training] == [0.0, 0.1] + [0.0] * (len(training) - 2)
        assert [t.accumulation_steps for t in training] == [1, 2] + [1] * (len(training) - 2)
        assert [t.schedule.type for t in (training[0], training[2], training[-1])] == [
            "noam",
            "cosine",
            "wsd",
        ]
        assert training[0].max_grad_norm is None
        assert training[1].betas == training[0].betas == (0.9, 0.98)
        assert [config.model.dropout for config in configs][-2:] == [0.0, 0.0]


def test_every_rung_of_the_ladder_has_the_size_of_its_family_and_makes_pairs_with_its_base() -> None:
    from mlmodels.transformer_eras.size import count_parameters
    from transformer_phases.study import check_comparable, load_entries

    rungs = sorted((PROJECT / "configs" / "ladder").glob("*.yaml"))
    assert len(rungs) == 22
    for path in rungs:
        base = "_".join(path.stem.split("_")[:2])
        first, rung = (entry.config for entry in load_entries(PROJECT, f"{base},ladder/{path.stem}", ()))
        check_comparable([first, rung])
        sizes = [count_parameters(config.model)["total"] for config in (first, rung)]
        assert abs(sizes[1] / sizes[0] - 1) < 0.005, path.stem
        assert (first.model, first.training) != (rung.model, rung.training)
