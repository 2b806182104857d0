"""Show a configuration's parameters, memory and operations, part by part."""

import sys
from collections.abc import Sequence
from pathlib import Path

from mlcore.cli import Options, run_command

PROJECT = Path(__file__).resolve().parent


def command(config: object, options: Options) -> None:
    """Show a configuration's parameters, memory and operations, part by part: config_summary FILE"""
    from transformer_phases.summary import print_summary

    print_summary(config)  # type: ignore[arg-type]


def main(argv: Sequence[str] | None = None) -> int:
    """Parse, build, run; returns the exit code."""
    return run_command(
        command, schema="transformer_phases.config:ExperimentConfig", argv=argv, project=PROJECT
    )


if __name__ == "__main__":
    sys.exit(main())
