"""What a run leaves behind: records, summary, samples, messages; and that a resumed run leaves the same."""

import json
import math
import os
from pathlib import Path
from typing import Any

import pytest
from mlcore.logger import TrainingLogger, read_metrics

CANARY = "sk-canary-1234567890-abcdef"


class Clock:
    """Time that passes only when told."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def make(folder: Path | None, **options: Any) -> TrainingLogger:
    return TrainingLogger(folder, **{"mode": "silent", "tensorboard": False, **options})


def loss_at(step: int) -> float:
    return math.nan if step == 3 else 5 / step


def train(logger: TrainingLogger, first: int, last: int, clock: Clock | None = None) -> None:
    """What a trainer does: a step record each step, validation, samples and an epoch every fourth."""
    for step in range(first, last + 1):
        if clock is not None:
            clock.now += 0.37 * step
        logger.log_step(
            step, {"loss": loss_at(step), "lr": 1e-3, "grad_norm": 0.5, "status": "ok"}, num_items=64
        )
        if step % 4 == 0:
            with logger.untimed():
                pass
            logger.log_validation(step, {"loss": loss_at(step) + 0.1, "perplexity": 2.0})
            logger.log_samples(step, [{"prompt": "Once", "text": f" upon {step}"}])
            logger.log_epoch(step // 4, {"train": {"loss": 1 / step}, "val": {"loss": 2 / step}}, step=step)


def without_timing(path: Path) -> list[str]:
    records = read_metrics(path)
    assert all("timing" in record for record in records)
    return [json.dumps({key: value for key, value in r.items() if key != "timing"}) for r in records]


def tree(folder: Path) -> dict[str, bytes]:
    return {str(p.relative_to(folder)): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()}


def test_a_run_leaves_records_of_every_kind_in_order(tmp_path: Path) -> None:
    with make(tmp_path) as logger:
        logger.start({"device": "cpu", "parameters": 10})
        train(logger, 1, 4)
        logger.finish("completed", {})
    records = read_metrics(tmp_path / "metrics.jsonl")
    assert [(r["kind"], r["step"]) for r in records] == [
        *[("step", step) for step in (1, 2, 3, 4)],
        ("validation", 4),
        ("epoch", 4),
    ]
    assert records[0]["loss"] == 5.0
    assert records[0]["lr"] == 1e-3
    assert records[3]["items"] == 256
    assert math.isnan(records[2]["loss"])
    assert records[5]["val"] == {"loss": 0.5}


@pytest.mark.parametrize("stop_at", [1, 3, 4, 6, 8, 11])
@pytest.mark.parametrize("ran_on", [0, 1, 5])
@pytest.mark.parametrize("load_first", [True, False])
def test_a_resumed_run_leaves_the_same_stream_and_samples(
    tmp_path: Path, stop_at: int, ran_on: int, load_first: bool
) -> None:
    whole, resumed = tmp_path / "whole", tmp_path / "resumed"
    with make(whole, clock=Clock()) as logger:
        logger.start({})
        train(logger, 1, 12)
        logger.finish("completed")

    logger = make(resumed)
    logger.start({})
    train(logger, 1, stop_at)
    state = json.loads(json.dumps(logger.state_dict()))
    train(logger, stop_at + 1, min(12, stop_at + ran_on))  # work after the checkpoint, lost in a kill
    with open(resumed / "metrics.jsonl", "ab") as file:
        file.write(b'{"kind": "step", "st')

    logger = make(resumed)
    if load_first:
        logger.load_state_dict(state)
        logger.start({})
    else:
        logger.start({})
        logger.load_state_dict(state)
    logger.message("resumed")
    train(logger, stop_at + 1, 12)
    logger.finish("completed")

    assert without_timing(resumed / "metrics.jsonl") == without_timing(whole / "metrics.jsonl")
    samples = {name: data for name, data in tree(whole).items() if name.startswith("samples")}
    assert len(samples) == 3
    assert {name: data for name, data in tree(resumed).items() if name.startswith("samples")} == samples
    left, right = (json.loads((folder / "metrics.json").read_text()) for folder in (whole, resumed))
    for key in ("status", "steps", "epochs", "items", "best", "final"):
        assert left[key] == right[key], key


def test_resuming_twice_and_from_an_older_checkpoint_leaves_the_same_stream(tmp_path: Path) -> None:
    whole, resumed = tmp_path / "whole", tmp_path / "resumed"
    logger = make(whole)
    train(logger, 1, 12)
    logger = make(resumed)
    train(logger, 1, 3)
    early = logger.state_dict()
    train(logger, 4, 8)
    for state in (logger.state_dict(), early):
        logger = make(resumed)
        logger.load_state_dict(state)
        train(logger, state["step"] + 1, 12)
        assert without_timing(resumed / "metrics.jsonl") == without_timing(whole / "metrics.jsonl")


def test_a_record_at_the_step_of_the_checkpoint_but_after_it_is_written_once(tmp_path: Path) -> None:
    logger = make(tmp_path)
    logger.log_step(1, {"loss": 1.0})
    state = logger.state_dict()  # saved before the validation of the same step
    logger.log_validation(1, {"loss": 1.0})
    logger = make(tmp_path)
    logger.load_state_dict(state)
    logger.log_validation(1, {"loss": 1.0})
    assert [r["kind"] for r in read_metrics(tmp_path / "metrics.jsonl")] == ["step", "validation"]


def test_a_state_without_a_record_count_cuts_by_step(tmp_path: Path) -> None:
    logger = make(tmp_path)
    train(logger, 1, 6)
    logger = make(tmp_path)
    logger.load_state_dict({"step": 5})
    assert [r["step"] for r in read_metrics(tmp_path / "metrics.jsonl")] == [1, 2, 3, 4, 4, 4, 5]


def test_a_new_run_in_an_old_folder_puts_the_old_stream_aside(tmp_path: Path) -> None:
    for loss in (1.0, 2.0, 3.0):
        logger = make(tmp_path)
        logger.start({})
        logger.log_step(1, {"loss": loss})
        logger.finish("completed")
    files = ("metrics_before_1.jsonl", "metrics_before_2.jsonl", "metrics.jsonl")
    assert [read_metrics(tmp_path / name)[0]["loss"] for name in files] == [1.0, 2.0, 3.0]


def test_the_summary_says_running_until_the_end_and_then_how_it_went(tmp_path: Path) -> None:
    clock = Clock()
    logger = make(tmp_path, clock=clock, total_steps=8, flops_per_item=1e6)
    logger.start({"device": "cpu", "parameters": 1234})
    assert json.loads((tmp_path / "metrics.json").read_text())["status"] == "running"
    train(logger, 1, 8, clock)
    logger.finish("early_stopped", {"reason": "no improvement", "best": {"val_loss": 0.725, "step": 8}})
    summary = json.loads((tmp_path / "metrics.json").read_text())
    assert summary["schema"] == 1
    assert summary["status"] == "early_stopped"
    assert summary["reason"] == "no improvement"
    assert (summary["steps"], summary["epochs"], summary["items"]) == (8, 2, 512)
    assert summary["best"] == {"step": 8, "loss": 0.725, "perplexity": 2.0, "val_loss": 0.725}
    assert summary["final"]["train"]["loss"] == 5 / 8
    assert summary["parameters"] == 1234
    assert summary["wall_s"] == pytest.approx(0.37 * 36)
    assert summary["training_s"] == pytest.approx(0.37 * 36)
    # The first window is left out: 7 windows of 64 items in 0.37 * (2 + … + 8) seconds.
    assert summary["throughput"]["items_per_s"] == pytest.approx(7 * 64 / (0.37 * 35), abs=1e-3)
    assert summary["throughput"]["tflops"] == pytest.approx(7 * 64 / (0.37 * 35) * 1e-6, rel=1e-3)
    assert summary["peak_memory_bytes"] > 2**20


def test_training_time_leaves_out_validation_and_adds_up_over_sessions(tmp_path: Path) -> None:
    clock, seconds_validating = Clock(), 50.0
    logger = make(tmp_path, clock=clock)
    logger.start({})
    for step in (1, 2):
        clock.now += 3.0
        with logger.untimed():
            clock.now += seconds_validating
        logger.log_step(step, {"loss": 1.0}, num_items=8)
    resumed = make(tmp_path, clock=clock)
    resumed.load_state_dict(logger.state_dict())
    resumed.start({})
    clock.now += 2.0
    resumed.log_step(3, {"loss": 1.0}, num_items=8)
    resumed.finish("completed")
    summary = json.loads((tmp_path / "metrics.json").read_text())
    assert summary["training_s"] == pytest.approx(3.0 + 3.0 + 2.0)
    assert summary["wall_s"] == pytest.approx(3.0 + 3.0 + 2.0 + 2 * seconds_validating)


def test_not_a_number_is_never_the_best(tmp_path: Path) -> None:
    logger = make(tmp_path)
    for step, loss in enumerate((math.nan, 3.0, math.nan, 2.0, -math.inf, 2.5), start=1):
        logger.log_validation(step, {"loss": loss})
    logger.finish("completed")
    assert json.loads((tmp_path / "metrics.json").read_text())["best"] == {"step": 4, "loss": 2.0}


class Diverged(Exception):
    exit_code = 4


class Stopped(Exception):
    exit_code = 143


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (ValueError("bad"), "failed"),
        (Diverged("20 steps"), "diverged"),
        (Stopped(), "interrupted"),
        (KeyboardInterrupt(), "interrupted"),
    ],
)
def test_an_exception_ends_the_run_with_its_status(tmp_path: Path, error: BaseException, status: str) -> None:
    def run() -> None:
        with make(tmp_path) as logger:
            logger.start({})
            raise error

    with pytest.raises(type(error)):
        run()
    summary = json.loads((tmp_path / "metrics.json").read_text())
    assert summary["status"] == status
    assert type(error).__name__ in summary["reason"]


def test_a_second_finish_changes_nothing(tmp_path: Path) -> None:
    logger = make(tmp_path)
    logger.finish("completed")
    logger.finish("failed")
    assert json.loads((tmp_path / "metrics.json").read_text())["status"] == "completed"


def test_messages_stay_through_a_resume_and_outside_the_stream(tmp_path: Path) -> None:
    logger = make(tmp_path)
    logger.log_step(1, {"loss": 1.0})
    state = logger.state_dict()
    logger.warn("careful")
    logger = make(tmp_path)
    logger.load_state_dict(state)
    logger.message("resumed at step 1")
    logger.finish("completed")
    messages = read_metrics(tmp_path / "logs" / "messages.jsonl")
    assert [(m["kind"], m["text"]) for m in messages] == [
        ("warning", "careful"),
        ("message", "resumed at step 1"),
    ]
    assert [r["kind"] for r in read_metrics(tmp_path / "metrics.jsonl")] == ["step"]


def test_only_the_first_process_writes_and_shows(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("RANK", "1")
    logger = make(tmp_path, mode="plain", tensorboard=True)
    logger.start({"device": "cpu"})
    train(logger, 1, 4)
    logger.finish("completed")
    assert tree(tmp_path) == {}
    assert capsys.readouterr().out == ""


def test_a_logger_without_a_folder_writes_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with make(None, tensorboard=True, wandb=True) as logger:
        logger.start({})
        train(logger, 1, 4)
        logger.finish("completed")
    assert tree(tmp_path) == {}


@pytest.fixture
def canary(monkeypatch: pytest.MonkeyPatch) -> str:
    for name in ("ANTHROPIC_API_KEY", "WANDB_API_KEY"):
        monkeypatch.setenv(name, CANARY)
    return CANARY


def test_a_secret_of_the_environment_is_in_no_file_and_no_line(
    tmp_path: Path, canary: str, capsys: pytest.CaptureFixture[str]
) -> None:
    config = {"note": f"key {canary}", canary: 1}

    def run() -> None:
        options = {"mode": "plain", "tensorboard": True, "config": config, "plain_every_s": 0}
        with make(tmp_path, **options) as logger:
            logger.start({"command": f"train --key={canary}", "device": "cpu"})
            logger.log_step(1, {"loss": 1.0, "note": canary}, num_items=3)
            logger.log_validation(1, {"loss": 1.0, canary: 2.0})
            logger.log_samples(1, [{"prompt": canary, "text": f" says {canary}"}])
            logger.message(f"hello {canary}")
            raise ValueError(f"401 for {canary}")

    with pytest.raises(ValueError, match="canary"):
        run()
    files = tree(tmp_path)
    assert {"metrics.jsonl", "metrics.json", "samples/step_00000001.json"} <= set(files)
    assert any("tfevents" in name for name in files)
    for name, content in files.items():
        assert canary.encode() not in content, name
    shown = capsys.readouterr()
    assert canary not in shown.out + shown.err
    assert "[ANTHROPIC_API_KEY removed]" in shown.out or "[WANDB_API_KEY removed]" in shown.out


def test_a_folder_that_cannot_be_written_costs_warnings_and_not_the_run(tmp_path: Path) -> None:
    blocker = tmp_path / "file"
    blocker.write_text("not a folder")
    logger = make(blocker / "run")
    logger.start({})
    train(logger, 1, 4)
    logger.finish("completed")
    assert os.listdir(tmp_path) == ["file"]


def test_the_state_is_plain_and_its_clock_stands_apart(tmp_path: Path) -> None:
    import io

    import torch

    clock = Clock()
    logger = make(tmp_path, clock=clock)
    train(logger, 1, 8, clock)
    state = logger.state_dict()
    buffer = io.BytesIO()
    torch.save(state, buffer)
    buffer.seek(0)
    assert torch.load(buffer, weights_only=True) == state
    other = make(tmp_path / "other", clock=Clock())
    train(other, 1, 8)
    again = other.state_dict()
    assert state["timing"] != again["timing"]
    assert {**state, "timing": 0} == {**again, "timing": 0}


def test_the_time_of_earlier_sessions_counts(tmp_path: Path) -> None:
    clock = Clock()
    logger = make(tmp_path, clock=clock)
    logger.start({})
    clock.now += 50
    logger.log_step(1, {"loss": 1.0})
    state = logger.state_dict()
    clock.now += 1000  # the machine was off
    logger = make(tmp_path, clock=clock)
    logger.load_state_dict(state)
    logger.start({})
    clock.now += 7
    logger.log_step(2, {"loss": 1.0})
    assert [r["timing"]["time_s"] for r in read_metrics(tmp_path / "metrics.jsonl")] == [50.0, 57.0]
