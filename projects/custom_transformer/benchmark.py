"""Measure training (or --generate) beside autograd and Hugging Face's GPT-2, each in its own process, in turns."""

import sys
from collections.abc import Sequence
from pathlib import Path

from custom_transformer.benchmarking.options import EXTRA
from mlcore.cli import Options, run_command

PROJECT = Path(__file__).resolve().parent


def command(config: object, options: Options) -> int:
    """Measure training (or --generate) beside autograd and Hugging Face's GPT-2, each in its own process, in turns.

    The dimensions are those of the configuration (the wrapper's own without one), with a tied head without bias and
    without dropout, so that all architectures agree.
    """
    from custom_transformer.benchmarking.command import run_benchmark

    return run_benchmark(config, options)  # type: ignore[arg-type]


def main(argv: Sequence[str] | None = None) -> int:
    """Parse, build, run; returns the exit code."""
    return run_command(
        command,
        schema="custom_transformer.config:ExperimentConfig",
        argv=argv,
        project=PROJECT,
        default_config=None,
        extra=EXTRA,
        flags="none",
    )


if __name__ == "__main__":
    sys.exit(main())
