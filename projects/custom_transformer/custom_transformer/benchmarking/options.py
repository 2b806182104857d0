"""The options of the command `benchmark`. Imports nothing heavy: `--help` answers at once."""

import click
from mlcore.benchmarking import BENCHMARK_OPTIONS

EXTRA = (
    click.Option(["--generate"], is_flag=True, help="Measure generation instead of training."),
    click.Option(
        ["--vocab-size", "vocab_sizes"],
        multiple=True,
        type=click.IntRange(2),
        default=(4096, 50257),
        show_default=True,
        help="Vocabularies.",
    ),
    click.Option(
        ["--batch-size"], type=click.IntRange(1), help="Sequences a step; 16, or 8 above 16,384 tokens."
    ),
    click.Option(
        ["--context"], type=click.IntRange(1), help="Tokens of a sequence; data.max_length of the config."
    ),
    click.Option(
        ["--tuned-allocator"], is_flag=True, help="The peers also with an allocator that keeps large blocks."
    ),
    click.Option(
        ["--prompts", "prompt_counts"],
        multiple=True,
        type=click.IntRange(1),
        default=(1, 8, 32),
        show_default=True,
        help="--generate: prompts continued together.",
    ),
    click.Option(
        ["--new-tokens"], type=click.IntRange(1), default=64, show_default=True, help="--generate: of each."
    ),
    click.Option(
        ["--prompt-length"], type=click.IntRange(1), default=64, show_default=True, help="--generate."
    ),
    *BENCHMARK_OPTIONS,
)
