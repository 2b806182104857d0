"""Let the learning rate grow until the loss explodes: where it falls fastest, and how far it may go."""

import sys
from collections.abc import Sequence
from pathlib import Path

from mlcore.cli import Options, run_command
from mlcore.search import RANGE_TEST_OPTIONS

PROJECT = Path(__file__).resolve().parent


def command(config: object, options: Options) -> int:
    """Let the learning rate grow until the loss explodes: where it falls fastest, and how far it may go."""
    from cifar_cnn.tuning import make_training
    from mlcore.search import find_learning_rate

    return find_learning_rate(config, options, lambda: make_training(config))  # type: ignore[arg-type]


def main(argv: Sequence[str] | None = None) -> int:
    """Parse, build, run; returns the exit code."""
    return run_command(
        command,
        schema="cifar_cnn.config:ExperimentConfig",
        argv=argv,
        project=PROJECT,
        extra=RANGE_TEST_OPTIONS,
        flags="none",
    )


if __name__ == "__main__":
    sys.exit(main())
