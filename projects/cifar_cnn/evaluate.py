"""Judge a trained model on the test images: accuracy with its interval, classes, calibration, corruptions."""

import sys
from collections.abc import Sequence
from pathlib import Path

from mlcore.cli import Options, run_command
from mlcore.image_classification.options import CORRUPTIONS, SPLIT

PROJECT = Path(__file__).resolve().parent


def command(config: object, options: Options) -> None:
    """Judge a trained model on the test images: accuracy with its interval, classes, calibration, corruptions."""
    from cifar_cnn.evaluation import evaluate

    evaluate(config, options)  # type: ignore[arg-type]


def main(argv: Sequence[str] | None = None) -> int:
    """Parse, build, run; returns the exit code."""
    return run_command(
        command,
        schema="cifar_cnn.config:ExperimentConfig",
        argv=argv,
        project=PROJECT,
        extra=(SPLIT, CORRUPTIONS),
        flags="evaluation",
    )


if __name__ == "__main__":
    sys.exit(main())
