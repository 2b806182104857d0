"""A training command without training: the loss is a closed form, and every way to end can be asked for.

loss = (log10(rate) + 2)² + (x - 0.3)² + (width - 5)² / 100 + (0 for kind "good", 1 for "bad"); smallest, 0, at
rate 0.01, x 0.3, width 5, kind good. It writes the run folder as a real training does, and imports no torch.
"""

import json
import math
import os
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

from mlcore.cli import Options, run_command
from mlcore.config import Section, dump_config
from mlcore.config.run_name import RunName
from mlcore.errors import DivergedError, InterruptedRun, UserError
from mlcore.runs import create_run
from mlcore.trainer.config import TrainingConfig
from pydantic import Field

PROJECT = Path(__file__).resolve().parent


class ToyModel(Section):
    x: float = 0.0
    width: int = Field(default=1, ge=1, le=9)
    kind: Literal["good", "bad"] = "good"
    sizes: list[int] = Field(default_factory=lambda: [8])


class ToyConfig(Section):
    name: RunName = "toy"
    seed: int = 0
    model: ToyModel = ToyModel()
    training: TrainingConfig = TrainingConfig()
    sleep_s: float = 0.0
    fails_above: float | None = None
    diverges_above: float | None = None


def loss_of(rate: float, x: float, width: int = 5, kind: str = "good") -> float:
    return (math.log10(rate) + 2) ** 2 + (x - 0.3) ** 2 + (width - 5) ** 2 / 100 + (kind == "bad")


def command(config: ToyConfig, options: Options) -> None:
    """Train the toy."""
    run = options.run_folder or create_run(
        options.runs_dir, config.name, files={"config.yaml": dump_config(config)}
    )
    with open(run.path / "process_ids", "a") as file:
        file.write(f"{os.getpid()}\n")
    (run.checkpoints / "last.pt").touch()
    loss = loss_of(config.training.learning_rate, config.model.x, config.model.width, config.model.kind)
    try:
        time.sleep(config.sleep_s)
    except KeyboardInterrupt:
        raise InterruptedRun("stopped and saved") from None
    if config.fails_above is not None and config.model.x > config.fails_above:
        raise UserError("the disk is full")
    summary: dict[str, Any] = {"status": "completed", "best": {config.training.monitor: loss, "step": 1}}
    if config.diverges_above is not None and config.training.learning_rate > config.diverges_above:
        (run.path / "metrics.json").write_text(json.dumps({"status": "diverged", "best": None}))
        raise DivergedError("diverged: no finite numbers")
    (run.path / "metrics.json").write_text(json.dumps(summary))
    print(f"\nrun     {run.path}")


def main(argv: Sequence[str] | None = None) -> int:
    return run_command(command, schema=lambda: ToyConfig, argv=argv, project=PROJECT, default_config=None)


if __name__ == "__main__":
    sys.exit(main())
