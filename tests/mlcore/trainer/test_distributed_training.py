"""Two processes over gloo train as one does; when one is lost the other ends. tests/projects starts torchrun itself."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path
from typing import Any

import pytest
import torch
from mlcore.checkpoint import CheckpointManager
from mlcore.errors import CheckpointError, InterruptedRun
from mlcore.trainer import BaseTrainer, Callback, GradientResult, LanguageModelTrainer, TrainingConfig
from mlcore.trainer.distributed import LostProcessError
from process_pair import NEEDS_FORK, Series, results, start_pair
from tiny_trainer_task import batches as regression_batches
from tiny_trainer_task import full_config, make_trainer, tiny_model, weights_hash
from torch import Tensor, nn

pytestmark = NEEDS_FORK

VOCABULARY = 9


class HandModel(nn.Module):
    """Logits straight from a table; differentiated by hand below."""

    def __init__(self) -> None:
        super().__init__()
        generator = torch.Generator().manual_seed(0)
        table = torch.randn(VOCABULARY, VOCABULARY, generator=generator, dtype=torch.float64)
        self.table = nn.Parameter(table, requires_grad=False)

    def forward(self, tokens: Tensor) -> Tensor:
        return self.table[tokens]


class HandTrainer(LanguageModelTrainer):
    def compute_gradients(self, batch: tuple[Tensor, Tensor], scale: float) -> GradientResult:
        tokens, targets = (tensor.flatten() for tensor in batch)
        kept = targets != -100
        tokens, targets = tokens[kept], targets[kept]
        logits = self.model(tokens)
        errors = logits.softmax(dim=1) - nn.functional.one_hot(targets, VOCABULARY)
        gradient = torch.zeros_like(self.model.table).index_add_(0, tokens, scale * errors / len(targets))
        table = self.model.table
        table.grad = gradient if table.grad is None else table.grad + gradient
        return GradientResult(nn.functional.cross_entropy(logits, targets), len(targets))


def auto_model() -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(nn.Embedding(VOCABULARY, 5), nn.Linear(5, VOCABULARY)).double()


def token_batches(count: int, seed: int = 0) -> list[tuple[Tensor, Tensor]]:
    """Batches with much padding, and not the same amount in any two."""
    generator = torch.Generator().manual_seed(seed)
    found = []
    for number in range(count):
        tokens = torch.randint(VOCABULARY, (3, 6), generator=generator)
        targets = torch.randint(VOCABULARY, (3, 6), generator=generator)
        targets[number % 3, 1 + number % 5 :] = -100
        targets[(number + 1) % 3, : number % 4] = -100
        found.append((tokens, targets))
    return found


def train_language_model(kind: str, rank: int, world_size: int, accumulation_steps: int) -> dict[str, Any]:
    series = Series()
    config = TrainingConfig(
        epochs=2, learning_rate=0.05, accumulation_steps=accumulation_steps, max_grad_norm=0.5, ema_decay=0.9
    )
    trainer = (HandTrainer if kind == "hand" else LanguageModelTrainer)(
        HandModel() if kind == "hand" else auto_model(), config, device="cpu", callbacks=[series]
    )
    trainer.train(token_batches(24)[rank::world_size], token_batches(7, seed=1)[rank::world_size])
    return {
        "losses": series.losses,
        "norms": series.norms,
        "val": [entry["val"]["loss"] for entry in trainer.progress.history],
        "weights": weights_hash(trainer.model.state_dict()),
        "items": trainer.progress.items,
    }


# ---------------------------------------------------------------- the same run


def pair_of_language_models(rank: int, kind: str) -> dict[str, Any]:
    return train_language_model(kind, rank, 2, 1)


@pytest.mark.parametrize("kind", ["autograd", "hand"])
def test_two_processes_make_the_updates_of_one(tmp_path: Path, kind: str) -> None:
    alone = train_language_model(kind, 0, 1, 2)
    first, second = results(tmp_path, pair_of_language_models, kind)
    assert first == second, "both processes have the same losses, validation and weights"
    assert first["items"] == alone["items"]
    assert len(first["losses"]) == 24
    assert first["losses"] == pytest.approx(alone["losses"], rel=1e-10)
    assert first["norms"] == pytest.approx(alone["norms"], rel=1e-10)
    assert first["val"] == pytest.approx(alone["val"], rel=1e-10)


def uneven_pair(rank: int) -> dict[str, Any]:
    trainer = LanguageModelTrainer(auto_model(), TrainingConfig(epochs=2, accumulation_steps=2), device="cpu")
    # 5 and 3 batches: windows of (2, 2) and (2, 1), then one process has none left; the validation is uneven
    # as well.
    trainer.train(token_batches(5 - 2 * rank, seed=rank), token_batches(3 - 2 * rank, seed=9))
    return {"step": trainer.progress.step, "weights": weights_hash(trainer.model.state_dict())}


def test_uneven_data_neither_hangs_nor_parts_the_processes(tmp_path: Path) -> None:
    first, second = results(tmp_path, uneven_pair)
    assert first == second
    assert first["step"] == 4


# ---------------------------------------------------------------- saving and resuming


class SignalTo(Callback):
    """SIGTERM to one process only."""

    def __init__(self, step: int) -> None:
        self.step = step

    def on_step_end(self, trainer: BaseTrainer, result: Any) -> None:
        if trainer.progress.step == self.step and trainer.distributed.rank == 1:
            os.kill(os.getpid(), signal.SIGTERM)


def dropout_pair(rank: int, run: str, stop: int, resume: bool) -> dict[str, Any]:
    """BatchNorm and dropout: each process has random numbers of its own, the first one's statistics count."""
    folder = Path(run)
    trainer = make_trainer(folder / str(rank), full_config(), callbacks=[SignalTo(stop)])
    if resume:
        trainer.resume(CheckpointManager(folder / "0" / "checkpoints").load("last").state)
    code = 0
    try:
        trainer.train(regression_batches()[rank::2], regression_batches(12, seed=9)[rank::2])
    except InterruptedRun as interrupted:
        code = interrupted.exit_code
    files = [str(path) for path in (folder / "1").rglob("*") if path.is_file()]
    return {
        "step": trainer.progress.step,
        "code": code,
        "files_of_second": files,
        "rng": torch.rand(1).item(),
    }


def test_two_processes_stop_together_and_resume_bit_for_bit(tmp_path: Path) -> None:
    whole = results(tmp_path / "a", dropout_pair, str(tmp_path / "whole"), 99, False)
    stopped = results(tmp_path / "b", dropout_pair, str(tmp_path / "cut"), 7, False)
    assert [one["code"] for one in stopped] == [143, 143], "the signal came to one, and both stopped"
    assert [one["step"] for one in stopped] == [7, 7]
    resumed = results(tmp_path / "c", dropout_pair, str(tmp_path / "cut"), 99, True)
    assert [one["rng"] for one in resumed] == [one["rng"] for one in whole]
    assert resumed[0]["rng"] != resumed[1]["rng"], "each process draws its own numbers"
    assert whole[1]["files_of_second"] == [], "only the first process writes"
    states = [
        CheckpointManager(tmp_path / name / "0" / "checkpoints").load("last").state
        for name in ("whole", "cut")
    ]
    assert weights_hash(states[0]["model"]) == weights_hash(states[1]["model"])
    assert states[0]["progress"] == states[1]["progress"]
    alone = make_trainer(None, full_config(), model=tiny_model())
    with pytest.raises(CheckpointError, match=r"written by 2 processes.*nproc-per-node 2"):
        alone.resume(states[0])


# ---------------------------------------------------------------- losing one


def losing_pair(rank: int, how: str) -> None:
    class Lose(Callback):
        def on_step_end(self, trainer: BaseTrainer, result: Any) -> None:
            if trainer.progress.step == 3 and rank == 1:
                if how == "kill":
                    os.kill(os.getpid(), signal.SIGKILL)
                raise RuntimeError("something broke here")

    trainer = LanguageModelTrainer(auto_model(), TrainingConfig(epochs=500), device="cpu", callbacks=[Lose()])
    trainer.train(token_batches(24)[rank::2])


@pytest.mark.parametrize("how", ["kill", "raise"])
def test_when_one_process_is_lost_the_other_ends_soon_and_says_so(tmp_path: Path, how: str) -> None:
    began = time.monotonic()
    pair = start_pair(tmp_path, losing_pair, how)
    for process in pair:
        process.join(30)
    assert time.monotonic() - began < 30
    assert pair[1].exitcode == (-9 if how == "kill" else 1)
    assert pair[0].exitcode == LostProcessError.exit_code == 1
    message = (tmp_path / "error0.txt").read_text()
    assert message.startswith("LostProcessError: process 0 of 2 stops: another process of this run has ended")
