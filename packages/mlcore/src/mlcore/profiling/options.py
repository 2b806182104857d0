"""The command-line parameters of `profile`; light, for they are read at each --help."""

from pathlib import Path

import click

PROFILE_OPTIONS: tuple[click.Parameter, ...] = (
    click.Option(
        ["--steps"], type=click.IntRange(1, 10_000), default=20, show_default=True, help="Steps by the clock."
    ),
    click.Option(
        ["--warmup"], type=click.IntRange(0, 10_000), default=5, show_default=True, help="Steps before them."
    ),
    click.Option(
        ["--traced"],
        type=click.IntRange(1, 100),
        default=3,
        show_default=True,
        help="Steps under torch's profiler, after them; the trace grows with each.",
    ),
    click.Option(
        ["--output", "-o"],
        type=click.Path(path_type=Path, file_okay=False),
        help="Folder of page, trace and numbers; profiles/NAME beside the runs.",
    ),
)
