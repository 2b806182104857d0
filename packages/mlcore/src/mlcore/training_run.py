"""What every project's `train` does around its trainer: find or make the run folder, lock it, log, save, resume."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol

from mlcore.checkpoint import CheckpointManager
from mlcore.cli import Options
from mlcore.config import dump_config
from mlcore.config.section import Section
from mlcore.environment import describe_environment
from mlcore.errors import RunNotFoundError
from mlcore.logger import TrainingLogger
from mlcore.logger.config import LoggingConfig
from mlcore.runs import RunFolder, create_run, newest_run
from mlcore.trainer.base import BaseTrainer
from mlcore.trainer.config import TrainingConfig
from mlcore.trainer.distributed import disconnect
from mlcore.trainer.hang_watch import HangWatch
from mlcore.trainer.protocols import Loader


class Experiment(Protocol):
    """The part of a project's root section that this module reads."""

    @property
    def name(self) -> str: ...

    @property
    def logging(self) -> LoggingConfig: ...


def run_to_resume(options: Options, name: str) -> RunFolder | None:
    """The run that `--resume` names; `auto` is the newest one of this name that did not come to its end, if any."""
    if options.resume == "auto":
        newest = newest_run(options.runs_dir, name, complete=False)
        return None if newest is None or newest.is_complete else newest
    return options.run_folder if options.resume is not None else None


def checkpoint_to_evaluate(options: Options) -> Path:
    """The checkpoint of the command line, or the best of the run that it names.

    Raises:
        RunNotFoundError: neither is there.
    """
    if options.checkpoint is not None:
        return options.checkpoint
    if options.run_folder is None:
        raise RunNotFoundError(f"no finished run in {options.runs_dir}: train one, or name a --checkpoint")
    return options.run_folder.checkpoints / "best.pt"


def make_logger(experiment: Experiment, run: RunFolder | None, **options: Any) -> TrainingLogger:
    """The logger of a run as its logging section wants it; `options` go to `TrainingLogger`."""
    logging = experiment.logging
    return TrainingLogger(
        None if run is None else run.path,
        mode=logging.mode,
        tensorboard=logging.use_tensorboard,
        wandb=logging.use_wandb,
        wandb_project=logging.wandb_project,
        experiment_name=None if run is None else run.path.name,
        **options,
    )


def make_checkpoints(training: TrainingConfig, run: RunFolder | None) -> CheckpointManager | None:
    """What saves the run's checkpoints; None without a run folder."""
    if run is None:
        return None
    return CheckpointManager(
        run.checkpoints, keep_last=training.keep_last, mode=training.monitor_mode, monitor=training.monitor
    )


def new_run(options: Options, config: Section, name: str) -> RunFolder:
    """A run folder that begins with the resolved configuration and a description of the machine."""
    environment = json.dumps(describe_environment(options.project), indent=1) + "\n"
    return create_run(
        options.runs_dir,
        name,
        files={"config.yaml": dump_config(config), "environment.json": environment},
    )


def train_in_run(
    config: Any,
    options: Options,
    *,
    resumed: RunFolder | None,
    loaders: tuple[Loader, Loader | None],
    logger_for: Callable[[RunFolder | None], TrainingLogger],
    trainer_for: Callable[[RunFolder | None, TrainingLogger], BaseTrainer],
    prepare_run: Callable[[RunFolder], None] | None = None,
    finish: Callable[[RunFolder, BaseTrainer], None],
) -> RunFolder | None:
    """Train in a new run folder, or on in `resumed`, while no other process may.

    Args:
        config: the resolved root section.
        loaders: of training and of validation.
        prepare_run: puts further files into the folder before training.
        finish: called after training, still under the lock: evaluates, reports.

    Returns:
        The run; None on all but the first process of a distributed training.
    """

    def train(run: RunFolder | None) -> BaseTrainer:
        with logger_for(run) as logger:
            trainer = trainer_for(run, logger)
            if resumed is not None:
                trainer.resume(CheckpointManager(resumed.checkpoints).load("last").state)
            with HangWatch(trainer):
                trainer.train(*loaders)
        disconnect()
        return trainer

    if int(os.environ.get("RANK", "0")) > 0:
        train(None)
        return None
    run = resumed or new_run(options, config, config.name)
    with run.lock():
        if prepare_run is not None:
            prepare_run(run)
        finish(run, train(run))
    return run
