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
    click.Option(
        ["--dynamic"],
        type=click.FloatRange(min=0, min_open=True),
        metavar="RATE",
        help="Learn from each window, at this rate, after it was judged, and measure that.",
    ),
    click.Option(
        ["--decay"],
        type=click.FloatRange(0, 1),
        default=0.001,
        show_default=True,
        help="With --dynamic: share of the way back to the trained weights, a window.",
    ),
)


def command(config: object, options: Options) -> None:
    """Measure a trained model on validation text; --generate also writes samples and judges them."""
    from mlcore.text_experiment.commands import evaluate
    from rnn_suite import build
    from rnn_suite.dynamic_evaluation import evaluate_dynamically

    if options.extra["dynamic"] is not None:
        return evaluate_dynamically(config, options)  # type: ignore[arg-type]
    return evaluate(config, options, build)


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
