"""Let a trained model write: one shot with --prompt, or a conversation with the keyboard."""

import sys
from collections.abc import Sequence
from pathlib import Path

import click
from mlcore.cli import Options, run_command

PROJECT = Path(__file__).resolve().parent
EXTRA = (
    click.Option(
        ["--prompt", "-p"], multiple=True, help="Beginning to continue; without it the keyboard is read."
    ),
    click.Option(
        ["--num-samples", "-n"], type=click.IntRange(min=1), default=1, help="Continuations of each prompt."
    ),
    click.Option(["--max-new-tokens"], type=click.IntRange(min=1), help="Longest continuation."),
    click.Option(["--temperature"], type=click.FloatRange(min=0), help="0 takes the likeliest token."),
    click.Option(["--top-k"], type=click.IntRange(min=1), help="Sample among the k likeliest tokens."),
    click.Option(
        ["--top-p"], type=click.FloatRange(0, 1, min_open=True), help="… of this total probability."
    ),
    click.Option(
        ["--repetition-penalty"], type=click.FloatRange(min=1), help="Makes used tokens less likely."
    ),
)


def command(config: object, options: Options) -> None:
    """Let a trained model write: one shot with --prompt, or a conversation with the keyboard."""
    from custom_transformer.sampling import sample

    sample(config, options)  # type: ignore[arg-type]


def main(argv: Sequence[str] | None = None) -> int:
    """Parse, build, run; returns the exit code."""
    return run_command(
        command,
        schema="custom_transformer.config:ExperimentConfig",
        argv=argv,
        project=PROJECT,
        extra=EXTRA,
        flags="evaluation",
    )


if __name__ == "__main__":
    sys.exit(main())
