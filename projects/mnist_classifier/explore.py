"""Look at the data: class distribution, mean images, examples, normalisation, augmentation."""

import sys
from collections.abc import Sequence
from pathlib import Path

import click
from mlcore.cli import Options, run_command

PROJECT = Path(__file__).resolve().parent
EXTRA = (click.Option(["--output", "-o"], type=click.Path(path_type=Path), help="Folder of the figures."),)


def command(config: object, options: Options) -> None:
    """Look at the data: class distribution, mean images, examples, normalisation, augmentation."""
    from mnist_classifier.exploration import explore_command

    explore_command(config, options)  # type: ignore[arg-type]


def main(argv: Sequence[str] | None = None) -> int:
    """Parse, build, run; returns the exit code."""
    return run_command(
        command,
        schema="mnist_classifier.config:ExperimentConfig",
        argv=argv,
        project=PROJECT,
        extra=EXTRA,
        flags="training",
    )


if __name__ == "__main__":
    sys.exit(main())
