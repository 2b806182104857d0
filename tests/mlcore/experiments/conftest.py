"""Run folders written by the real logger and the real evaluation file, in milliseconds."""

import json
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from mlcore.config import Section
from mlcore.config.dumping import dump_config
from mlcore.evaluator.evaluation_file import write_evaluation
from mlcore.experiments import ExperimentLogger, write_predictions
from mlcore.logger import TrainingLogger
from mlcore.runs import create_run


class ModelSection(Section):
    type: str = "fc"
    hidden_sizes: tuple[int, ...] = (256, 128)
    dropout: float = 0.2


class TrainingSection(Section):
    learning_rate: float = 0.001
    monitor: str = "val_loss"
    early_stopping: dict[str, int] | None = None


class ExperimentSection(Section):
    name: str
    seed: int = 42
    model: ModelSection = ModelSection()
    training: TrainingSection = TrainingSection()


ENVIRONMENT = {
    "python": "3.11.7",
    "cpu": "a processor",
    "libraries": {"torch": "2.15.0", "numpy": "2.4.6"},
    "torch": {"num_threads": 1, "cuda_devices": []},
    "git": {"commit": "a" * 40, "is_dirty": False},
    "command": ["train.py"],
}
NUM_EXAMPLES = 200


class RunMaker:
    """Makes runs in one folder, each a second later than the one before."""

    def __init__(self, runs_dir: Path) -> None:
        self.runs_dir = runs_dir
        self._second = 0

    def __call__(
        self,
        name: str,
        *,
        seed: int = 42,
        accuracy: float | None = 0.9,
        status: str | None = "completed",
        split: str = "test",
        loss_change: Callable[[int], float] = lambda step: 0.0,
        environment: dict[str, Any] | None = None,
        predictions: bool = False,
        fingerprint: str = "f" * 64,
        **sections: Any,
    ) -> Path:
        self._second += 1
        config = ExperimentSection.model_validate({"name": name, "seed": seed, **sections})
        files = {
            "config.yaml": dump_config(config),
            "environment.json": json.dumps(ENVIRONMENT | (environment or {}), indent=1),
        }
        stamp = f"20260101-{self._second // 60:04d}{self._second % 60:02d}"
        folder = create_run(self.runs_dir, name, timestamp=stamp, files=files).path
        self._train(folder, seed, status, loss_change)
        if accuracy is not None:
            num_correct = round(accuracy * NUM_EXAMPLES)
            metrics = {
                "accuracy": num_correct / NUM_EXAMPLES,
                "loss": 1 - accuracy,
                "confusion": [[1, 0], [0, 1]],
            }
            baselines = {"majority": {"accuracy": 0.1}}
            write_evaluation(folder, checkpoint="best.pt", split=split, metrics=metrics, baselines=baselines)
            if predictions:
                labels = [i % 10 for i in range(NUM_EXAMPLES)]
                order = random.Random(f"{name}{seed}").sample(range(NUM_EXAMPLES), num_correct)
                answers = [label if i in set(order) else (label + 1) % 10 for i, label in enumerate(labels)]
                write_predictions(
                    folder, split=split, fingerprint=fingerprint, labels=labels, predictions=answers
                )
        return folder

    def _train(
        self, folder: Path, seed: int, status: str | None, loss_change: Callable[[int], float]
    ) -> None:
        logger = TrainingLogger(folder, mode="silent", tensorboard=False, clock=lambda: 0.0)
        logger.start({"device": "cpu"})
        noise = random.Random(seed)
        for step in range(1, 11):
            loss = 2 / step + 0.01 * noise.random() + loss_change(step)
            logger.log_step(step, {"loss": loss, "lr": 1e-3}, num_items=64)
            if step % 5 == 0:
                logger.log_validation(step, {"loss": loss + 0.1, "accuracy": 0.5 + step / 50})
        if status is not None:
            logger.finish(status, {"reason": "done"})


@pytest.fixture
def make_run(tmp_path: Path) -> RunMaker:
    return RunMaker(tmp_path / "runs")


@pytest.fixture
def ledger(make_run: RunMaker) -> ExperimentLogger:
    """The ledger of the runs that `make_run` makes."""
    return ExperimentLogger(make_run.runs_dir)
