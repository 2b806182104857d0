"""Train a network for small photographs; the test images stay closed."""

import sys
from collections.abc import Sequence
from pathlib import Path

from mlcore.cli import Options, run_command
from mlcore.image_classification.options import NO_PREFLIGHT

PROJECT = Path(__file__).resolve().parent


def command(config: object, options: Options) -> None:
    """Train a network for small photographs; the test images stay closed."""
    from cifar_cnn.training import train

    train(config, options)  # type: ignore[arg-type]


def main(argv: Sequence[str] | None = None) -> int:
    """Parse, build, run; returns the exit code."""
    return run_command(
        command,
        schema="cifar_cnn.config:ExperimentConfig",
        argv=argv,
        project=PROJECT,
        extra=(NO_PREFLIGHT,),
    )


if __name__ == "__main__":
    sys.exit(main())
