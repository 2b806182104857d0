"""The search command of the toy."""

import sys
from collections.abc import Sequence

from mlcore.cli import Options, run_command
from mlcore.search import SEARCH_OPTIONS
from toy_train import PROJECT, ToyConfig


def command(config: object, options: Options) -> int:
    """Search around the toy."""
    from mlcore.search import optimize

    return optimize(config, options, train_script="toy_train.py")


def main(argv: Sequence[str] | None = None) -> int:
    return run_command(
        command,
        schema=lambda: ToyConfig,
        argv=argv,
        project=PROJECT,
        default_config=None,
        extra=SEARCH_OPTIONS,
        flags="none",
    )


if __name__ == "__main__":
    sys.exit(main())
