"""A project on disk, with a schema of its own, as its commands see it."""

import itertools
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

CONFIG = """
from collections.abc import Mapping
from typing import ClassVar, Literal

from pydantic import Field

from mlcore.config import Section


class EarlyStopping(Section):
    patience: int = Field(default=5, ge=1)


class Training(Section):
    aliases: ClassVar[Mapping[str, str]] = {"lr": "learning_rate"}
    epochs: int = Field(default=1, ge=1)
    steps: int | None = None
    batch_size: int = 32
    learning_rate: float = Field(default=1e-3, gt=0)
    max_grad_norm: float | None = None
    mixed_precision: bool | Literal["auto", "off", "bf16", "fp16"] = "off"
    compile: bool = False
    early_stopping: EarlyStopping | None = None


class Data(Section):
    dataset: str = "digits"
    data_dir: str = "data"


class Model(Section):
    type: Literal["simple_cnn", "resnet18", "resnet50", "efficientnet_b0"] = "simple_cnn"


class Logging(Section):
    use_tensorboard: bool = True
    use_wandb: bool = False
    wandb_project: str | None = None


class Evaluation(Section):
    evaluate_coherence: bool = True


class Experiment(Section):
    name: str = "experiment"
    seed: int = 0
    deterministic: bool = False
    device: str = "auto"
    data: Data = Data()
    model: Model = Model()
    training: Training = Training()
    logging: Logging = Logging()
    evaluation: Evaluation = Evaluation()


class Small(Section):
    seed: int = 0
"""
SCRIPT = '''"""Train a model.

More about it.
"""

import sys
from pathlib import Path

from mlcore.cli import run_command


def train(config, options):
    """Train a model on the data."""
    print(config.seed, flush=True)


if __name__ == "__main__":
    sys.exit(run_command(train, schema="{package}.config:Experiment", project=Path(__file__).parent))
'''
_numbers = itertools.count()


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """The name of the project's package; another one in each test, as modules stay imported."""
    name = f"cli_project_{next(_numbers)}"
    folder = tmp_path / "project" / name
    folder.mkdir(parents=True)
    (folder / "__init__.py").touch()
    (folder / "config.py").write_text(CONFIG)
    (tmp_path / "project" / "train.py").write_text(SCRIPT.replace("{package}", name))
    (tmp_path / "project" / "configs").mkdir()
    (tmp_path / "project" / "configs" / "quickstart.yaml").write_text("seed: 7\n")
    monkeypatch.syspath_prepend(tmp_path / "project")
    monkeypatch.chdir(tmp_path)
    return name


@pytest.fixture
def project(package: str, tmp_path: Path) -> Path:
    """The project's folder."""
    return tmp_path / "project"


@pytest.fixture
def python(project: Path) -> Callable[..., subprocess.CompletedProcess[str]]:
    """Run Python in a process of its own."""

    def run(*words: object) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, *map(str, words)]
        return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)

    return run
