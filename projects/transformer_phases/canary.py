"""Would this study notice a leak? Each era learns a source whose best prediction is known, in seconds."""

import sys
from collections.abc import Sequence
from pathlib import Path

import click
from mlcore.cli import Options, run_command

PROJECT = Path(__file__).resolve().parent
EXTRA = (click.Option(["--seed"], type=click.IntRange(0), default=0, show_default=True),)


def command(config: None, options: Options) -> int:
    """Would this study notice a leak? Each era learns a source whose best prediction is known, in seconds."""
    from transformer_phases.canary import NANO_PHASES, check_phase
    from transformer_phases.gap_canary import check_gaps

    for phase in NANO_PHASES:
        print(check_phase(phase, seed=options.extra["seed"]), flush=True)
    print(check_gaps(seed=options.extra["seed"]))
    return 0


def main(argv: Sequence[str] | None = None) -> int:
    """Parse, build, run; returns the exit code."""
    return run_command(command, schema=None, argv=argv, project=PROJECT, extra=EXTRA, flags="none")


if __name__ == "__main__":
    sys.exit(main())
