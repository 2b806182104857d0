"""Draw a digit in a local web page and see what a trained model takes it for."""

import sys
from collections.abc import Sequence
from pathlib import Path

import click
from mlcore.cli import Options, run_command

PROJECT = Path(__file__).resolve().parent
EXTRA = (click.Option(["--port"], type=click.IntRange(0, 65535), default=0, help="0 takes a free one."),)


def command(config: object, options: Options) -> None:
    """Draw a digit in a local web page and see what a trained model takes it for."""
    from mnist_classifier.demonstration import demonstrate

    demonstrate(config, options)  # type: ignore[arg-type]


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
