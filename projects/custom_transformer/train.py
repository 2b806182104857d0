"""Train the hand-written transformer on text, then evaluate it and write a report."""

import sys
from collections.abc import Sequence
from pathlib import Path

from mlcore.cli import Options, run_command

PROJECT = Path(__file__).resolve().parent


def command(config: object, options: Options) -> None:
    """Train the hand-written transformer on text, then evaluate it and write a report."""
    from custom_transformer import build
    from mlcore.text_experiment.commands import train

    train(config, options, build)


def main(argv: Sequence[str] | None = None) -> int:
    """Parse, build, run; returns the exit code."""
    return run_command(
        command, schema="custom_transformer.config:ExperimentConfig", argv=argv, project=PROJECT
    )


if __name__ == "__main__":
    sys.exit(main())
