"""How the data's commands end: the user's mistakes are a line or two on stderr and an exit code."""

import sys
from collections.abc import Callable, Sequence

from mldata.errors import DataError


def run(app: Callable[..., object], arguments: Sequence[str] | None, program: str) -> int:
    """Run a typer app and return its exit code: 0, 2 for a wrong command line, 3 for data, 130 for Ctrl-C."""
    try:
        app(args=arguments, prog_name=program)
    except SystemExit as left:
        return left.code if isinstance(left.code, int) else 0
    except KeyboardInterrupt:
        return 130
    except (DataError, ValueError) as error:
        print(f"error: {error}", file=sys.stderr)
        return getattr(error, "exit_code", 2)
    return 0
