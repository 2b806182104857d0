"""Examine data, model and training before anybody believes a result: overfitting, gradients, leaks."""

import sys
from collections.abc import Sequence
from pathlib import Path

from mlcore.cli import Options, run_command
from mlcore.image_classification.options import REPORT_FILE

PROJECT = Path(__file__).resolve().parent


def command(config: object, options: Options) -> int:
    """Examine data, model and training before anybody believes a result: overfitting, gradients, leaks."""
    from mlcore.image_classification.sanity import examine
    from mldata.test_guard import test_split_closed
    from mnist_classifier import build

    with test_split_closed():
        return examine(config, options, build)


def main(argv: Sequence[str] | None = None) -> int:
    """Parse, build, run; returns the exit code."""
    return run_command(
        command,
        schema="mnist_classifier.config:ExperimentConfig",
        argv=argv,
        project=PROJECT,
        extra=(REPORT_FILE,),
    )


if __name__ == "__main__":
    sys.exit(main())
