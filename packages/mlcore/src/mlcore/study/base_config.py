"""What ties the runs of a study to the configurations that they were begun with."""

import hashlib
from pathlib import Path

from pydantic import BaseModel

from mlcore.config import dump_config


def write_base(config: BaseModel, folder: Path) -> Path:
    """Write the configuration that all runs begin with into the study's folder. Another one has another name, so that
    no run of it counts as done."""
    path = folder / f"config_{_digest(config)[:12]}.yaml"
    folder.mkdir(parents=True, exist_ok=True)
    path.write_text(dump_config(config), encoding="utf-8")
    return path


def variables_of(config: BaseModel) -> dict[str, str]:
    """For a job whose command names a file: with what the file says now the job is this one, and when the file has been
    edited it is another, which is to be done."""
    return {"EXPERIMENT_CONFIG_SHA256": _digest(config)}


def _digest(config: BaseModel) -> str:
    return hashlib.sha256(dump_config(config).encode()).hexdigest()
