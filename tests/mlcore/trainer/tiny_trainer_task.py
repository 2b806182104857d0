"""A tiny regression task with everything that makes resume hard: dropout, shuffling, averages, a plateau
schedule.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import torch
from mlcore.checkpoint import CheckpointManager
from mlcore.logger import TrainingLogger
from mlcore.trainer import BaseTrainer, TrainingConfig
from torch import Tensor, nn
from torch.utils.data import DataLoader, TensorDataset

NUM_SAMPLES, BATCH_SIZE, WIDTH = 32, 4, 6


class Regression(BaseTrainer):
    """Mean squared error, with the mean absolute error as a metric."""

    def get_criterion(self) -> Any:
        return nn.MSELoss()

    def compute_metrics(self, outputs: Tensor, batch: Any) -> dict[str, Tensor]:
        return {"absolute": (outputs - batch[1]).abs().mean()}


class SeededLoader:
    """Batches whose order is a function of (seed, epoch) and whose position can be set."""

    def __init__(self, data: list[tuple[Tensor, Tensor]], seed: int = 0) -> None:
        self.data, self.seed, self.epoch, self.start = data, seed, 0, 0

    def __len__(self) -> int:
        return len(self.data)

    def set_epoch(self, epoch: int) -> None:
        self.epoch, self.start = epoch, 0

    def state_dict(self) -> dict[str, int]:
        return {"epoch": self.epoch, "position": -1, "seed": self.seed}

    def load_state_dict(self, state: Mapping[str, int]) -> None:
        self.epoch, self.start, self.seed = state["epoch"], state["position"], state["seed"]

    def __iter__(self) -> Iterator[tuple[Tensor, Tensor]]:
        generator = torch.Generator().manual_seed(1000 * self.seed + self.epoch)
        order = torch.randperm(len(self.data), generator=generator).tolist()[self.start :]
        self.start = 0
        return iter([self.data[index] for index in order])


def samples(num_samples: int = NUM_SAMPLES, seed: int = 5) -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(seed)
    inputs = torch.randn(num_samples, WIDTH, generator=generator)
    targets = inputs.sum(dim=1, keepdim=True) + 0.1 * torch.randn(num_samples, 1, generator=generator)
    return inputs, targets


def batches(
    num_samples: int = NUM_SAMPLES, seed: int = 5, size: int = BATCH_SIZE
) -> list[tuple[Tensor, Tensor]]:
    inputs, targets = samples(num_samples, seed)
    return list(zip(inputs.split(size), targets.split(size), strict=True))


def shuffled_loader(num_workers: int = 0) -> DataLoader[Any]:
    """torch's own: it draws its shuffling from the global generator and knows nothing of positions."""
    return DataLoader(TensorDataset(*samples()), batch_size=BATCH_SIZE, shuffle=True, num_workers=num_workers)


def tiny_model(seed: int = 3) -> nn.Module:
    torch.manual_seed(seed)
    return nn.Sequential(
        nn.Linear(WIDTH, 16), nn.BatchNorm1d(16), nn.GELU(), nn.Dropout(0.2), nn.Linear(16, 1)
    )


def full_config(**changes: Any) -> TrainingConfig:
    """A configuration in which every piece of saved state matters."""
    settings: dict[str, Any] = {
        "epochs": 3,
        "learning_rate": 0.02,
        "max_grad_norm": 1.0,
        "ema_decay": 0.8,
        "schedule": {"type": "plateau", "patience": 0, "factor": 0.5, "threshold": 0.2, "warmup_steps": 3},
        "early_stopping": {"patience": 20},
        "eval_every": 3,
        "log_every": 1,
        "save_every": None,
        **changes,
    }
    return TrainingConfig(**settings)


def make_trainer(folder: Path | None, config: TrainingConfig, **options: Any) -> Regression:
    """A trainer with the real checkpoints and the real logger in ``folder``."""
    if folder is not None:
        options.setdefault("checkpoints", CheckpointManager(folder / "checkpoints"))
        options.setdefault("logger", TrainingLogger(folder, mode="silent", tensorboard=False))
    return Regression(options.pop("model", None) or tiny_model(), config, device="cpu", **options)


def weights_hash(weights: Mapping[str, Tensor]) -> str:
    digest = hashlib.sha256()
    for name in sorted(weights):
        digest.update(name.encode())
        digest.update(weights[name].detach().reshape(-1).contiguous().view(torch.uint8).numpy().tobytes())
    return digest.hexdigest()


def metric_stream(folder: Path) -> list[dict[str, Any]]:
    """metrics.jsonl without what depends on the clock."""
    lines = (folder / "metrics.jsonl").read_text().splitlines()
    records = [json.loads(line) for line in lines]
    return [{name: value for name, value in record.items() if name != "timing"} for record in records]


def outcome(trainer: BaseTrainer, folder: Path) -> dict[str, Any]:
    """Everything that must be the same in two equal runs."""
    ema = None if trainer.ema is None else weights_hash(trainer.ema.model.state_dict())
    optimizer = trainer.updater.state_dict()["state"]
    moments = {f"{index}.{name}": value for index, one in optimizer.items() for name, value in one.items()}
    return {
        "model": weights_hash(trainer.model.state_dict()),
        "ema": ema,
        "optimizer": weights_hash(moments),
        "schedule": trainer.plan.state_dict(),
        "stopping": trainer.monitor.early_stopping and trainer.monitor.early_stopping.state_dict(),
        "best": trainer.monitor.best.state_dict(),
        "guard": trainer.guard.state_dict(),
        "progress": trainer.progress.state_dict(),
        "scaler": trainer.precision.state_dict(),
        "stream": metric_stream(folder),
    }
