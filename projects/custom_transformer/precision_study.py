"""Train in float32 and in bfloat16 with the same seeds, and test whether both end at the same loss."""

import sys
from collections.abc import Sequence
from pathlib import Path

from mlcore.cli import Options, run_command
from mlcore.cli.study_options import study_options

PROJECT = Path(__file__).resolve().parent
EXTRA = study_options("42,123,456,7,8")


def command(config: object, options: Options) -> int:
    """Train in float32 and in bfloat16 with the same seeds, and test whether both end at the same loss."""
    from custom_transformer.precision_study import study_precision

    return study_precision(config, options)  # type: ignore[arg-type]


def main(argv: Sequence[str] | None = None) -> int:
    """Parse, build, run; returns the exit code."""
    return run_command(
        command,
        schema="custom_transformer.config:ExperimentConfig",
        argv=argv,
        project=PROJECT,
        default_config="configs/quickstart.yaml",
        extra=EXTRA,
        flags="none",
    )


if __name__ == "__main__":
    sys.exit(main())
