"""Run folders are made whole, distinct, and nowhere else."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from mlcore.config import check_run_name, safe_run_name
from mlcore.errors import ConfigError
from mlcore.runs import RunFolder, create_run, list_runs

STAMP = "20260102-030405"
TRAVERSALS = (
    *(
        "..",
        ".",
        "../x",
        "../../../../etc/passwd",
        "/etc/passwd",
        "/",
        "a/b",
        "a/../b",
        "a\\b",
        "..\\x",
        "C:\\x",
        "\\\\host\\share",
    ),
    *(
        "a\0b",
        "\0",
        "~",
        "~root/x",
        "$HOME",
        "`id`",
        "a;b",
        "a b",
        " a",
        "a\n",
        "a\r\nb",
        "\x1b[31m",
        "",
        "-rf",
        "--help",
        "..a",
        "a..b",
    ),
    *(
        "．．",
        "‥",
        "…",
        "．．/x",
        "a∕b",
        "a／b",
        "⁄",
        "a\u202eb",
        "a\u200bb",
        "ｎａｍｅ",
        "e\u0301",
        "\ud800",
        "\ufeffa",
        "%2e%2e%2f",
    ),
    *(
        "n" * 101,
        "n" * 5000,
        "é" * 51,
        "*",
        "?",
        "a|b",
        "<a>",
        '"a"',
        "a:b",
        "con/x",
        ".hidden",
        "*/..",
        "{a}",
        "!x",
        "&x",
    ),
)
GOOD_NAMES = (
    "baseline_fc",
    "resnet50_cifar10",
    "a",
    "7",
    "größe",
    "実験",
    "lr=0.1",
    "a.b",
    "v1.2-rc@x+y",
    "n" * 100,
)


def snapshot(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in folder.rglob("*")}


@pytest.mark.parametrize("name", GOOD_NAMES)
def test_a_good_name_gives_one_complete_folder(tmp_path: Path, name: str) -> None:
    run = create_run(tmp_path / "runs", name, timestamp=STAMP, files={"config.yaml": "seed: 1\n"})
    assert run.path == tmp_path / "runs" / f"{name}_{STAMP}"
    assert run.name == name
    assert run.config_path.read_text() == "seed: 1\n"
    assert {path.name for path in run.path.iterdir()} == {"config.yaml", "checkpoints", "logs", "samples"}
    assert [path.name for path in (tmp_path / "runs").iterdir()] == [run.path.name]


def test_the_time_is_part_of_the_name(tmp_path: Path) -> None:
    assert re.fullmatch(r"a_\d{8}-\d{6}", create_run(tmp_path, "a").path.name)


def test_names_of_one_second_get_numbers(tmp_path: Path) -> None:
    paths = [create_run(tmp_path, "a", timestamp=STAMP).path.name for _ in range(12)]
    assert paths == [f"a_{STAMP}"] + [f"a_{STAMP}_{k}" for k in range(2, 13)]
    assert [run.path.name for run in list_runs(tmp_path)] == paths  # by number: 10 comes after 9


@pytest.mark.parametrize("name", TRAVERSALS)
def test_names_that_lead_elsewhere_are_refused_and_nothing_is_made(tmp_path: Path, name: str) -> None:
    runs_dir = tmp_path / "in" / "runs"
    with pytest.raises(ConfigError) as caught:
        create_run(runs_dir, name, timestamp=STAMP)
    assert str(caught.value).isprintable()
    assert snapshot(tmp_path) == set()
    assert check_run_name(safe_run_name(name)) == safe_run_name(name)


@settings(max_examples=500, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(name=st.text(max_size=120) | st.text("./\\ a~\0·‥．", max_size=8))
def test_no_name_escapes(tmp_path: Path, name: str) -> None:
    runs_dir = tmp_path / "in" / "runs"
    try:
        run = create_run(runs_dir, name, timestamp=STAMP)
    except ConfigError:
        assert not runs_dir.exists() or list(runs_dir.iterdir()) == []
    else:
        assert run.path.resolve().parent == runs_dir.resolve()
        assert run.path.name.isprintable()
        assert os.listdir(runs_dir) == [run.path.name]
        for path in sorted(run.path.rglob("*"), reverse=True):
            path.rmdir()
        run.path.rmdir()
    assert os.listdir(tmp_path) in ([], ["in"])


@pytest.mark.parametrize("kind", ["dangling link", "link to a folder", "file", "full folder"])
def test_whatever_has_the_name_already_is_left_alone(tmp_path: Path, kind: str) -> None:
    taken, outside = tmp_path / "runs" / f"a_{STAMP}", tmp_path / "outside"
    taken.parent.mkdir()
    outside.mkdir()
    if kind == "dangling link":
        taken.symlink_to(tmp_path / "nowhere")
    elif kind == "link to a folder":
        taken.symlink_to(outside)
    elif kind == "file":
        taken.write_text("mine")
    else:
        taken.mkdir()
        (taken / "mine").touch()
    before = snapshot(tmp_path)
    run = create_run(tmp_path / "runs", "a", timestamp=STAMP)
    assert run.path.name == f"a_{STAMP}_2"
    made = {str(path.relative_to(tmp_path)) for path in [run.path, *run.path.rglob("*")]}
    assert snapshot(tmp_path) == before | made
    assert list(outside.iterdir()) == []


def test_a_folder_that_cannot_be_written_is_one_line_and_leaves_nothing(tmp_path: Path) -> None:
    (tmp_path / "runs").write_text("a file")
    with pytest.raises(ConfigError, match="no run folder can be made here"):
        create_run(tmp_path / "runs", "a")
    assert snapshot(tmp_path) == {"runs"}


def test_a_failure_while_the_folder_is_filled_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_space(self: Path, *arguments: object, **options: object) -> int:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_text", no_space)
    with pytest.raises(ConfigError, match="No space left on device"):
        create_run(tmp_path, "a", files={"config.yaml": "x"})
    assert list(tmp_path.iterdir()) == []


CHILD = """
import sys, time
from pathlib import Path
from mlcore.runs import create_run
while not Path(sys.argv[2]).exists():
    time.sleep(0.001)
for _ in range(10):
    run = create_run(Path(sys.argv[1]), "same", timestamp="20260102-030405", files={"owner.txt": sys.argv[3]})
    print(run.path)
"""


def test_processes_that_start_together_get_fifty_folders_of_their_own(tmp_path: Path) -> None:
    go = tmp_path / "go"
    command = [sys.executable, "-c", CHILD, str(tmp_path / "runs"), str(go)]
    children = [subprocess.Popen([*command, str(k)], stdout=subprocess.PIPE, text=True) for k in range(5)]
    go.touch()
    made = {child.args[-1]: child.communicate(timeout=60)[0].split() for child in children}  # type: ignore[index]
    assert [child.returncode for child in children] == [0] * 5
    paths = [path for own in made.values() for path in own]
    assert len(paths) == len(set(paths)) == 50
    assert {run.path for run in list_runs(tmp_path / "runs")} == {Path(path) for path in paths}
    for owner, own in made.items():
        assert {(RunFolder(Path(path)).path / "owner.txt").read_text() for path in own} == {owner}
