"""Train LSTM, GRU and VanillaRNN with as many parameters and tokens, with several seeds, and compare them."""

import sys
from collections.abc import Sequence
from pathlib import Path

import click
from mlcore.cli import Options, run_command
from mlcore.cli.study_options import study_options

PROJECT = Path(__file__).resolve().parent
EXTRA = (
    *study_options("42,123,456,7,8"),
    click.Option(
        ["--variants"], metavar="NAME,NAME", help="Only these, by commas; one is lstm, the reference."
    ),
    click.Option(
        ["--parameters"], type=click.IntRange(1), help="Of every model; those of the config's model."
    ),
)


def command(config: object, options: Options) -> int:
    """Train LSTM, GRU and VanillaRNN with as many parameters and tokens, with several seeds, and compare them."""
    from rnn_suite.comparison import compare

    return compare(config, options)  # type: ignore[arg-type]


def main(argv: Sequence[str] | None = None) -> int:
    """Parse, build, run; returns the exit code."""
    return run_command(
        command,
        schema="rnn_suite.config:ExperimentConfig",
        argv=argv,
        project=PROJECT,
        default_config="configs/compare.yaml",
        extra=EXTRA,
        flags="none",
    )


if __name__ == "__main__":
    sys.exit(main())
