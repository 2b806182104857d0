"""Compare adaptive stopping with the best fixed number of epochs, over several seeds."""

import sys
from collections.abc import Sequence
from pathlib import Path

from mlcore.cli import Options, run_command
from mlcore.image_classification.options import STOPPING_OPTIONS

PROJECT = Path(__file__).resolve().parent


def command(config: object, options: Options) -> int:
    """Compare adaptive stopping with the best fixed number of epochs, over several seeds."""
    from cifar_cnn.studies import compare_stopping

    return compare_stopping(options)


def main(argv: Sequence[str] | None = None) -> int:
    """Parse, build, run; returns the exit code."""
    return run_command(
        command,
        schema=None,
        argv=argv,
        project=PROJECT,
        extra=STOPPING_OPTIONS,
        flags="none",
    )


if __name__ == "__main__":
    sys.exit(main())
