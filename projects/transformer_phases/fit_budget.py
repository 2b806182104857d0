"""Find the shapes of an era that spend a budget of parameters, with the operations of each."""

import sys
from collections.abc import Sequence
from pathlib import Path

import click
from mlcore.cli import Options, run_command

PROJECT = Path(__file__).resolve().parent
PHASES = click.Choice(["phase_1", "phase_2", "phase_3", "phase_4", "phase_4t", "phase_5"])
EXTRA = (
    click.Option(
        ["--budget"], type=click.IntRange(1), default=8_700_000, show_default=True, help="Parameters."
    ),
    click.Option(
        ["--vocab-size"], type=click.IntRange(1), default=2048, show_default=True, help="Token ids."
    ),
    click.Option(["--style"], type=PHASES, default="phase_1", show_default=True, help="The era."),
    click.Option(
        ["--tolerance"], type=click.FloatRange(0, 1, min_open=True), default=0.005, show_default=True
    ),
    click.Option(
        ["--context"], type=click.IntRange(1), default=256, show_default=True, help="Tokens a window."
    ),
    click.Option(["--most"], type=click.IntRange(1), default=20, show_default=True, help="Rows to show."),
)


def command(config: None, options: Options) -> int:
    """Find the shapes of an era that spend a budget of parameters, with the operations of each."""
    from transformer_phases.budget import print_fits

    return print_fits(options)


def main(argv: Sequence[str] | None = None) -> int:
    """Parse, build, run; returns the exit code."""
    return run_command(command, schema=None, argv=argv, project=PROJECT, extra=EXTRA, flags="none")


if __name__ == "__main__":
    sys.exit(main())
