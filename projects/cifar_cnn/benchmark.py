"""Measure a training step in float32 and in bfloat16, image planes or channels last, in turns."""

import sys
from collections.abc import Sequence
from pathlib import Path

import click
from mlcore.benchmarking import BENCHMARK_OPTIONS
from mlcore.cli import Options, run_command

PROJECT = Path(__file__).resolve().parent
EXTRA = tuple(
    option for option in BENCHMARK_OPTIONS if isinstance(option, click.Option) and option.name != "dtypes"
)


def command(config: object, options: Options) -> int:
    """Measure a training step in float32 and in bfloat16, image planes or channels last, in turns.

    Network, batch size and recipe are the configuration's; the batches are ready, so that no augmentation counts.
    """
    from cifar_cnn.step_benchmark import run_benchmark

    return run_benchmark(config, options)  # type: ignore[arg-type]


def main(argv: Sequence[str] | None = None) -> int:
    """Parse, build, run; returns the exit code."""
    return run_command(
        command,
        schema="cifar_cnn.config:ExperimentConfig",
        argv=argv,
        project=PROJECT,
        default_config="configs/quickstart.yaml",
        extra=EXTRA,
        flags="none",
    )


if __name__ == "__main__":
    sys.exit(main())
