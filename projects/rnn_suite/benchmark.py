"""Measure a training step of our recurrent layers beside torch's, each in its own process, in turns."""

import sys
from collections.abc import Sequence
from pathlib import Path

from mlcore.cli import Options, run_command
from rnn_suite.benchmarking.options import EXTRA

PROJECT = Path(__file__).resolve().parent


def command(config: object, options: Options) -> int:
    """Measure a training step of our recurrent layers beside torch's, each in its own process, in turns.

    The dimensions are those of the configuration, without dropout; the tokens are random, so no data is needed.
    """
    from rnn_suite.benchmarking.command import run_benchmark

    return run_benchmark(config, options)  # type: ignore[arg-type]


def main(argv: Sequence[str] | None = None) -> int:
    """Parse, build, run; returns the exit code."""
    return run_command(
        command,
        schema="rnn_suite.config:ExperimentConfig",
        argv=argv,
        project=PROJECT,
        default_config="configs/character_basic.yaml",
        extra=EXTRA,
        flags="none",
    )


if __name__ == "__main__":
    sys.exit(main())
