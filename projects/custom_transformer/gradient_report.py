"""Prove the hand-written gradients: every op and every parameter against autograd and central differences."""

import sys
from collections.abc import Sequence
from pathlib import Path

import click
from mlcore.cli import Options, run_command

PROJECT = Path(__file__).resolve().parent
EXTRA = (
    click.Option(
        ["--cases"], type=click.IntRange(min=1), default=1000, show_default=True, help="Random cases an op."
    ),
    click.Option(
        ["--dtype", "dtypes"],
        multiple=True,
        type=click.Choice(["float64", "float32", "bfloat16"]),
        help="Check in this dtype; all three by default.",
    ),
    click.Option(
        ["--seed"], type=click.IntRange(min=0), default=0, show_default=True, help="Seed of the cases."
    ),
    click.Option(
        ["--output"], type=click.Path(path_type=Path), help="Folder for the JSON and the HTML page."
    ),
)


def command(config: None, options: Options) -> int:
    """Prove the hand-written gradients: every op and every parameter against autograd and central differences."""
    from custom_transformer.gradient_page import report_gradients

    output = options.extra["output"] or options.runs_dir / "gradient_report"
    return report_gradients(options.extra["cases"], options.extra["dtypes"], options.extra["seed"], output)


def main(argv: Sequence[str] | None = None) -> int:
    """Parse, build, run; returns the exit code."""
    return run_command(command, schema=None, argv=argv, project=PROJECT, extra=EXTRA, flags="none")


if __name__ == "__main__":
    sys.exit(main())
