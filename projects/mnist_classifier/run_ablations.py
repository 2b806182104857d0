"""Train every configuration of configs/ablations with several seeds, in parallel, and compare the results."""

import sys
from collections.abc import Sequence
from pathlib import Path

from mlcore.cli import Options, run_command
from mlcore.image_classification.options import COMPARISON_OPTIONS

PROJECT = Path(__file__).resolve().parent


def command(config: None, options: Options) -> int:
    """Train every configuration of configs/ablations with several seeds, in parallel, and compare the results."""
    from mnist_classifier.ablations import run_ablations

    return run_ablations(options)


def main(argv: Sequence[str] | None = None) -> int:
    """Parse, build, run; returns the exit code."""
    return run_command(
        command, schema=None, argv=argv, project=PROJECT, extra=COMPARISON_OPTIONS, flags="none"
    )


if __name__ == "__main__":
    sys.exit(main())
