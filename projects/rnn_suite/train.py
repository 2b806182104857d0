"""Train a recurrent language model on characters or tokens, then evaluate it and write a report."""

import sys
from collections.abc import Sequence
from pathlib import Path

from mlcore.cli import Options, run_command

PROJECT = Path(__file__).resolve().parent


def command(config: object, options: Options) -> None:
    """Train a recurrent language model on characters or tokens, then evaluate it and write a report."""
    from mlcore.text_experiment.commands import train
    from rnn_suite import build

    train(config, options, build)


def main(argv: Sequence[str] | None = None) -> int:
    """Parse, build, run; returns the exit code."""
    return run_command(command, schema="rnn_suite.config:ExperimentConfig", argv=argv, project=PROJECT)


if __name__ == "__main__":
    sys.exit(main())
