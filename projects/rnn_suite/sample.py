"""Let a trained model write: one shot with --prompt, or a conversation with the keyboard."""

import sys
from collections.abc import Sequence
from pathlib import Path

from mlcore.cli import Options, run_command
from mlcore.evaluator.sample_options import SAMPLE_OPTIONS

PROJECT = Path(__file__).resolve().parent


def command(config: object, options: Options) -> None:
    """Let a trained model write: one shot with --prompt, or a conversation with the keyboard."""
    from mlcore.text_experiment.commands import sample
    from rnn_suite import build

    sample(config, options, build)


def main(argv: Sequence[str] | None = None) -> int:
    """Parse, build, run; returns the exit code."""
    return run_command(
        command,
        schema="rnn_suite.config:ExperimentConfig",
        argv=argv,
        project=PROJECT,
        extra=SAMPLE_OPTIONS,
        flags="evaluation",
    )


if __name__ == "__main__":
    sys.exit(main())
