"""Write the page of a study anew from its runs: curves, paired tests, samples side by side."""

import sys
from collections.abc import Sequence
from pathlib import Path

import click
from mlcore.cli import Options, run_command

PROJECT = Path(__file__).resolve().parent
FOLDER = click.Path(path_type=Path, file_okay=False)
EXTRA = (click.Option(["--study"], type=FOLDER, help="Folder of the study; the one of `study` by default."),)


def command(config: None, options: Options) -> int:
    """Write the page of a study anew from its runs: curves, paired tests, samples side by side."""
    from transformer_phases.study import report_again

    return report_again(options)


def main(argv: Sequence[str] | None = None) -> int:
    """Parse, build, run; returns the exit code."""
    return run_command(command, schema=None, argv=argv, project=PROJECT, extra=EXTRA, flags="none")


if __name__ == "__main__":
    sys.exit(main())
