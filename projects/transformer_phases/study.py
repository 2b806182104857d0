"""Train every era with every seed as plain processes, resumable, then compare them on a page."""

import sys
from collections.abc import Sequence
from pathlib import Path

import click
from mlcore.cli import Options, run_command
from mlcore.cli.study_options import study_options

PROJECT = Path(__file__).resolve().parent
NANO = "nano_1,nano_2,nano_3,nano_4,nano_5"
SEEDS = "42,123,456,1,2,3,4,5,6,7"
EXTRA = (
    click.Option(["--configs"], default=NANO, show_default=True, help="Names in configs/, by commas."),
    *study_options(SEEDS),
    click.Option(
        ["--share"],
        type=click.FloatRange(0, 1, min_open=True),
        default=1.0,
        show_default=True,
        help="Share of each configuration's steps, to try a study out.",
    ),
    click.Option(["--set", "settings"], multiple=True, metavar="KEY=VALUE", help="Set any key in all runs."),
)


def command(config: None, options: Options) -> int:
    """Train every era with every seed as plain processes, resumable, then compare them on a page."""
    from transformer_phases.study import run_phases

    return run_phases(options)


def main(argv: Sequence[str] | None = None) -> int:
    """Parse, build, run; returns the exit code."""
    return run_command(command, schema=None, argv=argv, project=PROJECT, extra=EXTRA, flags="none")


if __name__ == "__main__":
    sys.exit(main())
