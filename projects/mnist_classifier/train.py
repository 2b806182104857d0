"""Train a classifier of handwritten digits; the test images stay closed."""

import sys
from collections.abc import Sequence
from pathlib import Path

import click
from mlcore.cli import Options, run_command

PROJECT = Path(__file__).resolve().parent
EXTRA = (
    click.Option(
        ["--cross-validate"],
        type=click.IntRange(2, 100),
        help="Train on all but one of so many parts of the training images, for each part in turn.",
    ),
    click.Option(["--no-preflight"], is_flag=True, help="Skip the checks before training."),
    click.Option(["--workers"], type=click.IntRange(1, 256), help="Cross-validation: processes at a time."),
)


def command(config: object, options: Options) -> None:
    """Train a classifier of handwritten digits; the test images stay closed."""
    from mnist_classifier.training import train

    train(config, options)  # type: ignore[arg-type]


def main(argv: Sequence[str] | None = None) -> int:
    """Parse, build, run; returns the exit code."""
    return run_command(
        command,
        schema="mnist_classifier.config:ExperimentConfig",
        argv=argv,
        project=PROJECT,
        extra=EXTRA,
    )


if __name__ == "__main__":
    sys.exit(main())
