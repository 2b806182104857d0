"""Train in float32 and in bfloat16 with the same seeds, and test whether both end at the same loss."""

import sys
from collections.abc import Sequence
from pathlib import Path

import click
from mlcore.cli import Options, run_command

PROJECT = Path(__file__).resolve().parent
EXTRA = (
    click.Option(["--seeds"], default="42,123,456,7,8", show_default=True, help="Seeds, by commas."),
    click.Option(["--workers"], type=click.IntRange(1, 256), help="Processes at a time; one a core."),
    click.Option(
        ["--output", "-o"],
        type=click.Path(path_type=Path, file_okay=False),
        help="Folder of the study; what it holds is not done again.",
    ),
)


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
