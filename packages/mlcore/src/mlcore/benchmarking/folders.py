"""Where a benchmark's results go when nobody says it."""

import time
from pathlib import Path

from mlcore.errors import ConfigError


def new_folder(runs_dir: Path) -> Path:
    """A folder of its own for every call: ``runs/benchmarks/TIME[_k]``.

    Raises:
        ConfigError: it cannot be made.
    """
    stamp = time.strftime("%Y%m%d-%H%M%S")
    for k in range(1, 1000):
        folder = runs_dir / "benchmarks" / (stamp if k == 1 else f"{stamp}_{k}")
        try:
            folder.mkdir(parents=True)
        except FileExistsError:
            continue
        except OSError as error:
            raise ConfigError(f"{folder}: cannot be made: {error.strerror or error}") from None
        return folder
    raise ConfigError(f"{runs_dir}: a thousand benchmarks of the same second")
