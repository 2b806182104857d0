"""Train a classifier of texts, recurrent or BERT: sentiment, topic, plot."""

import sys
from collections.abc import Sequence
from pathlib import Path

from mlcore.cli import Options, run_command

PROJECT = Path(__file__).resolve().parent


def command(config: object, options: Options) -> None:
    """Train a classifier of texts, recurrent or BERT: sentiment, topic, plot. The test texts stay closed."""
    from rnn_suite.classification.training import train

    train(config, options)  # type: ignore[arg-type]


def main(argv: Sequence[str] | None = None) -> int:
    """Parse, build, run; returns the exit code."""
    return run_command(
        command,
        schema="rnn_suite.config:ClassifierConfig",
        argv=argv,
        project=PROJECT,
        default_config="configs/classifiers/storybook_plots.yaml",
        runs="runs/classifiers",
    )


if __name__ == "__main__":
    sys.exit(main())
