"""What a command is told besides its configuration."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Any

from mlcore.runs import RunFolder


@dataclass(frozen=True)
class Options:
    """The part of the command line that is not configuration.

    Attributes:
        project: the project's folder.
        config_path: the file that the configuration was read from; None when it came from defaults alone.
        runs_dir: the folder of the run folders.
        resume: what ``--resume`` named: a checkpoint, a run folder, or a name.
        run: what ``--run`` named, as typed.
        checkpoint: what ``--checkpoint`` or ``--weights`` named.
        run_folder: the run that ``resume``, ``run`` or ``checkpoint`` belongs to; for an evaluation that
            names none of them, the newest complete run. None when there is no such run.
        debug: show where internal errors come from.
        extra: the values of the command's own parameters, by name.
    """

    project: Path
    config_path: Path | None
    runs_dir: Path
    resume: str | None = None
    run: str | None = None
    checkpoint: Path | None = None
    run_folder: RunFolder | None = None
    debug: bool = False
    extra: Mapping[str, Any] = field(default_factory=lambda: MappingProxyType({}))
