"""The command line that all commands share."""

from typing import TYPE_CHECKING, Any

from mlcore.cli.running import report_error, run_command

if TYPE_CHECKING:
    from mlcore.cli.options import Options

__all__ = ["Options", "report_error", "run_command"]


def __getattr__(name: str) -> Any:
    # Options needs the run folders, which --help does not: imported on first use.
    if name == "Options":
        from mlcore.cli.options import Options

        return Options
    raise AttributeError(f"module 'mlcore.cli' has no attribute {name!r}")
