"""The commands of this project as functions, in this process: importing torch again for each would take minutes."""

from collections.abc import Callable
from pathlib import Path

import pytest
from mlcore.launcher import find_command, load_script

PROJECT = Path(__file__).resolve().parents[1]
Command = Callable[..., int]


@pytest.fixture(scope="session")
def run() -> Command:
    """`run("train", "--config", …)` is the exit code of that command; without the real data."""

    def command(name: str, *words: str, data_dir: Path | None = None) -> int:
        with pytest.MonkeyPatch.context() as patch:
            patch.syspath_prepend(str(PROJECT))
            patch.setenv("COLUMNS", "160")
            if data_dir is None:
                patch.delenv("MLDATA_DIR", raising=False)
            else:
                patch.setenv("MLDATA_DIR", str(data_dir))
            path = find_command(PROJECT, name)
            assert path is not None, name
            return load_script(path).main(list(words))

    return command


@pytest.fixture(scope="session")
def finished_run(run: Command, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished run of the smoke configuration. Do not change it: copy it."""
    runs_dir = tmp_path_factory.mktemp("finished")
    words = ("--config", "configs/smoke.yaml", "--no-tensorboard", "--runs-dir", str(runs_dir))
    assert run("train", *words) == 0
    (folder,) = [path for path in runs_dir.iterdir() if path.is_dir()]
    return folder
