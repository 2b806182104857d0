"""The options of the command `benchmark`. Imports nothing heavy: `--help` answers at once."""

import click
from mlcore.benchmarking import BENCHMARK_OPTIONS

MODELS = ("lstm", "gru", "rnn", "encoder")
EXTRA = (
    click.Option(
        ["--model", "models"],
        multiple=True,
        type=click.Choice(MODELS),
        help="Language models of a cell, or the bidirectional encoder of the config's cell; all.",
    ),
    click.Option(
        ["--batch-size"],
        type=click.IntRange(1),
        default=256,
        show_default=True,
        help="Sequences a step; the original's is 2048.",
    ),
    click.Option(
        ["--sequence-length"], type=click.IntRange(1), help="Tokens of a sequence; that of the config."
    ),
    *BENCHMARK_OPTIONS,
)
