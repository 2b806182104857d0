"""`python -m mlcore.report RUN` writes RUN/report.html."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from mlcore.report.build import build_report
from mlcore.report.run_contents import ReportError


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.argument("run", type=click.Path(path_type=Path))
def main(run: Path) -> None:
    """Write the report of the run folder RUN: RUN/report.html, one page that opens from disk."""
    try:
        path = build_report(run)
    except ReportError as error:
        print(error, file=sys.stderr)
        sys.exit(error.exit_code)
    except OSError as error:
        print(f"{run}: the report cannot be written: {error.strerror or error}", file=sys.stderr)
        sys.exit(1)
    print(path)


if __name__ == "__main__":
    main(prog_name="python -m mlcore.report")
