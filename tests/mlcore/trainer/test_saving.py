"""When checkpoints are written, what a full disk does, and what a resumed run says about changes."""

from __future__ import annotations

import errno
from pathlib import Path
from typing import Any

import pytest
import torch
from mlcore.checkpoint import CheckpointManager, CheckpointWriteError
from mlcore.errors import CheckpointError
from mlcore.trainer import SilentLogger, TrainingConfig
from tiny_trainer_task import Regression, batches, full_config, make_trainer, tiny_model


class Warnings(SilentLogger):
    def __init__(self) -> None:
        super().__init__()
        self.texts: list[str] = []

    def warn(self, text: str) -> None:
        self.texts.append(text)


class Disk(CheckpointManager):
    """The real manager on a disk that is full at given saves; counts all of them."""

    full_at: frozenset[int] = frozenset()

    def __init__(self, folder: Path) -> None:
        super().__init__(folder, keep_last=100)
        self.saves: list[tuple[int, float | None]] = []

    def save(self, state: Any, *, step: int, metric: float | None = None) -> Path:
        self.saves.append((step, metric))
        if len(self.saves) - 1 in self.full_at:
            raise CheckpointWriteError(self.folder / "x.pt", OSError(errno.ENOSPC, "No space left"), 1000)
        return super().save(state, step=step, metric=metric)


def train(
    folder: Path, config: TrainingConfig, *, full_at: set[int] | None = None
) -> tuple[Disk, Warnings, Any]:
    disk, logger = Disk(folder), Warnings()
    disk.full_at = frozenset(full_at or ())
    trainer = Regression(tiny_model(), config, device="cpu", checkpoints=disk, logger=logger)
    return disk, logger, trainer


def test_saves_come_at_intervals_bests_epoch_ends_and_the_end(tmp_path: Path) -> None:
    config = TrainingConfig(steps=19, save_every=5, eval_every=6, learning_rate=0.01)
    disk, _, trainer = train(tmp_path, config)
    trainer.train(batches(), batches(8))
    losses = {entry["step"]: entry["val"]["loss"] for entry in trainer.progress.history}
    bests = [
        step for step in losses if losses[step] < min([losses[s] for s in losses if s < step], default=9e9)
    ]
    expected = sorted({5, 10, 15, 8, 16, 19, *bests})
    assert sorted({step for step, _ in disk.saves}) == expected
    assert {step: metric for step, metric in disk.saves if metric is not None}.keys() <= losses.keys()
    assert disk.load("best").step == min(losses, key=lambda step: losses[step])


def test_a_full_disk_costs_a_warning_and_the_next_save_tries_again(tmp_path: Path) -> None:
    config = TrainingConfig(epochs=1, save_every=2)
    disk, logger, trainer = train(tmp_path, config, full_at={1, 2})
    trainer.train(batches())
    assert len(logger.texts) == 2
    assert "tries again" in logger.texts[0]
    assert disk.load("last").step == 8


def test_a_run_whose_last_save_fails_fails(tmp_path: Path) -> None:
    config = TrainingConfig(epochs=1, save_every=4)
    _, _, trainer = train(tmp_path, config, full_at=set(range(1, 99)))
    with pytest.raises(CheckpointWriteError, match="1,000 bytes needed"):
        trainer.train(batches())
    assert CheckpointManager(tmp_path).load("last").step == 4


def resumed(folder: Path, config: TrainingConfig) -> Warnings:
    logger = Warnings()
    trainer = Regression(tiny_model(), config, device="cpu", logger=logger)
    trainer.resume(CheckpointManager(folder).load("last").state)
    trainer.train(batches())
    return logger


def test_a_longer_run_follows_the_new_plan_and_says_what_has_changed(tmp_path: Path) -> None:
    config = TrainingConfig(epochs=2, schedule="cosine")
    train(tmp_path, config)[2].train(batches())
    assert resumed(tmp_path, config).texts == []
    texts = resumed(tmp_path, config.model_copy(update={"epochs": 4, "learning_rate": 0.5})).texts
    assert any("training.epochs was 2 and is 4 now" in text for text in texts)
    assert any("training.learning_rate was 0.001 and is 0.5 now" in text for text in texts)
    assert any("planned for 16 steps, now for 32" in text for text in texts)


def test_rates_after_a_resume_are_those_of_this_configuration(tmp_path: Path) -> None:
    train(tmp_path, TrainingConfig(epochs=1, learning_rate=0.1))[2].train(batches())
    trainer = Regression(tiny_model(), TrainingConfig(epochs=2, learning_rate=0.02), device="cpu")
    trainer.resume(CheckpointManager(tmp_path).load("last").state)
    trainer.train(batches())
    assert trainer.updater.learning_rate == 0.02


def test_foreign_checkpoints_are_refused_in_one_line(tmp_path: Path) -> None:
    trainer = make_trainer(tmp_path, full_config(epochs=1), extra_state={"tokenizer": "a" * 64})
    trainer.train(batches(), batches(8))
    state = CheckpointManager(tmp_path / "checkpoints").load("last").state
    wider = torch.nn.Sequential(torch.nn.Linear(6, 17))
    for options, text in (
        ({"extra_state": {"tokenizer": "b" * 64}}, "another tokenizer: a{16} then, b{16} now"),
        ({"model": wider}, "does not fit this Sequential"),
    ):
        with pytest.raises(CheckpointError, match=text) as caught:
            make_trainer(None, full_config(), **options).resume(state)
        assert "\n" not in str(caught.value)
    with pytest.raises(CheckpointError, match="format 99"):
        make_trainer(None, full_config()).resume({**state, "format": 99})
    broken = {**state, "guard": {}}
    with pytest.raises(CheckpointError, match="not complete"):
        make_trainer(None, full_config()).resume(broken)


def test_another_data_length_is_noticed(tmp_path: Path) -> None:
    config = full_config(epochs=2, eval_every=None, save_every=5, early_stopping=None)
    make_trainer(tmp_path, config).train(batches(), batches(8))
    state = CheckpointManager(tmp_path / "checkpoints", keep_last=9)
    at_five = next(
        s
        for s in (state.load(p.name).state for p in state.folder.glob("step_*.pt"))
        if s["loader"]["position"]
    )
    trainer = make_trainer(None, config)
    trainer.resume({**at_five, "logger": {}})
    with pytest.raises(CheckpointError, match=r"the loader has only 1"):
        trainer.train(batches(4), batches(8))
