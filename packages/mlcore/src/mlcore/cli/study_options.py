"""The command-line parameters that every study of several seeds has; light, for they are read at each --help."""

from pathlib import Path

import click


def study_options(seeds: str) -> tuple[click.Parameter, ...]:
    """Seeds with this default, processes at a time, and the study's folder."""
    return (
        click.Option(["--seeds"], default=seeds, show_default=True, help="Seeds, by commas."),
        click.Option(["--workers"], type=click.IntRange(1, 256), help="Processes at a time; one a core."),
        click.Option(
            ["--output", "-o"],
            type=click.Path(path_type=Path, file_okay=False),
            help="Folder of the study; what it holds is not done again.",
        ),
    )
