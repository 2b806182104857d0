"""Judge a trained classifier on the test texts: accuracy with its interval, classes, calibration, confusion."""

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
        help="Which texts.",
    ),
)


def command(config: object, options: Options) -> None:
    """Judge a trained classifier on the test texts: accuracy with its interval, classes, calibration, confusion."""
    from rnn_suite.classification.evaluation import evaluate

    evaluate(config, options)  # type: ignore[arg-type]


def main(argv: Sequence[str] | None = None) -> int:
    """Parse, build, run; returns the exit code."""
    return run_command(
        command,
        schema="rnn_suite.config:ClassifierConfig",
        argv=argv,
        project=PROJECT,
        default_config="configs/classifiers/storybook_plots.yaml",
        extra=EXTRA,
        flags="evaluation",
        runs="runs/classifiers",
    )


if __name__ == "__main__":
    sys.exit(main())
