"""Thirty SIGKILLs, ten of them inside saving: no run is lost, and the weights are those of the uninterrupted
run.

The children are forked from this process, which has torch already, so that a start costs milliseconds.
"""

from __future__ import annotations

import multiprocessing
import os
import random
import time
import warnings
from pathlib import Path
from typing import Any

import pytest
from mlcore.checkpoint import CheckpointManager, faults
from mlcore.errors import CheckpointError
from tiny_trainer_task import SeededLoader, batches, full_config, make_trainer, metric_stream, outcome

NUM_KILLS, NUM_IN_SAVING = 30, 10
CONFIG = {"epochs": 10, "save_every": 5, "eval_every": 10, "early_stopping": None}
NUM_STEPS = 80
SEED = random.SystemRandom().randrange(10**6)


def work(folder: Path, fault: str) -> None:
    """One life of the run: from its last checkpoint, if there is one, to the end or to the kill."""
    faults.arm_fault(fault)
    trainer = make_trainer(folder, full_config(**CONFIG))
    checkpoints = CheckpointManager(folder / "checkpoints")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            trainer.resume(checkpoints.load("last").state)
        except CheckpointError:
            assert not checkpoints.steps(), "there was a checkpoint and it could not be loaded"
    trainer.train(SeededLoader(batches()), batches(8))


def live(folder: Path, *, fault: str = "", kill_after_s: float | None = None) -> int | None:
    """Fork a child that works; returns its exit code, negative for a signal."""
    child = multiprocessing.get_context("fork").Process(target=work, args=(folder, fault))
    child.start()
    if kill_after_s is not None:
        time.sleep(kill_after_s)
        child.kill()
    child.join(60)
    return child.exitcode


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_thirty_kills_lose_nothing(tmp_path: Path) -> None:
    print(f"seed {SEED}")
    chance = random.Random(SEED)
    # The first optimizer imports a third of torch; the children inherit it.
    make_trainer(None, full_config()).train_epoch(batches())
    began = time.perf_counter()
    assert live(tmp_path / "whole") == 0
    seconds = time.perf_counter() - began
    reference = summary(tmp_path / "whole")
    kills = ["saving"] * NUM_IN_SAVING + ["anywhere"] * (NUM_KILLS - NUM_IN_SAVING)
    chance.shuffle(kills)
    num_runs = num_kills = num_in_saving = 0
    while num_kills < NUM_KILLS:
        num_runs += 1
        folder = tmp_path / f"run{num_runs}"
        lost_step = -1
        for _ in range(100):
            plan = kills[num_kills] if num_kills < NUM_KILLS else "none"
            exit_code = live(folder, **death(plan, chance, seconds))
            if exit_code == 0:
                break
            assert exit_code == -9, f"seed {SEED}: a child ended with {exit_code}"
            num_kills += 1
            num_in_saving += plan == "saving"
            steps = CheckpointManager(folder / "checkpoints").steps() if folder.exists() else []
            assert max(steps, default=0) >= lost_step, f"seed {SEED}: a checkpoint was lost"
            lost_step = max(steps, default=0)
        assert exit_code == 0
        assert summary(folder) == reference, f"seed {SEED}, run {num_runs}"
    assert num_in_saving >= NUM_IN_SAVING


def death(plan: str, chance: random.Random, seconds: float) -> dict[str, Any]:
    if plan == "none":
        return {}
    if plan == "anywhere":
        return {"kill_after_s": chance.uniform(0.02, 0.6 * seconds)}
    point = chance.choice(faults.CHECKPOINT_FAULT_POINTS)
    return {"fault": f"{point}:{chance.randrange(1, 5)}:kill"}


def summary(folder: Path) -> dict[str, Any]:
    """What must be equal: the last state, but for its clock, and the metric stream."""
    loaded = CheckpointManager(folder / "checkpoints").load("last")
    assert loaded.step == NUM_STEPS
    trainer = make_trainer(None, full_config(**CONFIG))
    trainer.resume({**loaded.state, "logger": {}})
    return {**outcome(trainer, folder), "stream": metric_stream(folder)}
