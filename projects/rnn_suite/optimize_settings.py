"""Measure which batch size and how many threads are fastest on this machine, and remember it."""

import sys
from collections.abc import Sequence
from pathlib import Path

from mlcore.cli import Options, run_command
from mlcore.machine_settings import SETTINGS_OPTIONS

PROJECT = Path(__file__).resolve().parent


def command(config: object, options: Options) -> int:
    """Measure which batch size and how many threads are fastest on this machine, and remember it."""
    from mlcore.machine_settings import optimize_settings

    return optimize_settings(config, options, unit="tokens")


def main(argv: Sequence[str] | None = None) -> int:
    """Parse, build, run; returns the exit code."""
    return run_command(
        command,
        schema="rnn_suite.config:ExperimentConfig",
        argv=argv,
        project=PROJECT,
        extra=SETTINGS_OPTIONS,
        flags="none",
        settle=None,
    )


if __name__ == "__main__":
    sys.exit(main())
