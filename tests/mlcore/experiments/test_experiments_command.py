"""`python -m mlcore.experiments` as a person and as a program use it."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from mlcore.experiments.__main__ import main

COMMAND = [sys.executable, "-m", "mlcore.experiments"]


@pytest.fixture
def runs(make_run, monkeypatch) -> Path:
    """Three seeds of two recipes and a damaged run, seen from the folder above."""
    for seed, (a, b) in enumerate([(0.8, 0.9), (0.81, 0.92), (0.79, 0.9)]):
        make_run("fc", seed=seed, accuracy=a, predictions=True)
        make_run("cnn", seed=seed, accuracy=b, predictions=True, model={"type": "cnn"})
    (make_run("broken", status=None, accuracy=None) / "metrics.json").write_text("{")
    monkeypatch.chdir(make_run.runs_dir.parent)
    return make_run.runs_dir


def run(capsys, *words: str) -> tuple[int, str, str]:
    code = main(words)
    captured = capsys.readouterr()
    return code, captured.out, captured.err


def test_list_shows_every_run_with_a_metric_and_the_damaged_one_with_its_reason(runs, capsys) -> None:
    code, out, _ = run(capsys, "list")
    assert code == 0
    lines = out.splitlines()
    assert lines[0].split() == ["run", "status", "seed", "test.accuracy", "problems"]
    assert len(lines) == 8
    assert lines[1].split() == ["fc_20260101-000001", "completed", "0", "0.80000"]
    assert "damaged" in lines[7]
    assert "metrics.json is damaged: not JSON" in lines[7]
    assert "\x1b" not in out
    assert not any(line.endswith(" ") for line in lines)


def test_list_filters_sorts_and_adds_columns(runs, capsys) -> None:
    words = ["list", "--where", "model.type=cnn", "--where", "model.hidden_sizes=[256, 128]"]
    code, out, _ = run(
        capsys, *words, "--sort", "-test.accuracy", "--column", "model.dropout", "--metric", "loss"
    )
    assert code == 0
    lines = out.splitlines()
    assert lines[0].split() == ["run", "status", "seed", "model.dropout", "test.loss"]
    assert [line.split()[2] for line in lines[1:]] == ["1", "0", "2"]
    assert run(capsys, "list", "--name", "b*")[1].count("\n") == 2
    assert run(capsys, "list", "--status", "complete")[1].count("\n") == 7


def test_list_as_json_and_csv(runs, capsys) -> None:
    _, out, _ = run(capsys, "list", "--json", "--name", "fc")
    assert [record["metrics"]["test.accuracy"] for record in json.loads(out)] == [0.8, 0.81, 0.79]
    _, out, _ = run(capsys, "list", "--csv")
    assert out.startswith("run,name,status,seed,")
    assert out.count("\n") == 8


def test_show_tells_everything_about_a_run(runs, capsys) -> None:
    run(capsys, "note", "fc", "the best so far")
    code, out, _ = run(capsys, "show", "fc")
    assert code == 0
    for words in (
        "fc_20260101-000005",
        "completed",
        "a" * 40,
        "the best so far",
        "test.accuracy",
        "model.hidden_sizes",
    ):
        assert words in out
    shown = json.loads(run(capsys, "show", str(runs / "fc_20260101-000001"), "--json")[1])
    assert (shown["seed"], shown["notes"]) == (0, [])


def test_compare_shows_both_tests_the_step_and_the_differences(runs, capsys) -> None:
    code, out, _ = run(capsys, "compare", "fc", "cnn")
    assert code == 0
    for words in (
        "A  fc_20260101-000005",
        "one of 3 runs",
        "in favour of B",
        "McNemar",
        "paired t",
        "identical in all 12 common records",
        "model.type",
        "environment  the same",
    ):
        assert words in out, out
    stored = json.loads(run(capsys, "compare", "fc", "cnn", "--metric", "loss", "--json")[1])
    assert stored["metric"]["metric"] == "test.loss"


def test_groups_show_mean_and_interval_and_compare_with_a_baseline(runs, capsys) -> None:
    code, out, _ = run(capsys, "groups")
    assert code == 0
    assert [line.split()[0] for line in out.splitlines()] == ["runs", "fc", "cnn"]
    assert "0.8" in out
    assert "[0.775" in out
    _, out, _ = run(capsys, "groups", "--baseline", "fc")
    assert "better" in out
    assert "p (Holm)" in out
    stored = json.loads(run(capsys, "groups", "--json", "--metric", "accuracy")[1])
    assert stored[0]["values"] == {"0": 0.8, "1": 0.81, "2": 0.79}
    stored = json.loads(run(capsys, "groups", "--json", "--baseline", "cnn")[1])
    assert stored["comparison"]["rows"][0]["verdict"] == "worse"


@pytest.mark.parametrize(
    ("words", "code", "message"),
    [
        (["show", "fcc"], 3, "no run 'fcc'"),
        (["compare", "fc", "nothing"], 3, "no run 'nothing'"),
        (["list", "--metric", "acuracy"], 2, "did you mean"),
        (["list", "--where", "model.typ=fc"], 2, "did you mean 'model.type'"),
        (["list", "--where", "model.type"], 2, "expected KEY=VALUE"),
        (["list", "--runs-dir", "nowhere"], 3, "nowhere: no such folder of runs"),
        (["groups", "--baseline", "fx"], 2, "no model 'fx'"),
        (["compare", "fc"], 2, "Missing argument 'B'"),
        (["lst"], 2, "No such command"),
        (["list", "--nonsense"], 2, "No such option"),
        (["compare", "fc", "cnn", "--tolerance", "-1"], 2, "tolerance"),
    ],
)
def test_mistakes_end_with_their_exit_code_and_one_message(runs, capsys, words, code, message) -> None:
    found, out, error = run(capsys, *words)
    assert found == code
    assert message in error
    assert "Traceback" not in error
    assert out == ""


def test_runs_are_found_in_the_only_project_that_has_some(runs, capsys, tmp_path, monkeypatch) -> None:
    root = tmp_path / "root"
    (root / "projects" / "one").mkdir(parents=True)
    monkeypatch.chdir(root)
    assert run(capsys, "list")[::2] == (
        3,
        "no folder of runs here (./runs, projects/*/runs); name one with --runs-dir\n",
    )
    assert run(capsys, "show", str(runs / "fc_20260101-000001"))[0] == 0
    os.rename(runs, root / "projects" / "one" / "runs")
    assert run(capsys, "list")[0] == 0
    (root / "projects" / "two" / "runs").mkdir(parents=True)
    code, _, error = run(capsys, "list")
    assert code == 3
    assert "which runs?" in error
    code, out, error = run(capsys, "list", "--runs-dir", "projects/two/runs")
    assert (code, out, error) == (0, "", "no runs in projects/two/runs\n")
    assert run(capsys, "groups", "--runs-dir", "projects/two/runs", "--json")[1] == "[]\n"


def test_the_module_runs_and_its_help_loads_nothing_heavy(runs) -> None:
    done = subprocess.run([*COMMAND, "list", "--json"], capture_output=True, text=True, check=True)
    assert len(json.loads(done.stdout)) == 7
    timed = [sys.executable, "-X", "importtime", "-m", "mlcore.experiments", "--help"]
    done = subprocess.run(timed, capture_output=True, text=True, check=True)
    loaded = {line.split("|")[-1].strip().split(".")[0] for line in done.stderr.splitlines() if "|" in line}
    assert "click" in loaded
    assert not loaded & {"numpy", "scipy", "rich", "torch", "yaml", "pydantic"}
    for name in ("list", "show", "compare", "groups", "note"):
        assert name in done.stdout


def test_at_a_terminal_the_table_fits_and_is_coloured(runs) -> None:
    environment = {**os.environ, "FORCE_COLOR": "1", "COLUMNS": "60"}
    done = subprocess.run([*COMMAND, "list"], capture_output=True, text=True, env=environment, check=True)
    assert "\x1b[" in done.stdout
