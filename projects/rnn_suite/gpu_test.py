"""Is this machine's accelerator sound, and is it faster than the CPU? A training step on both, in turns."""

import sys
from collections.abc import Sequence
from pathlib import Path

import click
from mlcore.cli import Options, run_command

PROJECT = Path(__file__).resolve().parent
EXTRA = (
    click.Option(["--batch-size"], type=click.IntRange(1), help="Sequences a step; that of the config."),
    click.Option(["--rounds"], type=click.IntRange(1), default=3, show_default=True, help="Turns of each."),
)


def command(config: object, options: Options) -> int:
    """Is this machine's accelerator sound, and is it faster than the CPU? A training step on both, in turns.

    The step is that of the configuration; 1 if the arithmetic is wrong or nothing could be measured.
    """
    from rnn_suite.acceleration import compare_devices

    return compare_devices(config, options)  # type: ignore[arg-type]


def main(argv: Sequence[str] | None = None) -> int:
    """Parse, build, run; returns the exit code."""
    return run_command(
        command,
        schema="rnn_suite.config:ExperimentConfig",
        argv=argv,
        project=PROJECT,
        default_config="configs/character_basic.yaml",
        extra=EXTRA,
        flags="none",
    )


if __name__ == "__main__":
    sys.exit(main())
