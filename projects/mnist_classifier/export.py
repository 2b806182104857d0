"""Write a trained model as ONNX or safetensors, and check it against itself on held-out images."""

import sys
from collections.abc import Sequence
from pathlib import Path

from mlcore.cli import Options, run_command
from mlcore.image_classification.options import EXPORT_OPTIONS

PROJECT = Path(__file__).resolve().parent


def command(config: object, options: Options) -> None:
    """Write a trained model as ONNX or safetensors, and check it against itself on held-out images."""
    from mlcore.image_classification.export import export_classifier
    from mldata.test_guard import test_split_closed
    from mnist_classifier import build

    with test_split_closed():
        export_classifier(config, options, build)


def main(argv: Sequence[str] | None = None) -> int:
    """Parse, build, run; returns the exit code."""
    return run_command(
        command,
        schema="mnist_classifier.config:ExperimentConfig",
        argv=argv,
        project=PROJECT,
        extra=EXPORT_OPTIONS,
        flags="evaluation",
    )


if __name__ == "__main__":
    sys.exit(main())
