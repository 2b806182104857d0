"""The command-line parameters of `optimize_settings`; light, for they are read at each --help."""

import click

SETTINGS_OPTIONS: tuple[click.Parameter, ...] = (
    click.Option(
        ["--first-batch-size"],
        type=click.IntRange(min=1),
        default=8,
        show_default=True,
        help="Doubled from there on.",
    ),
    click.Option(
        ["--max-batch-size"],
        type=click.IntRange(min=1),
        default=65_536,
        show_default=True,
        help="No larger batch is tried.",
    ),
    click.Option(
        ["--seconds"],
        type=click.FloatRange(0, min_open=True),
        default=2.0,
        show_default=True,
        help="How long each candidate is timed.",
    ),
    click.Option(
        ["--memory-gib"],
        type=click.FloatRange(0, min_open=True),
        help="Most memory of a candidate's process.",
    ),
    click.Option(["--again"], is_flag=True, help="Measure although the answer is known."),
)
