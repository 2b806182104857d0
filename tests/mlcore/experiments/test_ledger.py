"""The ledger says what the folders say, finds what is asked for, and survives damage of every file."""

import csv
import json
import math
import os
import threading
import time
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest
from mlcore.errors import ConfigError, RunNotFoundError, UserError
from mlcore.experiments import ExperimentLogger, read_record
from mlcore.experiments.metric_names import is_higher_better
from mlcore.runs import RunFolder


def folders(records) -> list[str]:
    return [record.folder for record in records]


def test_a_record_holds_what_stands_in_the_files(make_run, ledger) -> None:
    path = make_run("fc", seed=7, accuracy=0.95, model={"dropout": 0.5})
    (record,) = ledger.records()
    assert (record.path, record.name, record.seed, record.status) == (path, "fc", 7, "completed")
    assert record.started == datetime(2026, 1, 1, 0, 0, 1)
    assert (record.commit, record.is_dirty, record.split) == ("a" * 40, False, "test")
    assert record.config["model.dropout"] == 0.5
    assert record.config["model.hidden_sizes"] == [256, 128]
    assert record.config["training.early_stopping"] is None
    summary = json.loads((path / "metrics.json").read_text())
    assert record.metrics["best.loss"] == summary["best"]["loss"]
    assert record.metrics["final.val.accuracy"] == summary["final"]["val"]["accuracy"]
    assert record.metrics["test.accuracy"] == 0.95
    assert record.metrics["test.baselines.majority.accuracy"] == 0.1
    assert record.environment["libraries.torch"] == "2.15.0"
    assert record.problems == ()
    assert record.is_complete
    assert str(record) == "fc_20260101-000001: completed, seed 7"
    assert record == read_record(path)


def test_the_ledger_never_disagrees_with_the_folders(make_run, ledger) -> None:
    path = make_run("fc", accuracy=None)
    assert "test.accuracy" not in ledger.records()[0].metrics
    (path / "evaluation.json").write_text('{"schema": 1, "split": "test", "metrics": {"accuracy": 0.5}}')
    assert ledger.records()[0].metrics["test.accuracy"] == 0.5
    make_run("cnn")
    assert len(ledger) == 2
    for file in sorted(path.rglob("*"), reverse=True):
        file.rmdir() if file.is_dir() else file.unlink()
    path.rmdir()
    assert [record.name for record in ledger] == ["cnn"]


def test_an_unchanged_folder_is_read_once_and_a_changed_one_again(make_run, ledger, monkeypatch) -> None:
    import mlcore.experiments.experiment_logger as module

    read = []
    monkeypatch.setattr(module, "read_files", lambda run: read.append(run.path.name) or read_record(run))
    first, _ = make_run("a"), make_run("b")
    for _ in range(3):
        ledger.records()
    assert sorted(read) == ["a_20260101-000001", "b_20260101-000002"]
    os.utime(first / "metrics.json", ns=(0, 0))
    ledger.records()
    assert read[2:] == ["a_20260101-000001"]


def test_no_folder_is_an_empty_ledger(tmp_path: Path) -> None:
    ledger = ExperimentLogger(tmp_path / "nowhere")
    assert len(ledger) == 0
    assert ledger.records() == ledger.query(name="x", where={"a": 1}, sort="b") == ledger.groups() == []
    with pytest.raises(RunNotFoundError, match="no run 'fc'"):
        ledger.find("fc")


def test_a_run_whose_process_is_gone_was_killed(make_run, ledger) -> None:
    path = make_run("fc", status=None)
    assert ledger.find("fc").status == "running"
    with RunFolder(path).lock():
        held = (path / "run.lock").read_text()
        assert ledger.find("fc").status == "running"
    gone = json.loads(held) | {"started": 1.0}  # the number of the process is now another's
    (path / "run.lock").write_text(json.dumps(gone))
    assert ledger.find("fc").status == read_record(path).status == "killed"
    (path / "run.lock").write_text('{"pid": ')
    assert ledger.find("fc").status == "running"


DAMAGE = {
    "truncated": b'{"status": "compl',
    "empty": b"",
    "binary": b"\xff\xfe\x00",
    "a list": b"[1, 2]",
    "a number": b"3",
    "deep": b"[" * 100_000,
    "wrong types": b'{"status": 3, "split": [], "git": "x", "metrics": 7, "best": [1], "libraries": null}',
}


@pytest.mark.parametrize("file", ["metrics.json", "evaluation.json", "environment.json", "config.yaml"])
@pytest.mark.parametrize("damage", DAMAGE)
def test_a_damaged_folder_is_listed_with_its_reason_and_never_raises(make_run, ledger, file, damage) -> None:
    path = make_run("fc")
    (path / file).write_bytes(DAMAGE[damage])
    make_run("cnn")
    record, sound = ledger.records()
    assert sound.problems == ()
    is_problem = damage != "wrong types" or file == "metrics.json"
    is_problem = is_problem and not (file == "config.yaml" and damage in {"empty"})
    if is_problem:
        assert record.problems[0].startswith(file)
        assert file in str(record)
    assert (record.status == "damaged") == (file == "metrics.json")
    assert ledger.groups()
    json.dumps(record.as_dict())


def test_missing_files_are_no_reason_to_stop(make_run, ledger) -> None:
    path = make_run("fc")
    for file in ("metrics.json", "evaluation.json", "environment.json", "config.yaml"):
        (path / file).unlink()
    (record,) = ledger.records()
    assert record.status == "unfinished"
    assert record.problems == ("config.yaml is missing",)
    assert (record.seed, record.commit, dict(record.metrics)) == (None, None, {})


def test_a_file_where_a_folder_is_expected_and_the_other_way_round(make_run, ledger) -> None:
    path = make_run("fc")
    (path / "metrics.json").unlink()
    (path / "metrics.json").mkdir()
    (make_run.runs_dir / "file_20260101-000000").write_text("no run")
    (record,) = ledger.records()
    assert "metrics.json cannot be read" in record.problems[0]


def test_numbers_that_are_not_finite_stay_what_they_are(make_run, ledger, tmp_path) -> None:
    path = make_run("fc", status="diverged")
    summary = json.loads((path / "metrics.json").read_text())
    (path / "metrics.json").write_text(json.dumps(summary | {"final": {"train": {"loss": "NaN"}}}))
    (record,) = ledger.records()
    assert math.isnan(record.metrics["final.train.loss"])
    assert ledger.query(metric="final.train.loss") == []
    assert "NaN" in ledger.to_json(tmp_path / "runs.json").read_text()


def test_queries_by_name_status_configuration_and_metric(make_run, ledger) -> None:
    make_run("fc")
    make_run("fc_wide", model={"hidden_sizes": [512]})
    make_run("cnn", model={"type": "cnn"}, training={"learning_rate": 3e-4}, status="early_stopped")
    make_run("cnn", model={"type": "cnn"}, status="diverged", accuracy=None)
    make_run("cnn", model={"type": "cnn"}, status=None, accuracy=None)
    names = [record.name for record in ledger.query(name="fc*")]
    assert names == ["fc", "fc_wide"]
    assert len(ledger.query(name="cnn")) == 3
    assert [r.status for r in ledger.query(status="complete")] == ["completed", "completed", "early_stopped"]
    assert len(ledger.query(status="running")) == len(ledger.query(status="diverged")) == 1
    found = ledger.query(where={"model.type": "cnn", "training.learning_rate": 3e-4})
    assert folders(found) == ["cnn_20260101-000003"]
    assert len(ledger.query(where={"model.hidden_sizes": [512]})) == 1
    assert len(ledger.query(where={"model.hidden_sizes": (512,)})) == 1
    assert len(ledger.query(where={"training.learning_rate": lambda rate: rate < 1e-3})) == 1
    assert len(ledger.query(where={"training.early_stopping": None})) == 5
    assert len(ledger.query(metric="accuracy")) == 3
    assert ledger.query(name="nothing", sort="accuracy") == []


def test_true_is_not_one_in_a_condition(make_run, ledger) -> None:
    make_run("fc", seed=1)
    assert len(ledger.query(where={"seed": 1})) == len(ledger.query(where={"seed": 1.0})) == 1
    assert ledger.query(where={"seed": True}) == []


def test_wrong_keys_and_metrics_are_answered_with_the_nearest(make_run, ledger) -> None:
    make_run("fc")
    with pytest.raises(ConfigError, match=r"no run has the key 'model\.typ' .* did you mean 'model\.type'\?"):
        ledger.query(where={"model.typ": "fc"})
    with pytest.raises(ConfigError, match=r"no run has the metric 'acuracy'; did you mean '.*accuracy'\?"):
        ledger.values("acuracy")
    with pytest.raises(ConfigError, match="no run has the metric"):
        ledger.query(sort="nonsense")


def test_runs_are_sorted_by_anything_and_those_without_it_come_last(make_run, ledger) -> None:
    make_run("b", seed=3, accuracy=0.5)
    make_run("a", seed=1, accuracy=None)
    make_run("c", seed=2, accuracy=0.9)
    assert [r.name for r in ledger.query(sort="-started")] == ["c", "a", "b"]
    assert [r.name for r in ledger.query(sort="name")] == ["a", "b", "c"]
    assert [r.seed for r in ledger.query(sort="seed")] == [1, 2, 3]
    assert [r.name for r in ledger.query(sort="test.accuracy")] == ["b", "c", "a"]
    assert [r.name for r in ledger.query(sort="-accuracy")] == ["c", "b", "a"]
    assert [r.name for r in ledger.query(sort="-model.dropout")] == ["b", "a", "c"]


def test_a_nan_comes_last_whichever_way_runs_are_sorted(make_run, ledger) -> None:
    for name, loss in (("a", 2.0), ("b", "NaN"), ("c", 1.0)):
        path = make_run(name)
        summary = json.loads((path / "metrics.json").read_text())
        (path / "metrics.json").write_text(json.dumps(summary | {"final": {"train": {"loss": loss}}}))
    assert [r.name for r in ledger.query(sort="final.train.loss")] == ["c", "a", "b"]
    assert [r.name for r in ledger.query(sort="-final.train.loss")] == ["a", "c", "b"]


def test_groups_are_runs_of_one_configuration_with_other_seeds(make_run, ledger) -> None:
    for seed in (42, 123, 456):
        make_run("fc", seed=seed, accuracy=0.9)
        make_run("cnn", seed=seed, accuracy=0.95, model={"type": "cnn"})
    make_run("fc", seed=42, status="diverged", accuracy=None)
    groups = ledger.groups()
    assert [(group.label, group.seeds) for group in groups] == [
        ("fc", (42, 123, 456)),
        ("cnn", (42, 123, 456)),
    ]
    assert "seed" not in groups[0].config
    assert groups[0].commits == ("a" * 40,)
    assert len(ledger.groups(status=None)[0].records) == 4
    assert str(groups[0]) == "fc: 3 runs, seeds 42, 123, 456"


def test_groups_of_one_name_are_told_apart_by_what_differs(make_run, ledger) -> None:
    make_run("fc", seed=1)
    make_run("fc", seed=1, training={"learning_rate": 0.01})
    make_run("fc", seed=2, training={"learning_rate": 0.01})
    labels = [group.label for group in ledger.groups()]
    assert labels == ["fc [training.learning_rate=0.001]", "fc [training.learning_rate=0.01]"]
    merged = ledger.groups(ignore=("seed", "training"))
    assert [len(group.records) for group in merged] == [3]
    make_run("other", seed=3)
    assert len(ledger.groups(ignore=("seed", "training", "name"))) == 1


def test_values_go_by_group_and_seed_and_of_a_repeated_seed_the_newest_counts(make_run, ledger) -> None:
    make_run("fc", seed=1, accuracy=0.5)
    make_run("fc", seed=2, accuracy=0.6)
    make_run("fc", seed=1, accuracy=0.7)
    make_run("fc", seed=3, accuracy=None)
    make_run("cnn", seed=1, accuracy=None)
    assert ledger.values("test.accuracy") == {"fc": {1: 0.7, 2: 0.6}}
    assert ledger.values("accuracy", by="run") == {
        "fc": {"fc_20260101-000001": 0.5, "fc_20260101-000002": 0.6, "fc_20260101-000003": 0.7}
    }
    assert ledger.values("best.loss", name="cnn").keys() == {"cnn"}


def test_a_short_name_never_mixes_splits(make_run, ledger) -> None:
    make_run("a", accuracy=0.5, split="validation")
    make_run("b", accuracy=0.6, split="test")
    assert ledger.values("accuracy") == ledger.values("test.accuracy") == {"b": {42: 0.6}}
    assert ledger.values("evaluation.accuracy") == {"b": {42: 0.6}}
    assert ledger.values("evaluation.accuracy", name="a") == {"a": {42: 0.5}}
    make_run("c", accuracy=0.4, split="validation")
    assert ledger.values("accuracy") == {"a": {42: 0.5}, "c": {42: 0.4}}
    make_run("d", accuracy=None)
    assert ledger.values("accuracy", name="d") == {"d": {42: 0.7}}, "never evaluated: the best while training"


def test_statistics_of_the_ledger_are_those_of_its_values(make_run, ledger) -> None:
    for seed, (low, high) in enumerate([(0.8, 0.9), (0.81, 0.93), (0.79, 0.91), (0.8, 0.92)]):
        make_run("fc", seed=seed, accuracy=low)
        make_run("cnn", seed=seed, accuracy=high)
    statistics = ledger.statistics("accuracy")
    assert statistics.models == ("fc", "cnn")
    found = statistics.compare_all("fc")["cnn"]
    assert found.is_paired
    assert found.verdict == "better"
    assert found.test.difference == pytest.approx(np.mean([0.1, 0.12, 0.12, 0.12]))
    assert ledger.statistics("loss").compare("cnn", "fc").verdict == "better"


@pytest.mark.parametrize(
    ("metric", "is_up"),
    [
        ("test.accuracy", True),
        ("best.val_accuracy", True),
        ("test.macro_f1", True),
        ("throughput.items_per_s", True),
        ("best.val_loss", False),
        ("test.bits_per_byte", False),
        ("test.calibration.expected_error", False),
        ("wall_s", False),
    ],
)
def test_which_way_a_metric_is_better(metric: str, is_up: bool) -> None:
    assert is_higher_better(metric) == is_up


def test_notes_stay_in_the_folder_of_their_run(make_run, ledger) -> None:
    path = make_run("fc")
    when = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
    note = ledger.log_note("fc", "the loader\nwas slow ✓", time=when)
    assert str(note) == "2026-01-02T03:04:05+00:00  the loader\nwas slow ✓"
    ledger.log_note(path, "second")
    assert [note.text for note in ledger.notes("fc")] == ["the loader\nwas slow ✓", "second"]
    assert len((path / "notes.jsonl").read_text().splitlines()) == 2


def test_a_note_after_one_that_a_kill_cut_off_is_whole(make_run, ledger) -> None:
    path = make_run("fc")
    ledger.log_note(path, "first")
    with open(path / "notes.jsonl", "a") as file:
        file.write('{"time": "2026", "te')
    assert [note.text for note in ledger.notes(path)] == ["first"]
    ledger.log_note(path, "second")
    assert [note.text for note in ledger.notes(path)] == ["first", "second"]


def test_notes_written_at_the_same_time_are_all_kept(make_run, ledger) -> None:
    path = make_run("fc")
    threads = [
        threading.Thread(
            target=lambda k=k: [ledger.log_note(path, f"{k} {i} " + "x" * 2000) for i in range(5)]
        )
        for k in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    texts = [note.text for note in ledger.notes(path)]
    assert len(texts) == len(set(texts)) == 20


def test_empty_notes_and_notes_without_a_run_are_refused(make_run, ledger) -> None:
    path = make_run("fc")
    with pytest.raises(UserError, match="empty note"):
        ledger.log_note("fc", " \n")
    with pytest.raises(RunNotFoundError):
        ledger.log_note("cnn", "text")
    (path / "notes.jsonl").mkdir()
    with pytest.raises(UserError, match="the note cannot be written"):
        ledger.log_note("fc", "text")
    assert ledger.notes("fc") == []


def test_csv_and_json_hold_every_run_and_key(make_run, ledger, tmp_path) -> None:
    make_run("fc", accuracy=0.5)
    damaged = make_run("cnn")
    (damaged / "metrics.json").write_text("{")
    with open(ledger.to_csv(tmp_path / "runs.csv"), newline="") as file:
        first, second = csv.DictReader(file)
    assert first["run"] == "fc_20260101-000001"
    assert first["config.training.learning_rate"] == "0.001"
    assert json.loads(first["config.model.hidden_sizes"]) == [256, 128]
    assert float(first["metrics.test.accuracy"]) == 0.5
    assert second["status"] == "damaged"
    assert "not JSON" in second["problems"]
    assert second["metrics.best.loss"] == ""
    stored = json.loads(ledger.to_json(tmp_path / "runs.json").read_text())
    assert [run["run"] for run in stored] == folders(ledger)
    assert stored[0]["config"]["model.dropout"] == 0.2
    with pytest.raises(UserError, match="cannot be written"):
        ledger.to_csv(tmp_path / "nowhere" / "runs.csv")


def test_a_table_shows_the_columns_asked_for(make_run, ledger) -> None:
    make_run("fc", accuracy=0.5)
    make_run("cnn", accuracy=None)
    table = ledger.table(columns=["test.accuracy", "model.hidden_sizes"])
    assert [column.header for column in table.columns] == [
        "run",
        "status",
        "seed",
        "test.accuracy",
        "model.hidden_sizes",
    ]
    cells = [list(map(str, column.cells)) for column in table.columns]
    assert cells[3] == ["0.50000", "–"]
    assert cells[4] == ["[256, 128]"] * 2


@pytest.mark.slow
def test_a_thousand_runs_are_read_in_seconds_and_again_in_a_moment(make_run, ledger) -> None:
    path = make_run("fc")
    files = ["config.yaml", "metrics.json", "evaluation.json", "environment.json"]
    texts = {name: (path / name).read_text() for name in files}
    for index in range(1000, 1999):
        folder = make_run.runs_dir / f"fc_20260102-{index:06d}"
        folder.mkdir()
        for name, text in texts.items():
            (folder / name).write_text(text.replace("seed: 42", f"seed: {index}"))
    started = time.process_time()
    assert len(ledger.records()) == 1000
    first = time.process_time() - started
    started = time.process_time()
    assert len(ledger.groups()[0].seeds) == 1000
    assert first < 5, "CPU seconds; 1 on the machine this was written on"
    assert time.process_time() - started < first
