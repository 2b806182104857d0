"""The configuration that all runs of a study begin with."""

import hashlib
from pathlib import Path

from pydantic import BaseModel

from mlcore.config import dump_config


def write_base(config: BaseModel, folder: Path) -> Path:
    """Write it into the study's folder. Another one has another name, so that no run of it counts as done."""
    text = dump_config(config)
    path = folder / f"config_{hashlib.sha256(text.encode()).hexdigest()[:12]}.yaml"
    folder.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path
