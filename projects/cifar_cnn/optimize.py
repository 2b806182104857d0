"""Search for better settings: trials of `train`, several at a time, resumable; writes best.yaml."""

import sys
from collections.abc import Sequence
from pathlib import Path

from mlcore.cli import Options, run_command
from mlcore.search import SEARCH_OPTIONS

PROJECT = Path(__file__).resolve().parent


def command(config: object, options: Options) -> int:
    """Search for better settings: trials of `train`, several at a time, resumable; writes best.yaml."""
    from mlcore.search import optimize

    return optimize(config, options)


def main(argv: Sequence[str] | None = None) -> int:
    """Parse, build, run; returns the exit code."""
    return run_command(
        command,
        schema="cifar_cnn.config:ExperimentConfig",
        argv=argv,
        project=PROJECT,
        extra=SEARCH_OPTIONS,
        flags="none",
    )


if __name__ == "__main__":
    sys.exit(main())
