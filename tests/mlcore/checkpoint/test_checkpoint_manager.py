"""What the manager promises: rotation, best and last, fallback, leftovers, by-hand use."""

import hashlib
import json
import os
import shutil
import subprocess
import sys
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from mlcore.checkpoint import (
    CheckpointManager,
    CheckpointWriteError,
    load_checkpoint_file,
    resolve_checkpoint,
)
from mlcore.checkpoint.faults import arm_fault
from mlcore.errors import CheckpointError
from mlcore.seeding import capture_rng_state


def state(number: float = 0.0) -> dict[str, Any]:
    return {"model": {"weight": torch.full((3, 2), number)}, "step": int(number)}


def number_in(loaded: dict[str, Any]) -> float:
    return float(loaded["model"]["weight"][0, 0])


def step_files(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.glob("step_*.pt"))


def save_all(folder: Path, saves: dict[int, float | None], **options: Any) -> CheckpointManager:
    manager = CheckpointManager(folder, **options)
    for step, metric in saves.items():
        manager.save(state(step), step=step, metric=metric)
    return manager


def damage(path: Path) -> None:
    """Flip one bit in the middle. In place, so that hard links to the file are damaged as well."""
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 4
    path.write_bytes(content)


def test_a_whole_training_state_comes_back_equal(tmp_path: Path) -> None:
    model = torch.nn.Sequential(torch.nn.Linear(3, 4), torch.nn.BatchNorm1d(4))
    optimizer = torch.optim.AdamW(model.parameters())
    model(torch.randn(5, 3)).sum().backward()
    optimizer.step()
    saved = {"model": model.state_dict(), "optimizer": optimizer.state_dict(), "rng": capture_rng_state()}
    CheckpointManager(tmp_path).save(saved, step=7, metric=0.25)
    loaded = CheckpointManager(tmp_path).load()
    assert (loaded.step, loaded.metric, loaded.path.name) == (7, 0.25, "step_00000007.pt")
    assert list(loaded.state["model"]) == list(saved["model"])
    for name, tensor in saved["model"].items():
        assert torch.equal(loaded.state["model"][name], tensor)
    fresh = torch.optim.AdamW(model.parameters())
    fresh.load_state_dict(loaded.state["optimizer"])
    for index, moments in saved["optimizer"]["state"].items():
        for key, tensor in moments.items():
            assert torch.equal(fresh.state_dict()["state"][index][key], tensor)


def test_every_plain_value_comes_back_equal(tmp_path: Path) -> None:
    values = {
        "none": None,
        "numbers": [True, -3, 2**200, 0.1, float("inf"), 1 + 2j],
        "text": ["", "ü\n\0", b"\x00\xff"],
        "nested": {1: (1, (2, [3])), (2, "x"): {4, 5}},
        "torch": [torch.bfloat16, torch.device("cpu"), torch.Size([2, 3]), torch.zeros(0)],
        "tensors": (torch.arange(4, dtype=torch.uint8), torch.tensor(2.0, dtype=torch.bfloat16)),
    }
    manager = CheckpointManager(tmp_path)
    manager.save(values, step=0)
    loaded = manager.load().state
    assert loaded.pop("tensors")[0].tolist() == values.pop("tensors")[0].tolist()  # type: ignore[index]
    assert torch.equal(loaded["torch"].pop(), values["torch"].pop())  # type: ignore[attr-defined]
    assert loaded == values


@pytest.mark.parametrize(
    ("value", "place"),
    [
        ({"rng": {"numpy": np.zeros(2)}}, r"state\['rng'\]\['numpy'\] is a numpy.ndarray"),
        ({"a": [1, np.float64(2.0)]}, r"state\['a'\]\[1\] is a numpy.float64"),
        ({"path": Path("x")}, r"state\['path'\] is a pathlib"),
        ({"f": (print,)}, r"state\['f'\]\[0\]"),
    ],
)
def test_what_could_not_be_loaded_again_is_refused_when_saving_and_nothing_is_lost(
    tmp_path: Path, value: dict[str, Any], place: str
) -> None:
    manager = save_all(tmp_path, {1: None})
    with pytest.raises(TypeError, match=place):
        manager.save(value, step=2)
    assert manager.load().step == 1
    assert step_files(tmp_path) == ["step_00000001.pt"]


def test_the_newest_and_the_best_stay_in_numeric_order(tmp_path: Path) -> None:
    metrics = {9: 5.0, 99: 1.0, 9_900: 4.0, 10_000: 3.0, 123_456_789: 2.0}
    manager = save_all(tmp_path, metrics)
    assert manager.steps() == [99, 10_000, 123_456_789]
    assert number_in(manager.load("best").state) == 99
    assert manager.load("last").step == 123_456_789
    assert manager.best_metric == 1.0
    assert manager.best_step == 99


def test_keeping_one_still_keeps_the_best(tmp_path: Path) -> None:
    manager = save_all(tmp_path, {1: 1.0, 2: 2.0, 3: 3.0}, keep_last=1)
    assert manager.steps() == [1, 3]


@pytest.mark.parametrize(
    ("mode", "metrics", "best"),
    [
        ("min", [float("nan"), 3.0, float("nan"), 2.0, float("-inf"), 2.0, 4.0], 3),
        ("max", [float("nan"), 3.0, float("inf"), 5.0, float("nan"), 5.0, 4.0], 3),
        ("min", [None, 7.0, None], 1),
    ],
)
def test_nan_is_never_best_and_ties_keep_the_older(
    tmp_path: Path, mode: str, metrics: list[float | None], best: int
) -> None:
    manager = save_all(tmp_path, dict(enumerate(metrics)), mode=mode)
    assert manager.best_step == best
    assert torch.load(tmp_path / "best.pt", weights_only=True)["step"] == best


def test_without_a_finite_metric_there_is_no_best(tmp_path: Path) -> None:
    manager = save_all(tmp_path, {1: None, 2: float("nan")})
    assert manager.best_metric is None
    assert not (tmp_path / "best.pt").exists()
    with pytest.raises(CheckpointError, match="no checkpoint was saved with a finite val_loss"):
        manager.load("best")


def test_the_best_survives_a_restart(tmp_path: Path) -> None:
    save_all(tmp_path, {1: 1.0, 2: 5.0, 3: 6.0})
    manager = CheckpointManager(tmp_path)
    assert manager.best_metric == 1.0
    manager.save(state(4), step=4, metric=1.5)  # worse than step 1, although the first after the restart
    assert manager.load("best").step == 1


def test_another_monitor_starts_its_own_best(tmp_path: Path) -> None:
    save_all(tmp_path, {1: 0.1})
    manager = CheckpointManager(tmp_path, monitor="accuracy", mode="max")
    assert manager.best_metric is None
    manager.save(state(2), step=2, metric=0.05)
    assert manager.best_step == 2


def test_best_and_last_are_used_by_hand_and_cost_no_room(tmp_path: Path) -> None:
    save_all(tmp_path, {1: 1.0, 2: 2.0})
    assert number_in(torch.load(tmp_path / "best.pt", weights_only=True)) == 1
    assert number_in(torch.load(tmp_path / "last.pt", weights_only=True)) == 2
    assert number_in(torch.load(tmp_path / "last.pt", weights_only=True, mmap=True)) == 2
    assert (tmp_path / "best.pt").samefile(tmp_path / "step_00000001.pt")


def test_a_file_system_without_hard_links_gets_copies(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise OSError("no hard links here")

    monkeypatch.setattr(os, "link", refuse)
    manager = save_all(tmp_path, {1: 2.0, 2: 1.0, 3: 3.0, 4: 4.0}, keep_last=1)
    assert manager.steps() == [2, 4]
    assert not (tmp_path / "last.pt").samefile(tmp_path / "step_00000004.pt")
    damage(tmp_path / "step_00000004.pt")
    with pytest.warns(UserWarning, match=r"step_00000004\.pt: damaged.*loaded .*last\.pt instead"):
        assert manager.load().step == 4  # the copy is whole


def test_the_manifest_lists_the_files_with_their_hashes(tmp_path: Path) -> None:
    save_all(tmp_path, {1: 1.0, 2: 2.0, 3: float("nan")})
    manifest = json.loads((tmp_path / "manifest.json").read_text())
    assert (manifest["best"], manifest["last"]) == ("step_00000001.pt", "step_00000003.pt")
    assert sorted(manifest["files"]) == step_files(tmp_path)
    for name, entry in manifest["files"].items():
        content = (tmp_path / name).read_bytes()
        assert (entry["sha256"], entry["size"]) == (hashlib.sha256(content).hexdigest(), len(content))
    assert [manifest["files"][name]["metric"] for name in step_files(tmp_path)] == [1.0, 2.0, None]


def test_damage_falls_back_to_the_newest_valid_one_and_names_both(tmp_path: Path) -> None:
    manager = save_all(tmp_path, {1: 1.0, 2: 2.0, 3: 3.0})
    damage(tmp_path / "step_00000003.pt")
    with pytest.warns(UserWarning, match=r"step_00000003\.pt: damaged.*loaded .*step_00000002\.pt instead"):
        loaded = manager.load("last")
    assert (loaded.step, number_in(loaded.state)) == (2, 2.0)


@pytest.mark.parametrize("size", [0, 1, 100, -1])
def test_a_truncated_newest_falls_back_too_and_goes_away_in_time(tmp_path: Path, size: int) -> None:
    manager = save_all(tmp_path, {1: 1.0, 2: 2.0})
    newest = tmp_path / "step_00000002.pt"
    os.truncate(newest, size if size >= 0 else newest.stat().st_size - 1)
    with pytest.warns(UserWarning, match=r"step_00000002\.pt: .*loaded .*step_00000001\.pt instead"):
        assert manager.load().step == 1
    manager.save(state(3), step=3)
    assert manager.steps() == [1, 3]
    assert not newest.exists()


@pytest.mark.parametrize("tail_only", [False, True])
def test_a_damaged_best_falls_back_with_a_warning(tmp_path: Path, tail_only: bool) -> None:
    manager = save_all(tmp_path, {1: 1.0, 2: 2.0})
    best = tmp_path / "best.pt"
    if tail_only:
        os.truncate(best, best.stat().st_size - 5)
    else:
        damage(best)
    with pytest.warns(UserWarning, match=r"step_00000001\.pt: .*loaded .*step_00000002\.pt instead"):
        assert manager.load("best").step == 2


def test_nothing_valid_is_an_error_with_exit_code_3(tmp_path: Path) -> None:
    manager = save_all(tmp_path, {1: 1.0, 2: 2.0})
    for name in step_files(tmp_path):
        damage(tmp_path / name)
    with pytest.raises(CheckpointError, match=r"no valid last checkpoint: .*00000002.*00000001") as caught:
        manager.load()
    assert caught.value.exit_code == 3
    assert "\n" not in str(caught.value)


def test_an_empty_or_missing_folder_is_an_error_and_is_not_made(tmp_path: Path) -> None:
    folder = tmp_path / "checkpoints"
    manager = CheckpointManager(folder)
    assert (manager.steps(), manager.best_metric) == ([], None)
    with pytest.raises(CheckpointError, match="no valid last checkpoint"):
        manager.load()
    assert not folder.exists()


def test_a_file_asked_for_by_its_name_is_not_replaced_by_another(tmp_path: Path) -> None:
    manager = save_all(tmp_path, {1: 1.0, 2: 2.0})
    assert manager.load("step_00000001.pt").step == 1
    assert manager.load(tmp_path / "step_00000001.pt").step == 1
    damage(tmp_path / "step_00000001.pt")
    with pytest.raises(CheckpointError, match=r"step_00000001\.pt: damaged"):
        manager.load("step_00000001.pt")


@pytest.mark.parametrize(
    "name", ["../last.pt", "/etc/passwd", "..", ".", "", "a/b.pt", "a\\b.pt", "x\0.pt", "C:x.pt"]
)
def test_names_that_lead_elsewhere_are_refused(tmp_path: Path, name: str) -> None:
    save_all(tmp_path, {1: 1.0})
    manager = save_all(tmp_path / "checkpoints", {2: 2.0})
    with pytest.raises(CheckpointError, match="is not the name of a checkpoint"):
        manager.load(name)


def test_paths_and_links_that_lead_elsewhere_are_refused(tmp_path: Path) -> None:
    save_all(tmp_path / "other", {1: 1.0})
    manager = save_all(tmp_path / "checkpoints", {2: 2.0})
    with pytest.raises(CheckpointError, match="is not in"):
        manager.load(tmp_path / "other" / "last.pt")
    (tmp_path / "checkpoints" / "mine.pt").symlink_to(tmp_path / "other" / "last.pt")
    with pytest.raises(CheckpointError, match="leads out of its folder"):
        manager.load("mine.pt")


def test_going_on_from_an_earlier_step_makes_that_the_newest(tmp_path: Path) -> None:
    manager = save_all(tmp_path, {100: 3.0, 200: 1.0, 300: 2.0})
    manager.save(state(150), step=150, metric=2.5)  # somebody went on from step 100
    assert manager.load("last").step == 150
    assert 150 in manager.steps()
    assert torch.load(tmp_path / "last.pt", weights_only=True)["step"] == 150


def test_saving_a_step_again_replaces_it(tmp_path: Path) -> None:
    manager = save_all(tmp_path, {5: None})
    manager.save(state(55), step=5, metric=1.0)
    assert (number_in(manager.load().state), manager.best_metric) == (55, 1.0)
    assert number_in(torch.load(tmp_path / "last.pt", weights_only=True)) == 55


def test_leftovers_of_dead_processes_go_and_those_of_living_ones_stay(tmp_path: Path) -> None:
    save_all(tmp_path, {1: 1.0})
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    dead = tmp_path / f".step_00000002.pt.{ended.pid}.tmp"
    own = tmp_path / f".manifest.json.{os.getpid()}.tmp"
    living = tmp_path / f".step_00000002.pt.{os.getppid()}.tmp"
    foreign = tmp_path / ".somebody-elses.tmp"
    for path in (dead, own, living, foreign):
        path.write_bytes(b"half a checkp")
    manager = CheckpointManager(tmp_path)
    assert [path.exists() for path in (dead, own, living, foreign)] == [False, False, True, True]
    assert manager.steps() == [1]


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"\xff\xfe", b'{"files": {"x": 1}}', b"[" * 100_000])
def test_a_damaged_manifest_loses_nothing(tmp_path: Path, content: bytes) -> None:
    save_all(tmp_path, {1: 1.0, 2: 2.0, 3: 3.0})
    (tmp_path / "manifest.json").write_bytes(content)
    with pytest.warns(UserWarning, match=r"manifest\.json is damaged"):
        manager = CheckpointManager(tmp_path)
    with pytest.warns(UserWarning, match=r"manifest\.json is damaged"):
        assert manager.load().step == 3
    with pytest.warns(UserWarning, match=r"manifest\.json is damaged"):
        assert manager.best_step == 1
    with pytest.warns(UserWarning, match=r"manifest\.json is damaged"):
        manager.save(state(4), step=4, metric=4.0)
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # it has been written anew
        assert manager.steps() == [1, 3, 4]


def test_a_lost_manifest_loses_nothing(tmp_path: Path) -> None:
    save_all(tmp_path, {1: 1.0, 2: 2.0, 3: 3.0})
    (tmp_path / "manifest.json").unlink()
    manager = CheckpointManager(tmp_path)
    assert (manager.load().step, manager.best_step, manager.steps()) == (3, 1, [1, 2, 3])


def test_an_intact_file_in_another_ones_place_is_refused(tmp_path: Path) -> None:
    manager = save_all(tmp_path, {1: 1.0, 2: 2.0})
    shutil.copyfile(tmp_path / "step_00000001.pt", tmp_path / "step_00000002.pt")
    with pytest.raises(CheckpointError, match="not the file that the manifest lists"):
        manager.load("step_00000002.pt")


def test_step_files_deleted_by_hand_leave_best_and_last(tmp_path: Path) -> None:
    manager = save_all(tmp_path, {1: 1.0, 2: 2.0, 3: 3.0})
    for name in step_files(tmp_path):
        (tmp_path / name).unlink()
    assert (manager.load().step, manager.load("best").step, manager.best_metric) == (3, 1, 1.0)
    manager.save(state(4), step=4, metric=4.0)
    assert manager.load("best").step == 1
    manager.save(state(5), step=5, metric=0.5)
    assert manager.load("best").step == 5


def test_files_of_other_people_are_never_deleted(tmp_path: Path) -> None:
    torch.save(state(1), tmp_path / "step_00000001.pt")  # not ours: it carries no proof
    (tmp_path / "notes.txt").write_text("mine")
    save_all(tmp_path, dict.fromkeys(range(2, 8), 1.0))
    assert (tmp_path / "step_00000001.pt").exists()
    assert (tmp_path / "notes.txt").read_text() == "mine"


def test_projects_may_name_their_files_as_the_original_documents_do(tmp_path: Path) -> None:
    manager = save_all(tmp_path, {1: 1.0, 2: 2.0}, best_name="best.pth", last_name="latest.pt")
    names = {path.name for path in tmp_path.iterdir()}
    assert {"best.pth", "latest.pt"} <= names
    assert not {"best.pt", "last.pt"} & names
    assert manager.load("latest").step == manager.load("last").step == 2
    assert manager.load("best").step == 1


@pytest.mark.parametrize(
    ("spec", "step"),
    [
        ("run", 2),
        ("run/checkpoints", 2),
        ("run/checkpoints/last.pt", 2),
        ("run/checkpoints/latest.pt", 2),
        ("run/checkpoints/last.pth", 2),
        ("run/checkpoints/best.pth", 1),
        ("run/checkpoints/best", 1),
        ("run/checkpoints/step_00000001.pt", 1),
    ],
)
def test_every_customary_name_finds_its_checkpoint(tmp_path: Path, spec: str, step: int) -> None:
    save_all(tmp_path / "run" / "checkpoints", {1: 1.0, 2: 2.0})
    assert load_checkpoint_file(tmp_path / spec)["step"] == step
    assert resolve_checkpoint(tmp_path / "run", "best").name == "best.pt"


def test_a_folder_whose_last_was_deleted_resolves_to_the_highest_step(tmp_path: Path) -> None:
    save_all(tmp_path, {99: 1.0, 100: 2.0})
    (tmp_path / "last.pt").unlink()
    assert resolve_checkpoint(tmp_path).name == "step_00000100.pt"


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        ("run/checkpoints/step_00000003.pt", "did you mean 'step_00000002.pt'"),
        ("run/checkpoints/zzz.pt", "has best.pt, last.pt, step_00000001.pt"),
        ("nowhere/best.pt", "there is no folder"),
        ("empty", "no last checkpoint; there are no checkpoints in"),
        ("x\0y", "no such checkpoint"),
        ("x" * 5000, "no such checkpoint"),
    ],
)
def test_a_missing_checkpoint_is_one_clear_line(tmp_path: Path, spec: str, message: str) -> None:
    save_all(tmp_path / "run" / "checkpoints", {1: 1.0, 2: 2.0})
    (tmp_path / "empty").mkdir()
    with pytest.raises(CheckpointError, match=message) as caught:
        load_checkpoint_file(tmp_path / spec)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("point", ["open.before", "write.middle", "fsync.before", "rename.before"])
def test_a_full_disk_leaves_the_previous_checkpoint_and_says_how_much_is_needed(
    tmp_path: Path, point: str
) -> None:
    manager = save_all(tmp_path, {1: 1.0})
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    arm_fault(f"checkpoint.{point}:3:enospc" if point == "write.middle" else f"checkpoint.{point}:1:enospc")
    with pytest.raises(CheckpointWriteError, match=r"No space left.*[\d,]+ free.*intact") as caught:
        manager.save(state(2), step=2, metric=0.5)
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before
    assert caught.value.free_bytes > 0
    assert caught.value.exit_code == 3
    if point != "open.before":
        size = len(before["step_00000001.pt"])
        assert abs(caught.value.needed_bytes - size) < 100
    arm_fault("")  # room again: the next save works as if nothing had been
    manager.save(state(2), step=2, metric=0.5)
    assert (manager.load().step, manager.best_step) == (2, 2)


@pytest.mark.parametrize("point", ["manifest.rename", "best.rename", "last.rename"])
def test_a_disk_that_fills_after_the_step_file_keeps_the_new_checkpoint_too(
    tmp_path: Path, point: str
) -> None:
    manager = save_all(tmp_path, {1: 1.0})
    arm_fault(f"checkpoint.{point}.before:1:enospc")
    with pytest.raises(CheckpointWriteError):
        manager.save(state(2), step=2, metric=0.5)
    arm_fault("")
    assert manager.load().step == 2
    CheckpointManager(tmp_path)  # a restart puts best and last right
    assert torch.load(tmp_path / "last.pt", weights_only=True)["step"] == 2
    assert torch.load(tmp_path / "best.pt", weights_only=True)["step"] == 2


def test_wrong_arguments_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="keep_last is 0"):
        CheckpointManager(tmp_path, keep_last=0)
    with pytest.raises(ValueError, match="mode is 'lowest'"):
        CheckpointManager(tmp_path, mode="lowest")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="step is -1"):
        CheckpointManager(tmp_path).save(state(), step=-1)
    with pytest.raises(CheckpointError, match="is not the name"):
        CheckpointManager(tmp_path, best_name="../best.pt")
