"""Which run a word means."""

import json
import random
from pathlib import Path

import pytest
from mlcore.errors import RunNotFoundError
from mlcore.runs import RunFolder, create_run, find_run, newest_run


def make(runs_dir: Path, name: str, day: int, status: str | None = "completed", second: int = 0) -> RunFolder:
    files = {"config.yaml": "seed: 1\n"}
    if status is not None:
        files["metrics.json"] = json.dumps({"schema": 1, "status": status})
    return create_run(runs_dir, name, timestamp=f"202601{day:02}-0000{second:02}", files=files)


def test_a_name_means_its_newest_complete_run(tmp_path: Path) -> None:
    make(tmp_path, "fc", 1)
    wanted = make(tmp_path, "fc", 2, "early_stopped")
    for status in (None, "interrupted", "diverged", "failed"):
        make(tmp_path, "fc", 3, status)
    make(tmp_path, "fc_big", 9)
    make(tmp_path, "baseline_fc", 9)
    assert find_run("fc", tmp_path) == wanted
    assert find_run(Path("fc"), tmp_path) == wanted


def test_the_tenth_run_of_a_second_is_newer_than_the_ninth(tmp_path: Path) -> None:
    runs = [make(tmp_path, "fc", 1) for _ in range(10)]
    assert find_run("fc", tmp_path) == runs[-1]


def test_resuming_means_the_newest_run_complete_or_not(tmp_path: Path) -> None:
    make(tmp_path, "fc", 1)
    newest = make(tmp_path, "fc", 2, None)
    assert find_run("fc", tmp_path, complete=False) == newest


def test_a_checkpoint_a_folder_and_a_full_name_mean_their_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = make(tmp_path / "runs", "fc", 1, None)
    make(tmp_path / "runs", "fc", 2)
    checkpoint = run.checkpoints / "best.pt"
    checkpoint.touch()
    monkeypatch.chdir(tmp_path)
    relative = run.path.relative_to(tmp_path)
    for spec in (
        checkpoint,
        str(run.path),
        run.checkpoints,
        f"{run.path}/",
        run.path.name,
        relative,
        relative / "checkpoints/best.pt",
    ):
        assert find_run(spec, tmp_path / "runs").path.resolve() == run.path.resolve()
    monkeypatch.chdir(run.path)
    for spec in ("checkpoints/best.pt", "checkpoints", "."):
        assert find_run(spec, tmp_path / "runs").path.resolve() == run.path.resolve()
    monkeypatch.chdir(run.checkpoints)
    assert find_run("best.pt", tmp_path / "runs").path.resolve() == run.path.resolve()


@pytest.mark.parametrize(
    ("word", "message"),
    [
        ("baselin", r"no run 'baselin' in .*; which of baseline_cnn, baseline_fc\?"),
        ("basline_fc", r"no run 'basline_fc' in .*; did you mean 'baseline_fc'\?"),
        ("half", r"no complete run 'half'; half_20260103-000000 has the status 'unknown'"),
        ("lost", r"no complete run 'lost'; lost_20260104-000000 has the status 'diverged'"),
        ("zzz", r"no run 'zzz' in [^;]*$"),
        ("../baseline_fc", r"no run '\.\./baseline_fc'"),
        ("a\0b", r"no run 'a\\x00b'"),
        ("n" * 5000, r"no run 'n+\.\.\.'"),
        ("..", r"no run '\.\.'"),
        ("", r"no run ''"),
    ],
)
def test_what_is_not_there_is_answered_with_what_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, word: str, message: str
) -> None:
    make(tmp_path / "runs", "baseline_fc", 1)
    make(tmp_path / "runs", "baseline_cnn", 2)
    make(tmp_path / "runs", "half", 3, None)
    make(tmp_path / "runs", "lost", 4, "diverged")
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    with pytest.raises(RunNotFoundError, match=message) as caught:
        find_run(word, tmp_path / "runs")
    assert caught.value.exit_code == 3
    assert str(caught.value).isprintable()


def test_a_word_that_means_two_things_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    make(tmp_path / "runs", "fc", 1)
    (tmp_path / "fc").mkdir()
    (tmp_path / "fc" / "config.yaml").touch()
    monkeypatch.chdir(tmp_path)
    with pytest.raises(RunNotFoundError, match=r"'fc' is ambiguous: write \./fc or .*fc_20260101-000000"):
        find_run("fc", tmp_path / "runs")
    assert find_run("./fc", tmp_path / "runs").path == Path("fc")


@pytest.mark.parametrize(
    "text",
    ["", "{", "[]", "null", "3", '{"status": 3}', '{"status": ["completed"]}', "\udc80", "[" * 100_000],
)
def test_a_damaged_summary_is_not_complete(tmp_path: Path, text: str) -> None:
    run = make(tmp_path, "fc", 1)
    run.metrics_path.write_bytes(text.encode("utf-8", "surrogateescape"))
    assert not run.is_complete
    assert newest_run(tmp_path) is None


def test_links_and_other_folders_are_no_runs(tmp_path: Path) -> None:
    real = make(tmp_path / "elsewhere", "fc", 9)
    (tmp_path / "runs").mkdir()
    (tmp_path / "runs" / "fc_20260109-000000").symlink_to(real.path)
    (tmp_path / "runs" / "fc").mkdir()
    (tmp_path / "runs" / "fc_20260108-000000").write_text("a file")
    assert newest_run(tmp_path / "runs", complete=False) is None
    assert newest_run(tmp_path / "not there") is None


def test_the_right_run_is_found_in_two_hundred_random_trees(tmp_path: Path) -> None:
    """The oracle remembers what was made and takes the largest (day, second, order) of the complete ones."""
    generator = random.Random(0)
    for tree in range(200):
        runs_dir = tmp_path / str(tree)
        made = []
        for order in range(generator.randint(1, 5)):
            name = generator.choice(["a", "a_b", "b", "a_20260101-000000"])
            day, second = generator.randint(1, 3), generator.randint(0, 1)
            status = generator.choice(["completed", "early_stopped", "interrupted", None])
            run = make(runs_dir, name, day, status, second)
            made.append((name, status, (day, second, order), run))
        wanted = generator.choice(["a", "a_b", "b"])
        complete = [
            entry for entry in made if entry[0] == wanted and entry[1] in ("completed", "early_stopped")
        ]
        found = newest_run(runs_dir, wanted)
        assert found == (max(complete, key=lambda entry: entry[2])[3] if complete else None)
