"""The command-line parameters of `optimize` and `find_learning_rate`; light, for they are read at each --help."""

from pathlib import Path

import click

_FOLDER = click.Path(path_type=Path, file_okay=False)

SEARCH_OPTIONS: tuple[click.Parameter, ...] = (
    click.Option(
        ["--search", "-s"],
        default="searches/quickstart.yaml",
        show_default=True,
        metavar="FILE",
        help="What is searched.",
    ),
    click.Option(
        ["--workers"], type=click.IntRange(1, 256), help="Trials at a time; one a core if not said."
    ),
    click.Option(["--trials"], type=click.IntRange(min=1), help="Trials in all, instead of the file's."),
    click.Option(
        ["--max-minutes"],
        type=click.FloatRange(0, min_open=True),
        help="Start no trial after so many minutes.",
    ),
    click.Option(
        ["--output", "-o"], type=_FOLDER, help="Folder of the search; what it holds is not done again."
    ),
)

RANGE_TEST_OPTIONS: tuple[click.Parameter, ...] = (
    click.Option(["--lowest"], type=click.FloatRange(0, min_open=True), default=1e-6, show_default=True),
    click.Option(["--highest"], type=click.FloatRange(0, min_open=True), default=10.0, show_default=True),
    click.Option(
        ["--updates"],
        type=click.IntRange(10, 100_000),
        default=200,
        show_default=True,
        help="From the lowest rate to the highest.",
    ),
    click.Option(["--output", "-o"], type=_FOLDER, help="Folder of the curve and its picture."),
)
