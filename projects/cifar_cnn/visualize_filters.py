"""Draw the filters of a trained model and the images that they answer to most."""

import sys
from collections.abc import Sequence
from pathlib import Path

from mlcore.cli import Options, run_command

PROJECT = Path(__file__).resolve().parent


def command(config: object, options: Options) -> None:
    """Draw the filters of a trained model and the images that they answer to most."""
    from cifar_cnn import build
    from mlcore.image_classification.filters import visualize_filters

    visualize_filters(config, options, build)


def main(argv: Sequence[str] | None = None) -> int:
    """Parse, build, run; returns the exit code."""
    return run_command(
        command,
        schema="cifar_cnn.config:ExperimentConfig",
        argv=argv,
        project=PROJECT,
        flags="evaluation",
    )


if __name__ == "__main__":
    sys.exit(main())
