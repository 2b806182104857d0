"""Searches as a user runs them: real processes, killed, interrupted, gone on with."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml
from mlcore.runs import list_runs
from toy_train import loss_of

HERE = Path(__file__).parent
SPACE = {
    "training.learning_rate": {"low": 1e-4, "high": 1, "log": True},
    "model.x": {"low": -1, "high": 1},
    "model.width": {"low": 1, "high": 9},
    "model.kind": {"choices": ["good", "bad"]},
    "model.sizes": {"choices": [[8], [8, 8]]},
}
Run = Callable[..., str]


def content_of(folder: Path) -> dict:
    return json.loads((folder / "search.json").read_text())


def loss_in(trial: dict) -> float:
    """The closed form at the point of a trial: the oracle of what its process reported."""
    point = {key.rpartition(".")[2]: value for key, value in trial["point"].items()}
    point.pop("sizes", None)
    return loss_of(point.pop("learning_rate", 1e-3), point.pop("x", 0.0), **{"width": 1, **point})


def process_ids(folder: Path) -> list[int]:
    """Of all training processes that a search has started, in the order of their runs."""
    files = sorted((folder / "runs").glob("*/process_ids"))
    return [int(line) for file in files for line in file.read_text().split()]


def test_a_search_leaves_table_page_picture_and_a_configuration_that_train_takes(
    tmp_path: Path, search_file: Callable[..., Path], search: Run
) -> None:
    output = search(search_file(space=SPACE, method="random"), "--trials", "6", "--workers", "2")
    folder = tmp_path / "search"
    content = content_of(folder)
    assert (content["done"], content["failed"], len(content["trials"])) == (6, 0, 6)
    for trial in content["trials"]:
        assert trial["value"] == pytest.approx(loss_in(trial), abs=1e-12)
    assert content["best"]["value"] == min(trial["value"] for trial in content["trials"])
    assert sum(content["importance"].values()) == pytest.approx(1)
    assert "explains" in output
    assert f"best    {folder / 'best.yaml'}" in output
    assert (folder / "search.png").stat().st_size > 10_000
    page = (folder / "search.html").read_text()
    assert "data:image/png;base64" in page
    assert page.count("<tr") == 7
    best = folder / "best.yaml"
    assert yaml.safe_load(best.read_text())["name"] == "toy", "not the name of the trial"
    command = [sys.executable, str(HERE / "toy_train.py"), "--config", str(best), "--runs-dir", str(tmp_path)]
    subprocess.run(command, check=True, capture_output=True)
    (run,) = list_runs(tmp_path)
    again = json.loads(run.metrics_path.read_text())["best"]["val_loss"]
    assert again == content["best"]["value"], "bit for bit"


def test_failed_and_diverged_trials_stop_nothing_and_say_why(
    tmp_path: Path, search_file: Callable[..., Path], search: Run
) -> None:
    space = {
        "model.x": {"choices": [0.1, 0.9]},
        "training.learning_rate": {"choices": [0.001, 0.5]},
    }
    words = ("--set", "fails_above=0.5", "--set", "diverges_above=0.1", "--workers", "2")
    output = search(search_file(space=space, method="grid"), *words)
    content = content_of(tmp_path / "search")
    by_point = {tuple(trial["point"].values()): trial for trial in content["trials"]}
    assert {point: trial["status"] for point, trial in by_point.items()} == {
        ("0.1", "0.001"): "done",
        ("0.1", "0.5"): "diverged",
        ("0.9", "0.001"): "failed",
        ("0.9", "0.5"): "failed",
    }
    assert by_point["0.9", "0.5"]["reason"] == "exit code 1: the disk is full"
    assert by_point["0.1", "0.5"]["reason"] == "diverged: no finite numbers"
    assert "the disk is full" in output
    assert "failed: exit code 1: the disk is full" in (tmp_path / "search" / "search.html").read_text()


def test_a_search_without_any_success_ends_with_1_and_writes_no_best(
    tmp_path: Path, search_file: Callable[..., Path], search: Run
) -> None:
    space = {"model.x": {"choices": [0.1]}}
    output = search(search_file(space=space, method="grid"), "--set", "fails_above=0", code=1)
    assert "no trial is done" in output
    assert not (tmp_path / "search" / "best.yaml").exists()
    assert content_of(tmp_path / "search")["best"] is None


def test_a_killed_search_loses_and_repeats_no_trial_and_ends_as_if_it_had_not_been_killed(
    tmp_path: Path,
    search_file: Callable[..., Path],
    search: Run,
    start: Callable[..., subprocess.Popen[str]],
    until: Callable[..., None],
    alive: Callable[[int], bool],
) -> None:
    space = search_file(space=SPACE, method="tpe", startup_trials=2)
    words = ("--trials", "4", "--workers", "1", "--set", "sleep_s=0.5")
    search(space, *words, output="undisturbed")
    folder = tmp_path / "search"
    for num_begun in (2, 4):
        process = start(space, *words)
        until(
            lambda: len(list((folder / "runs").glob("*/checkpoints/last.pt"))) >= num_begun,  # noqa: B023
            f"trial {num_begun} under way",
        )
        process.kill()
        process.communicate()
        until(lambda: not any(alive(pid) for pid in process_ids(folder)), "the end of the orphan")
    output = search(space, *words)
    content, expected = content_of(folder), content_of(tmp_path / "undisturbed")
    assert [trial["number"] for trial in content["trials"]] == list(range(4))
    assert [trial["settings"] for trial in content["trials"]] == [t["settings"] for t in expected["trials"]]
    assert [trial["value"] for trial in content["trials"]] == [trial["value"] for trial in expected["trials"]]
    assert len(list_runs(folder / "runs")) == 4, "a trial that was cut off goes on in its own folder"
    assert sum(trial["attempts"] for trial in content["trials"]) == len(process_ids(folder)) == 6
    assert "goes on from its checkpoint" in output
    assert [run for run in list_runs(folder / "runs") if not run.is_complete] == []


def test_a_trial_that_ended_while_nobody_looked_is_taken_in_and_not_run_again(
    tmp_path: Path, search_file: Callable[..., Path], search: Run
) -> None:
    space = search_file(space={"model.x": {"choices": [0.1, 0.2]}}, method="grid")
    search(space, "--workers", "1")
    folder = tmp_path / "search"
    lines = (folder / "trials.journal").read_bytes().splitlines(keepends=True)
    last_notes = [index for index, line in enumerate(lines) if b'"end":' in line]
    (folder / "trials.journal").write_bytes(b"".join(lines[: last_notes[-1]]))  # killed before noting the end
    before = content_of(folder)
    pids = process_ids(folder)
    output = search(space, "--workers", "1")
    assert "trial_0001 had ended when the search was cut off: taken in" in output
    assert process_ids(folder) == pids
    assert [t["value"] for t in content_of(folder)["trials"]] == [t["value"] for t in before["trials"]]


def test_ctrl_c_ends_with_130_keeps_what_is_done_and_the_same_command_goes_on(
    tmp_path: Path,
    search_file: Callable[..., Path],
    search: Run,
    start: Callable[..., subprocess.Popen[str]],
    until: Callable[..., None],
    alive: Callable[[int], bool],
) -> None:
    space = search_file(space=SPACE, method="random")
    words = ("--trials", "4", "--workers", "2", "--set", "sleep_s=1")
    process = start(space, *words)
    folder = tmp_path / "search"
    until(lambda: len(process_ids(folder)) >= 3, "the third trial under way")
    os.kill(process.pid, signal.SIGINT)
    output, _ = process.communicate(timeout=120)
    assert process.returncode == 130, output
    assert "the same command goes on" in output
    assert not any(alive(pid) for pid in process_ids(folder))
    content = content_of(folder)
    assert content["done"] >= 1
    assert (folder / "best.yaml").is_file()
    unfinished = [trial for trial in content["trials"] if trial["status"] == "unfinished"]
    assert unfinished
    search(space, *words)
    after = content_of(folder)
    assert (after["done"], len(list_runs(folder / "runs"))) == (4, 4)
    for trial in content["trials"]:
        if trial["status"] == "done":
            assert after["trials"][trial["number"]] == trial, "what was done is as it was"


def test_a_search_can_be_made_longer_but_not_become_another_one(
    tmp_path: Path, search_file: Callable[..., Path], search: Run
) -> None:
    space = {"model.x": {"low": 0, "high": 1}}
    search(search_file(space=space, method="random"), "--trials", "1")
    search(search_file(space=space, method="random", trials=2))
    content = content_of(tmp_path / "search")
    assert [trial["attempts"] for trial in content["trials"]] == [1, 1]
    other = search(search_file(space={"model.x": {"low": 0, "high": 2}}, method="random", trials=3), code=2)
    assert "holds a search with another space (search.yaml)" in other
    base = search(search_file(space=space, method="random", trials=3), "--set", "model.width=3", code=2)
    assert "another base configuration (base.yaml)" in base
    assert content_of(tmp_path / "search") == content


def test_no_trial_starts_after_the_time_limit_and_a_long_trial_is_stopped(
    tmp_path: Path, search_file: Callable[..., Path], search: Run
) -> None:
    space = search_file(space={"model.x": {"low": 0, "high": 1}}, method="random", trial_minutes=0.05)
    words = ("--trials", "50", "--workers", "1", "--max-minutes", "0.03", "--set", "sleep_s=600")
    search(space, *words, code=1)
    (trial,) = content_of(tmp_path / "search")["trials"]
    assert (trial["status"], trial["reason"]) == ("failed", "stopped: it took longer than trial_minutes")


def test_a_wrong_space_is_refused_before_anything_is_written(
    tmp_path: Path, search_file: Callable[..., Path], search: Run
) -> None:
    output = search(search_file(space={"model.z": {"low": 0, "high": 1}}), code=2)
    assert output.startswith("search: space.model.z: no such key")
    assert not (tmp_path / "search").exists()
    assert "did you mean 'method'" in search(search_file(space=SPACE, metod="grid"), code=2)
