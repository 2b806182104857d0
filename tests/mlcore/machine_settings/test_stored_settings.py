"""What was found is found again: by the same question on the same machine, and by no other."""

from pathlib import Path
from types import MappingProxyType

import pytest
import torch
from mlcore.cli import Options
from mlcore.config import Section
from mlcore.machine_settings import (
    Answer,
    Candidate,
    Question,
    keep_settings,
    optimize_settings,
    store,
    stored_settings,
    trainer_workload,
)
from mlcore.machine_settings.answer import Findings
from mlcore.machine_settings.command import question_of, thread_numbers
from mlcore.trainer import BaseTrainer, TrainingConfig
from torch import nn


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("MLCORE_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


BEST = Answer(Candidate(64, 2), "ok", 1000.0, noise=0.01, peak_memory_bytes=10)
FOUND = Findings(BEST, (BEST,))
QUESTION = Question("my_project.targets:step", {"config": {"width": 8}}, "cpu")


def test_settings_come_back_as_they_were_kept() -> None:
    assert stored_settings(QUESTION) is None
    path = keep_settings(FOUND, QUESTION)
    assert path.name.startswith("my_project_")
    known = stored_settings(QUESTION)
    assert known is not None
    assert (known.batch_size, known.threads, known.items_per_s) == (64, 2, 1000.0)


def test_another_model_device_machine_or_torch_is_another_question(monkeypatch: pytest.MonkeyPatch) -> None:
    keep_settings(FOUND, QUESTION)
    assert stored_settings(Question(QUESTION.target, {"config": {"width": 9}})) is None
    assert stored_settings(Question("my_project.targets:other", QUESTION.arguments)) is None
    for name, value in (("cpu_model", "another CPU"), ("num_usable_cores", 96), ("_torch_version", "2.11.0")):
        with monkeypatch.context() as patch:
            patch.setattr(store, name, lambda value=value: value)
            assert stored_settings(QUESTION) is None, name
    assert stored_settings(QUESTION) is not None


def test_neither_host_nor_user_stands_in_the_file() -> None:
    import getpass
    import platform

    text = keep_settings(FOUND, QUESTION).read_text()
    assert platform.node() not in text
    assert f'"{getpass.getuser()}"' not in text


@pytest.mark.parametrize("content", ["", "{", "[]", '{"schema": 99}', '{"schema": 1}'])
def test_a_damaged_file_is_no_answer(content: str) -> None:
    path = keep_settings(FOUND, QUESTION)
    path.write_text(content)
    assert stored_settings(QUESTION) is None


class Config(Section):
    name: str = "x"
    seed: int = 0
    device: str = "cpu"
    width: int = 8
    training: TrainingConfig = TrainingConfig()


def options(tmp_path: Path, **extra: object) -> Options:
    defaults = {
        "first_batch_size": 4,
        "max_batch_size": 16,
        "seconds": 0.05,
        "memory_gib": None,
        "again": False,
    }
    return Options(tmp_path, None, tmp_path, extra=MappingProxyType({**defaults, **extra}))


def test_the_command_measures_once_and_remembers(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    target = "settings_targets:for_config"
    assert optimize_settings(Config(), options(tmp_path), target=target) == 0
    measured = capsys.readouterr().out
    assert "best: batch size 16" in measured
    assert "use it with: OMP_NUM_THREADS=" in measured
    assert optimize_settings(Config(name="another", seed=5), options(tmp_path), target=target) == 0
    assert "known since" in capsys.readouterr().out, "the speed does not depend on name and seed"
    assert optimize_settings(Config(), options(tmp_path, again=True), target=target) == 0
    assert "best: batch size 16" in capsys.readouterr().out
    known = stored_settings(question_of(Config(training=TrainingConfig(batch_size=999)), target))
    assert known is not None, "nor on the batch size that stands in the file"
    assert known.batch_size == 16
    assert stored_settings(question_of(Config(width=9), target)) is None


def test_thread_numbers_are_powers_of_two_and_all_cores() -> None:
    assert [thread_numbers(cores) for cores in (1, 2, 6, 8)] == [[1], [1, 2], [1, 2, 4, 6], [1, 2, 4, 8]]


class Regression(BaseTrainer):
    def get_criterion(self) -> nn.Module:
        return nn.MSELoss()


def test_a_trainers_step_is_a_real_update_on_whole_batches() -> None:
    torch.manual_seed(0)
    seen: list[int] = []

    class Watched(Regression):
        def count_items(self, batch: tuple) -> int:
            return len(batch[0])

        def forward_pass(self, batch: tuple) -> tuple:
            seen.append(len(batch[0]))
            return super().forward_pass(batch)

    batches = [(torch.randn(size, 3), torch.randn(size, 1)) for size in (4, 4, 4, 1)]
    training = TrainingConfig(
        optimizer="sgd",
        learning_rate=0.1,
        accumulation_steps=2,
        schedule="onecycle",
        steps=10,  # type: ignore[arg-type]
    )
    trainer = Watched(nn.Linear(3, 1), training, device="cpu")
    twin = Watched(nn.Linear(3, 1), training, device="cpu")
    twin.model.load_state_dict(trainer.model.state_dict())
    workload = trainer_workload(trainer, batches)
    assert workload.items_per_step == 8
    for _ in range(6):
        workload.step()
    assert trainer.progress.step == 6
    assert set(seen) == {4}, "the last batch of an epoch is smaller and left out"
    optimizer = torch.optim.SGD(twin.model.parameters(), lr=0.1)
    for update in range(6):
        optimizer.zero_grad()
        first, second = (batches[(2 * update + index) % 3] for index in (0, 1))
        inputs, targets = torch.cat([first[0], second[0]]), torch.cat([first[1], second[1]])
        nn.functional.mse_loss(twin.model(inputs), targets).backward()
        optimizer.step()
    torch.testing.assert_close(trainer.model.weight, twin.model.weight)
