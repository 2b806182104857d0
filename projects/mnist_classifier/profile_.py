"""Show where the time and the memory of a training step go: by part, layer and operator."""

import sys
from collections.abc import Sequence
from pathlib import Path

from mlcore.cli import Options, run_command
from mlcore.profiling.options import PROFILE_OPTIONS

PROJECT = Path(__file__).resolve().parent


def command(config: object, options: Options) -> None:
    """Show where the time and the memory of a training step go: by part, layer and operator."""
    from mlcore.profiling.command import profile
    from mnist_classifier.tuning import make_training

    profile(config, options, lambda: make_training(config), unit="images")  # type: ignore[arg-type]


def main(argv: Sequence[str] | None = None) -> int:
    """Parse, build, run; returns the exit code."""
    return run_command(
        command,
        schema="mnist_classifier.config:ExperimentConfig",
        argv=argv,
        project=PROJECT,
        extra=PROFILE_OPTIONS,
        flags="none",
    )


if __name__ == "__main__":
    sys.exit(main())
