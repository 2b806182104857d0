"""Draw the most confident mistakes, their clusters, heat maps and nearest training images."""

import sys
from collections.abc import Sequence
from pathlib import Path

from mlcore.cli import Options, run_command
from mlcore.image_classification.options import NUM_FAILURES, SPLIT

PROJECT = Path(__file__).resolve().parent


def command(config: object, options: Options) -> None:
    """Draw the most confident mistakes, their clusters, heat maps and nearest training images."""
    from cifar_cnn import build
    from mlcore.image_classification.failures import visualize_failures

    visualize_failures(config, options, build)


def main(argv: Sequence[str] | None = None) -> int:
    """Parse, build, run; returns the exit code."""
    return run_command(
        command,
        schema="cifar_cnn.config:ExperimentConfig",
        argv=argv,
        project=PROJECT,
        extra=(SPLIT, NUM_FAILURES),
        flags="evaluation",
    )


if __name__ == "__main__":
    sys.exit(main())
