"""Take weights or whole filters out of a trained model, train the rest on, and compare on validation images."""

import sys
from collections.abc import Sequence
from pathlib import Path

from mlcore.cli import Options, run_command
from mlcore.image_classification.options import PRUNING_OPTIONS

PROJECT = Path(__file__).resolve().parent


def command(config: object, options: Options) -> None:
    """Take weights or whole filters out of a trained model, train the rest on, and compare on validation images."""
    from cifar_cnn import build
    from mlcore.image_classification.pruning import prune
    from mldata.test_guard import test_split_closed

    with test_split_closed():
        prune(config, options, build)


def main(argv: Sequence[str] | None = None) -> int:
    """Parse, build, run; returns the exit code."""
    return run_command(
        command,
        schema="cifar_cnn.config:ExperimentConfig",
        argv=argv,
        project=PROJECT,
        extra=PRUNING_OPTIONS,
        flags="evaluation",
    )


if __name__ == "__main__":
    sys.exit(main())
