"""Draw contact sheets of what every kind of augmentation makes of the training images."""

import sys
from collections.abc import Sequence
from pathlib import Path

import click
from mlcore.cli import Options, run_command

PROJECT = Path(__file__).resolve().parent
EXTRA = (
    click.Option(["--kind"], multiple=True, help="Only this sheet, or these; all when not given."),
    click.Option(["--output", "-o"], type=click.Path(path_type=Path), help="Folder of the sheets."),
)


def command(config: object, options: Options) -> None:
    """Draw contact sheets of what every kind of augmentation makes of the training images."""
    from cifar_cnn.augmentation_sheets import draw_augmentations

    draw_augmentations(config, options)  # type: ignore[arg-type]


def main(argv: Sequence[str] | None = None) -> int:
    """Parse, build, run; returns the exit code."""
    return run_command(
        command,
        schema="cifar_cnn.config:ExperimentConfig",
        argv=argv,
        project=PROJECT,
        extra=EXTRA,
        flags="training",
    )


if __name__ == "__main__":
    sys.exit(main())
