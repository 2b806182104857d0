"""`training.batch_size: auto` becomes the number that `optimize_settings` has found on this machine."""

import sys
from pathlib import Path
from typing import Any

from mlcore.errors import ConfigError
from mlcore.trainer.batch_size_config import AutoBatchSize


def with_measured_batch_size(config: Any, project: Path, config_path: Path | None) -> Any:
    """`config` with a number in the place of auto, so that whatever is saved of it can be reproduced elsewhere.

    Args:
        config: a project's root section; another one, or one that has a number, is returned as it is.
        project: its folder.
        config_path: where it was read from, for the message.

    Raises:
        ConfigError: nothing has been measured, or the project cannot measure it.
    """
    training: Any = getattr(config, "training", None)
    if not isinstance(getattr(training, "batch_size", None), AutoBatchSize):
        return config
    name = project.name
    if type(config).__module__ != f"{name}.config" or not (project / "optimize_settings.py").is_file():
        raise ConfigError(
            "training.batch_size: auto is for what optimize_settings measures: give a number here"
        )
    from mlcore.machine_settings.command import question_of
    from mlcore.machine_settings.store import stored_settings
    from mlcore.trainer.distributed import rank_and_world_size

    question = question_of(config, target_of(project))
    known = stored_settings(question)
    if known is None:
        words = "" if config_path is None else f" --config {config_path}"
        raise ConfigError(
            f"training.batch_size is auto, and nothing was measured for this configuration on this machine "
            f"({question.device}): first run\nhatch run projects/{name} optimize_settings{words}"
        )
    rank, _ = rank_and_world_size()
    if rank == 0:
        print(f"batch size {known.batch_size}: measured on this machine on {known.measured}", file=sys.stderr)
    return config.model_copy(
        update={"training": training.model_copy(update={"batch_size": known.batch_size})}
    )


def target_of(project: Path) -> str:
    """The function that builds a project's training step, for the processes that time it."""
    return f"{project.name}.tuning:training_step"
