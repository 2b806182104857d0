"""Measure a trained model on validation text; --generate also writes samples and judges them."""

import sys
from collections.abc import Sequence
from pathlib import Path

import click
from mlcore.cli import Options, run_command

PROJECT = Path(__file__).resolve().parent
EXTRA = (
    click.Option(["--generate"], is_flag=True, help="Write samples and judge them."),
    click.Option(["--max-batches"], type=click.IntRange(min=1), help="Measure on so many batches only."),
)


def command(config: object, options: Options) -> None:
    """Measure a trained model on validation text; --generate also writes samples and judges them."""
    from mlcore.text_experiment.commands import evaluate
    from rnn_suite import build

    evaluate(config, options, build)


def main(argv: Sequence[str] | None = None) -> int:
    """Parse, build, run; returns the exit code."""
    return run_command(
        command,
        schema="rnn_suite.config:ExperimentConfig",
        argv=argv,
        project=PROJECT,
        extra=EXTRA,
        flags="evaluation",
    )


if __name__ == "__main__":
    sys.exit(main())
