"""The original's main comparison: phases 1, 2 and 3 on one corpus, with scaled_benchmark.log and a dated JSON."""

import sys
from collections.abc import Sequence
from pathlib import Path

import click
from mlcore.cli import Options, run_command

PROJECT = Path(__file__).resolve().parent
FOLDER = click.Path(path_type=Path, file_okay=False)
EXTRA = (
    click.Option(
        ["--configs"], default="phase_1,phase_2,phase_3", show_default=True, help="Names in configs/."
    ),
    click.Option(["--seeds"], default="42", show_default=True, help="Seeds, by commas."),
    click.Option(["--dataset"], default="classic_books", show_default=True, help="Or openwebtext."),
    click.Option(["--documents"], type=click.IntRange(1), help="Training documents; all without."),
    click.Option(
        ["--val-documents"], type=click.IntRange(1), help="Validation documents; the config's without."
    ),
    click.Option(["--workers"], type=click.IntRange(1, 256), default=1, show_default=True, help="At a time."),
    click.Option(["--share"], type=click.FloatRange(0, 1, min_open=True), default=1.0, help="Of the steps."),
    click.Option(["--output", "-o"], type=FOLDER, help="Folder of the benchmark."),
    click.Option(["--set", "settings"], multiple=True, metavar="KEY=VALUE", help="Set any key in all runs."),
)


def command(config: None, options: Options) -> int:
    """The original's main comparison: phases 1, 2 and 3 on one corpus, with scaled_benchmark.log and a dated JSON."""
    from transformer_phases.scaled_benchmark import run_scaled_benchmark

    return run_scaled_benchmark(options)


def main(argv: Sequence[str] | None = None) -> int:
    """Parse, build, run; returns the exit code."""
    return run_command(command, schema=None, argv=argv, project=PROJECT, extra=EXTRA, flags="none")


if __name__ == "__main__":
    sys.exit(main())
