"""Examine data, model and training before anybody believes a result: overfitting, gradients, leaks."""

import sys
from collections.abc import Sequence
from pathlib import Path

import click
from mlcore.cli import Options, run_command

PROJECT = Path(__file__).resolve().parent
EXTRA = (
    click.Option(["--output", "-o"], type=click.Path(path_type=Path), help="Also write the report as JSON."),
)


def command(config: object, options: Options) -> int:
    """Examine data, model and training before anybody believes a result: overfitting, gradients, leaks."""
    from mnist_classifier.sanity import sanity

    return sanity(config, options)  # type: ignore[arg-type]


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
