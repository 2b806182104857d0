"""Train the architectures of configs/architectures with several seeds and set them side by side."""

import sys
from collections.abc import Sequence
from pathlib import Path

from mlcore.cli import Options, run_command
from mlcore.image_classification.options import COMPARISON_OPTIONS

PROJECT = Path(__file__).resolve().parent


def command(config: object, options: Options) -> int:
    """Train the architectures of configs/architectures with several seeds and set them side by side."""
    from cifar_cnn.studies import compare

    return compare(options)


def main(argv: Sequence[str] | None = None) -> int:
    """Parse, build, run; returns the exit code."""
    return run_command(
        command,
        schema=None,
        argv=argv,
        project=PROJECT,
        extra=COMPARISON_OPTIONS,
        flags="none",
    )


if __name__ == "__main__":
    sys.exit(main())
