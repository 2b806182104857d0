"""Judge a trained model on the test images: accuracy with its interval, classes, calibration, confusion."""

import sys
from collections.abc import Sequence
from pathlib import Path

import click
from mlcore.cli import Options, run_command

PROJECT = Path(__file__).resolve().parent
EXTRA = (
    click.Option(
        ["--split"],
        type=click.Choice(["test", "validation"]),
        default="test",
        show_default=True,
        help="Which images.",
    ),
    click.Option(
        ["--baselines"],
        is_flag=True,
        help="First train scikit-learn's classifiers on the same images (minutes on MNIST; kept).",
    ),
)


def command(config: object, options: Options) -> None:
    """Judge a trained model on the test images: accuracy with its interval, classes, calibration, confusion."""
    from mnist_classifier.evaluation import evaluate

    evaluate(config, options)  # type: ignore[arg-type]


def main(argv: Sequence[str] | None = None) -> int:
    """Parse, build, run; returns the exit code."""
    return run_command(
        command,
        schema="mnist_classifier.config:ExperimentConfig",
        argv=argv,
        project=PROJECT,
        extra=EXTRA,
        flags="evaluation",
    )


if __name__ == "__main__":
    sys.exit(main())
