"""Measure phase 3's training step beside transformers' GPT-2 of the same dimensions, in turns."""

import sys
from collections.abc import Sequence
from pathlib import Path

import click
from mlcore.cli import Options, run_command

PROJECT = Path(__file__).resolve().parent
COUNT = click.IntRange(1)
FOLDER = click.Path(path_type=Path, file_okay=False)
EXTRA = (
    click.Option(["--batch-size"], type=COUNT, help="Sequences a step; that of the config."),
    click.Option(["--rounds"], type=COUNT, default=6, show_default=True, help="Turns of each."),
    click.Option(["--steps"], type=COUNT, default=2, show_default=True, help="Steps of a turn."),
    click.Option(["--threads"], type=COUNT, help="Threads of each process; torch's choice without."),
    click.Option(["--compiled"], is_flag=True, help="Measure both under torch.compile too."),
    click.Option(
        ["--output", "-o"],
        type=FOLDER,
        help="Folder of JSON, table, picture and page; none without.",
    ),
)


def command(config: object, options: Options) -> int:
    """Measure phase 3's training step beside transformers' GPT-2 of the same dimensions, in turns."""
    from transformer_phases.throughput import run_benchmark

    return run_benchmark(config, options)  # type: ignore[arg-type]


def main(argv: Sequence[str] | None = None) -> int:
    """Parse, build, run; returns the exit code."""
    return run_command(
        command,
        schema="transformer_phases.config:ExperimentConfig",
        argv=argv,
        project=PROJECT,
        default_config="configs/phase_3.yaml",
        extra=EXTRA,
        flags="none",
    )


if __name__ == "__main__":
    sys.exit(main())
