"""W&B in every bad mood: absent, hanging, raising, slow. Training neither waits nor loses a record."""

import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest
from mlcore.logger import TrainingLogger, read_metrics
from mlcore.logger.wandb_tracker import WandbTracker, wandb_mode

CANARY = "wandb-canary-0123456789"
FOREVER = threading.Event()  # never set; daemon threads wait on it


@pytest.fixture(autouse=True)
def key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WANDB_API_KEY", CANARY)


class FakeRun:
    """Keeps what it gets; `log` may be replaced by something unfriendly."""

    def __init__(self, log: Callable[..., None] | None = None) -> None:
        self.logged: list[tuple[int, dict[str, Any]]] = []
        self.finished = False
        self._log = log

    def log(self, metrics: dict[str, Any], step: int) -> None:
        if self._log is not None:
            self._log()
        self.logged.append((step, metrics))

    def finish(self) -> None:
        self.finished = True


def install(monkeypatch: pytest.MonkeyPatch, init: Callable[..., Any]) -> list[dict[str, Any]]:
    """A fake `wandb` module; returns the list of arguments of its `init` calls."""
    calls: list[dict[str, Any]] = []

    def recorded(**options: Any) -> Any:
        calls.append(options)
        return init()

    module = ModuleType("wandb")
    module.init = recorded  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "wandb", module)
    return calls


def raise_error() -> Any:
    raise RuntimeError(f"401: key {CANARY} is not valid")


def leave() -> Any:
    sys.exit(1)


def hang() -> Any:
    FOREVER.wait()


def train(folder: Path, steps: int = 50) -> tuple[float, list[str]]:
    """Runs a small training with W&B on; returns the seconds it took to start, and the warnings."""
    logger = TrainingLogger(folder, mode="silent", tensorboard=False, wandb=True, config={"key": CANARY})
    began = time.perf_counter()
    logger.start({})
    started = time.perf_counter() - began
    for step in range(1, steps + 1):
        logger.log_step(step, {"loss": 1 / step}, num_items=1)
    logger.finish("completed")
    path = folder / "logs" / "messages.jsonl"
    messages = [record["text"] for record in read_metrics(path)] if path.exists() else []
    return started, messages


def test_a_working_wandb_gets_every_record_and_the_configuration(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = FakeRun()
    calls = install(monkeypatch, lambda: run)
    _, messages = train(tmp_path)
    assert [step for step, _ in run.logged] == list(range(1, 51))
    assert run.logged[1][1]["train/loss"] == 0.5
    assert run.finished
    assert messages == []
    assert calls[0]["config"] == {"key": "[WANDB_API_KEY removed]"}
    assert calls[0]["dir"] == str(tmp_path / "logs")
    assert CANARY not in repr(calls)


def test_a_resumed_run_continues_the_same_wandb_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    calls = install(monkeypatch, FakeRun)
    train(tmp_path / "one")
    train(tmp_path / "one")
    train(tmp_path / "two")
    assert calls[0]["id"] == calls[1]["id"] != calls[2]["id"]
    assert {call["resume"] for call in calls} == {"allow"}


MOODS: dict[str, Callable[[], Any]] = {
    "init raises": raise_error,
    "init exits": leave,
    "init hangs": hang,
    "log raises": lambda: FakeRun(raise_error),
    "log hangs": lambda: FakeRun(hang),
    "run is nonsense": lambda: SimpleNamespace(),
}


@pytest.mark.parametrize("mood", [*MOODS, "module is absent"])
def test_an_unfriendly_wandb_costs_a_warning_and_no_record(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, mood: str
) -> None:
    if mood in MOODS:
        install(monkeypatch, MOODS[mood])
    else:
        monkeypatch.setitem(sys.modules, "wandb", None)
    monkeypatch.setattr("mlcore.logger.wandb_tracker._FINISH_WITHIN_S", 0.2)
    began = time.perf_counter()
    started, messages = train(tmp_path)
    assert started < 5
    assert time.perf_counter() - began < 10
    assert [record["step"] for record in read_metrics(tmp_path / "metrics.jsonl")] == list(range(1, 51))
    assert '"completed"' in (tmp_path / "metrics.json").read_text()
    assert any("W&B" in message for message in messages)
    assert len(messages) <= 3
    for path in tmp_path.rglob("*"):
        assert not path.is_file() or CANARY not in path.read_text(encoding="utf-8"), path


def test_an_import_that_hangs_does_not_hold_the_training(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "wandb.py").write_text("import threading\nthreading.Event().wait()\n")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "wandb", raising=False)
    monkeypatch.setattr("mlcore.logger.wandb_tracker._FINISH_WITHIN_S", 0.2)
    started, messages = train(tmp_path / "run")
    assert started < 5
    assert len(read_metrics(tmp_path / "run" / "metrics.jsonl")) == 50
    assert messages == ["W&B did not get 50 records; metrics.jsonl has them all"]


def test_a_slow_wandb_drops_records_and_counts_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    install(monkeypatch, lambda: FakeRun(hang))
    told: list[str] = []
    tracker = WandbTracker(tmp_path, told.append, queue_length=10, finish_within_s=0.1)
    tracker.start()
    for step in range(100):
        tracker.log({"loss": 1.0}, step)
    tracker.finish()
    # One record is in the hands of the hanging call; ten wait; the rest was dropped.
    assert 89 <= tracker.num_dropped <= 90
    assert told[0].startswith("W&B does not keep up")
    assert told[-1] in {
        f"W&B did not get {number} records; metrics.jsonl has them all" for number in (99, 100)
    }


def test_wandb_is_not_imported_unless_asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    calls = install(monkeypatch, FakeRun)
    logger = TrainingLogger(tmp_path, mode="silent", tensorboard=False)
    logger.start({})
    logger.log_step(1, {"loss": 1.0})
    logger.finish("completed")
    assert calls == []


def test_without_a_key_it_stays_offline_instead_of_asking(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert wandb_mode() is None
    monkeypatch.delenv("WANDB_API_KEY")
    monkeypatch.delenv("WANDB_MODE", raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("NETRC", raising=False)
    assert wandb_mode() == "offline"
    (tmp_path / ".netrc").write_text("machine api.wandb.ai login user password secret\n")
    (tmp_path / ".netrc").chmod(0o600)
    assert wandb_mode() is None
