"""The options of the command `benchmark`. Imports nothing heavy: `--help` answers at once."""

from pathlib import Path

import click

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
        ["--dtype", "dtypes"],
        multiple=True,
        type=click.Choice(["float32", "bfloat16"]),
        help="Of the products; float32, and bfloat16 where the hardware multiplies it.",
    ),
    click.Option(["--device"], help="auto, cpu, cuda, cuda:1, mps; that of the config."),
    click.Option(
        ["--rounds"], type=click.IntRange(1), default=10, show_default=True, help="Turns of each variant."
    ),
    click.Option(["--steps"], type=click.IntRange(1), default=3, show_default=True, help="Steps of a turn."),
    click.Option(["--threads"], type=click.IntRange(1), help="Threads of each process; torch's own number."),
    click.Option(["--variants"], metavar="NAME,NAME", help="Only these, by commas."),
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
