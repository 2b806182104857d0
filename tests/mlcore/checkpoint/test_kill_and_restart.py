"""Kills a training at every point of a save, and at random; it must end as if nothing had happened."""

import hashlib
import json
import random
import warnings
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import torch
from mlcore.checkpoint import CheckpointManager
from mlcore.checkpoint.faults import CHECKPOINT_FAULT_POINTS

STEPS, SAVE_EVERY = 12, 3
POINTS_BEFORE_THE_RENAME = CHECKPOINT_FAULT_POINTS[: CHECKPOINT_FAULT_POINTS.index("checkpoint.rename.after")]


def arguments(
    folder: Path, *, fault: str = "", steps: int = STEPS, save_every: int = SAVE_EVERY
) -> dict[str, Any]:
    return {
        "folder": str(folder / "checkpoints"),
        "result": str(folder / "result"),
        "steps": steps,
        "save_every": save_every,
        "fault": fault,
    }


@pytest.fixture(scope="module")
def reference(tmp_path_factory: pytest.TempPathFactory, harness: ModuleType, tiny_training: Path) -> Path:
    """A folder with the result of the uninterrupted training, and how often it wrote a block."""
    folder = tmp_path_factory.mktemp("reference")
    run = arguments(folder, fault="checkpoint.write.middle:1000000:raise")
    assert harness.run_child(tiny_training, {**run, "count": str(folder / "count")}) == 0
    return folder


@pytest.fixture(scope="module")
def uninterrupted(reference: Path) -> str:
    return (reference / "result").read_text()


def assert_folder_is_tidy(checkpoints: Path, last_step: int) -> None:
    """Nothing left over, the manifest lists the step files with their true hashes, last.pt is the last."""
    names = sorted(path.name for path in checkpoints.iterdir())
    assert not [name for name in names if name.endswith(".tmp")]
    manifest = json.loads((checkpoints / "manifest.json").read_text())
    assert sorted(manifest["files"]) == [name for name in names if name.startswith("step_")]
    assert len(manifest["files"]) <= 3  # the last two, and the best
    for name, entry in manifest["files"].items():
        assert hashlib.sha256((checkpoints / name).read_bytes()).hexdigest() == entry["sha256"]
    assert (checkpoints / "last.pt").samefile(checkpoints / f"step_{last_step:08d}.pt")
    assert (checkpoints / "best.pt").samefile(checkpoints / manifest["best"])


def nth_pass_and_saves_before(point: str, reference: Path) -> tuple[int, int]:
    """Which pass to hit, and how many saves are complete by then. Mostly 2nd: it has one to lose."""
    if point == "checkpoint.write.middle":  # many blocks a save: the middle of the second one
        blocks_per_save = int((reference / "count").read_text()) // (STEPS // SAVE_EVERY)
        return blocks_per_save * 3 // 2, 1
    if point == "checkpoint.best.rename.before":  # only where a save is the best yet, which the first one is
        return 1, 0
    if point == "checkpoint.prune.middle":  # only where something is deleted
        return 1, 2
    return 2, 1


@pytest.mark.parametrize("point", CHECKPOINT_FAULT_POINTS)
def test_a_kill_inside_a_save_loses_nothing_that_was_complete(
    point: str, tmp_path: Path, harness: ModuleType, tiny_training: Path, uninterrupted: str, reference: Path
) -> None:
    nth, saves_before = nth_pass_and_saves_before(point, reference)
    exit_code = harness.run_child(tiny_training, arguments(tmp_path, fault=f"{point}:{nth}:kill"))
    assert exit_code == harness.KILLED, f"{point} was never reached"

    checkpoints = tmp_path / "checkpoints"
    newest = saves_before * SAVE_EVERY
    if point not in POINTS_BEFORE_THE_RENAME:
        newest += SAVE_EVERY
    if newest:
        with warnings.catch_warnings():
            warnings.simplefilter("error")  # no fallback: the newest complete one is whole
            assert CheckpointManager(checkpoints).load().step == newest
        assert "model" in torch.load(checkpoints / "last.pt", weights_only=True)

    assert harness.run_child(tiny_training, arguments(tmp_path)) == 0
    assert (tmp_path / "result").read_text() == uninterrupted
    assert_folder_is_tidy(checkpoints, STEPS)


def test_kills_at_random_times_lose_at_most_one_save_interval(
    tmp_path: Path, harness: ModuleType, tiny_training: Path
) -> None:
    steps, save_every = 60, 1
    whole, victim = tmp_path / "whole", tmp_path / "victim"
    whole.mkdir()
    victim.mkdir()
    assert harness.run_child(tiny_training, arguments(whole, steps=steps + 1, save_every=save_every)) == 0
    seed = random.SystemRandom().randrange(10**6)
    print(f"delays drawn with random.Random({seed})")
    generator = random.Random(seed)
    run = {**arguments(victim, steps=steps, save_every=save_every), "ready": str(tmp_path / "ready")}
    num_kills, step, longest = 0, 0, 0.01
    for _ in range(400):
        delay = generator.uniform(0.0, longest)
        if harness.kill_child_after(tiny_training, run, delay, tmp_path / "ready") == 0:
            break
        num_kills += 1
        manager = CheckpointManager(victim / "checkpoints")
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            newest = manager.load().step if manager.steps() else 0
        assert newest >= step, "a complete checkpoint was lost"
        if newest == step:
            longest *= 1.5  # a slow machine: give it time for a step now and then
        step = newest
    assert num_kills >= 3, "the training was hardly ever killed"
    # What a kill in the very last save left behind is put right by the next save: there is one more.
    assert harness.run_child(tiny_training, arguments(victim, steps=steps + 1, save_every=save_every)) == 0
    assert (victim / "result").read_text() == (whole / "result").read_text()
    assert_folder_is_tidy(victim / "checkpoints", steps + 1)


def test_without_the_random_state_the_end_differs_so_the_comparison_can_fail(
    tmp_path: Path, harness: ModuleType, tiny_training: Path, uninterrupted: str
) -> None:
    crippled = tmp_path / "crippled.py"
    text = tiny_training.read_text()
    assert 'restore_rng_state(loaded.state["rng"])' in text
    crippled.write_text(text.replace('restore_rng_state(loaded.state["rng"])', "pass"))
    run = arguments(tmp_path, fault="checkpoint.prune.after:2:kill")
    assert harness.run_child(crippled, run) == harness.KILLED
    assert harness.run_child(crippled, arguments(tmp_path)) == 0
    assert (tmp_path / "result").read_text() != uninterrupted
