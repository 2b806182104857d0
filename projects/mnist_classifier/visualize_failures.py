"""Draw the most confident mistakes, their clusters, heat maps and nearest training images."""

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
        ["--num"], type=click.IntRange(1, 100), default=25, show_default=True, help="Mistakes in the gallery."
    ),
)


def command(config: object, options: Options) -> None:
    """Draw the most confident mistakes, their clusters, heat maps and nearest training images."""
    from mnist_classifier.failures import visualize_failures

    visualize_failures(config, options)  # type: ignore[arg-type]


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
