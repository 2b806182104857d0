"""The command that trains one run of a study: a project's own `train`, as a user would start it."""

import sys
from collections.abc import Iterable
from pathlib import Path


def training_command(
    project: Path, *, config: Path, seed: int, runs_dir: Path, settings: Iterable[str] = ()
) -> tuple[str, ...]:
    """The words that train `config` with `seed` and `settings` (``KEY=VALUE``) into a folder of `runs_dir`."""
    overrides = [word for setting in settings for word in ("--set", setting)]
    places = ("--config", str(config), "--seed", str(seed), "--runs-dir", str(runs_dir))
    return (sys.executable, str(project / "train.py"), *places, "--no-tensorboard", *overrides)
