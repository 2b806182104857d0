"""Train every configuration of configs/ablations with several seeds, in parallel, and compare the results."""

import sys
from collections.abc import Sequence
from pathlib import Path

import click
from mlcore.cli import Options, run_command

PROJECT = Path(__file__).resolve().parent
FOLDER = click.Path(path_type=Path, file_okay=False)
EXTRA = (
    click.Option(["--seeds"], default="42,123,456", show_default=True, help="Seeds, by commas."),
    click.Option(["--configs"], type=FOLDER, help="Folder of the configurations; one is reference.yaml."),
    click.Option(["--workers"], type=click.IntRange(1, 256), help="Processes at a time; one a core."),
    click.Option(
        ["--output", "-o"], type=FOLDER, help="Folder of the study; what it holds is not done again."
    ),
    click.Option(["--set", "settings"], multiple=True, metavar="KEY=VALUE", help="Set any key in all runs."),
)


def command(config: None, options: Options) -> int:
    """Train every configuration of configs/ablations with several seeds, in parallel, and compare the results."""
    from mnist_classifier.ablations import run_ablations

    return run_ablations(options)


def main(argv: Sequence[str] | None = None) -> int:
    """Parse, build, run; returns the exit code."""
    return run_command(command, schema=None, argv=argv, project=PROJECT, extra=EXTRA, flags="none")


if __name__ == "__main__":
    sys.exit(main())
