"""Random sequences of saves, deletions, crashes and restarts, against a model that is too simple to be wrong."""

import os
import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path
from unittest import mock

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from mlcore.checkpoint import CheckpointManager
from mlcore.checkpoint.faults import CHECKPOINT_FAULT_POINTS, arm_fault
from mlcore.errors import CheckpointError

NUM_SEQUENCES = int(os.environ.get("ROTATION_SEQUENCES", "60"))
AFTER_THE_RENAME = CHECKPOINT_FAULT_POINTS[CHECKPOINT_FAULT_POINTS.index("checkpoint.rename.after") :]

metrics = st.one_of(st.none(), st.just(float("nan")), st.just(float("inf")), st.integers(-3, 3).map(float))
saves = st.tuples(st.just("save"), st.integers(1, 20_000), metrics)
crashes = st.tuples(st.just("crash"), st.integers(1, 20_000), st.sampled_from(CHECKPOINT_FAULT_POINTS))
deletions = st.tuples(st.just("delete"), st.integers(0, 5), st.none())
restarts = st.tuples(st.just("restart"), st.just(0), st.none())
sequences = st.lists(st.one_of(saves, saves, saves, crashes, deletions, restarts), min_size=1, max_size=14)


@dataclass
class Saved:
    """What the model knows of one checkpoint."""

    number: int
    step: int
    metric: float | None
    has_step_file: bool = True


class Model:
    """The rules of rotation, written down naively."""

    def __init__(self, keep_last: int, mode: str) -> None:
        self.keep_last, self.sign = keep_last, 1 if mode == "min" else -1
        self.alive: list[Saved] = []
        self.last_name: int | None = None
        self.best_name: int | None = None

    def best(self) -> Saved | None:
        finite = [s for s in self.alive if s.metric is not None and abs(s.metric) < float("inf")]
        return min(finite, key=lambda s: (self.sign * (s.metric or 0.0), s.number), default=None)

    def add(self, saved: Saved) -> None:
        """The file of the same step is replaced; its content lives on where best.pt or last.pt still name it."""
        for other in self.alive:
            if other.step == saved.step:
                other.has_step_file = False
        self.alive.append(saved)
        self.forget()

    def link(self) -> None:
        if self.alive:
            self.last_name = max(s.number for s in self.alive)
        best = self.best()
        if best is not None:
            self.best_name = best.number
        self.forget()

    def forget(self) -> None:
        named = {self.last_name, self.best_name}
        self.alive = [s for s in self.alive if s.has_step_file or s.number in named]

    def prune(self) -> None:
        best = self.best()
        files = sorted((s for s in self.alive if s.has_step_file), key=lambda s: -s.number)
        for saved in files[self.keep_last :]:
            if saved is not best:
                saved.has_step_file = False
        self.forget()


def check(folder: Path, manager: CheckpointManager, model: Model) -> None:
    assert manager.steps() == sorted({s.step for s in model.alive})
    if model.alive:
        newest = max(model.alive, key=lambda s: s.number)
        loaded = manager.load("last")
        assert (loaded.step, loaded.state) == (newest.step, {"number": newest.number})
    best = model.best()
    assert manager.best_metric == (best.metric if best else None)
    if best:
        assert manager.load("best").state == {"number": best.number}
    assert not list(folder.glob(".*.tmp"))


def run_sequence(folder: Path, keep_last: int, mode: str, sequence: list[tuple]) -> None:
    model = Model(keep_last, mode)
    manager = CheckpointManager(folder, keep_last=keep_last, mode=mode)  # type: ignore[arg-type]
    for number, (kind, value, extra) in enumerate(sequence, start=1):
        if kind == "save":
            manager.save({"number": number}, step=value, metric=extra)
            model.add(Saved(number, value, extra))
            model.link()
            model.prune()
            assert len(list(folder.glob("step_*.pt"))) <= keep_last + 1
        elif kind == "crash":
            crash(manager, model, number, value, extra)
        elif kind == "delete":
            delete_by_hand(folder, model, value)
        if kind in {"crash", "restart"}:
            (folder / ".step_00000001.pt.999999999.tmp").write_bytes(b"half") if folder.exists() else None
            manager = CheckpointManager(folder, keep_last=keep_last, mode=mode)  # type: ignore[arg-type]
            model.link()
        check(folder, manager, model)


def crash(manager: CheckpointManager, model: Model, number: int, step: int, point: str) -> None:
    arm_fault(f"{point}:1:raise")
    try:
        manager.save({"number": number}, step=step, metric=0.0)
        survived = True  # a point that this save does not come by
    except RuntimeError:
        survived = False
    finally:
        arm_fault("")
    if not survived and point not in AFTER_THE_RENAME:
        return
    model.add(Saved(number, step, 0.0))
    if survived or "prune" in point:
        model.link()
    if survived or point == "checkpoint.prune.after":
        model.prune()


def delete_by_hand(folder: Path, model: Model, index: int) -> None:
    files = sorted(folder.glob("step_*.pt")) if folder.exists() else []
    if not files:
        return
    victim = files[index % len(files)]
    victim.unlink()
    for saved in model.alive:
        if saved.has_step_file and victim.name == f"step_{saved.step:08d}.pt":
            saved.has_step_file = False
    model.forget()


@settings(max_examples=NUM_SEQUENCES, deadline=None, suppress_health_check=list(HealthCheck))
@given(sequence=sequences, keep_last=st.integers(1, 3), mode=st.sampled_from(["min", "max"]))
def test_best_and_latest_survive_every_sequence(sequence: list[tuple], keep_last: int, mode: str) -> None:
    folder = Path(tempfile.mkdtemp())
    try:
        with mock.patch("os.fsync"):  # no power is cut here
            run_sequence(folder / "checkpoints", keep_last, mode, sequence)
    finally:
        shutil.rmtree(folder)


def test_the_model_notices_a_manager_that_prunes_the_best(tmp_path: Path) -> None:
    sequence = [("save", 1, 1.0), ("save", 2, 2.0), ("save", 3, 3.0), ("restart", 0, None), ("save", 4, 4.0)]
    run_sequence(tmp_path / "right", 1, "min", sequence)
    with (
        mock.patch("mlcore.checkpoint.manager.best_entry", return_value=None),
        pytest.raises((AssertionError, CheckpointError)),
    ):
        run_sequence(tmp_path / "wrong", 1, "min", sequence)
