"""The command-line parameters that every project's `benchmark` has; light, for they are read at each --help."""

from pathlib import Path

import click

BENCHMARK_OPTIONS: tuple[click.Parameter, ...] = (
    click.Option(
        ["--dtype", "dtypes"],
        multiple=True,
        type=click.Choice(["float32", "bfloat16"]),
        help="Of the products; float32, and bfloat16 where the hardware multiplies it.",
    ),
    click.Option(["--device"], help="auto, cpu, cuda, cuda:1, mps; that of the config."),
    click.Option(["--variants"], metavar="NAME,NAME", help="Only these, by commas."),
    click.Option(
        ["--rounds"], type=click.IntRange(1), default=10, show_default=True, help="Turns of each variant."
    ),
    click.Option(["--steps"], type=click.IntRange(1), default=3, show_default=True, help="Steps of a turn."),
    click.Option(["--threads"], type=click.IntRange(1), help="Threads of each process; torch's own number."),
    click.Option(
        ["--seed"], type=click.IntRange(0), default=0, show_default=True, help="Of weights and tokens."
    ),
    click.Option(
        ["--time-limit"], type=click.FloatRange(1), default=900, help="Seconds for one answer of a variant."
    ),
    click.Option(
        ["--output", "-o"], type=click.Path(path_type=Path, file_okay=False), help="Folder of the results."
    ),
)
