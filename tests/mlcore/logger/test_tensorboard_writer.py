"""TensorBoard gets the same numbers, read back with TensorBoard's own reader."""

import sys
from pathlib import Path

import pytest
from mlcore.logger import TrainingLogger, read_metrics


def scalars(folder: Path) -> dict[str, list[tuple[int, float]]]:
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    reader = EventAccumulator(str(folder / "logs" / "tensorboard"))
    reader.Reload()
    return {tag: [(e.step, e.value) for e in reader.Scalars(tag)] for tag in reader.Tags()["scalars"]}


def make(folder: Path) -> TrainingLogger:
    return TrainingLogger(folder, mode="silent", flops_per_item=1e6)


def train(logger: TrainingLogger, first: int, last: int) -> None:
    for step in range(first, last + 1):
        logger.log_step(step, {"loss": 1 / step, "status": "ok", "lr": 0.5}, num_items=8)
        if step % 2 == 0:
            logger.log_validation(step, {"loss": 2 / step})


def test_numbers_are_those_of_the_stream(tmp_path: Path) -> None:
    logger = make(tmp_path)
    logger.start({})
    train(logger, 1, 6)
    logger.log_epoch(1, {"train": {"loss": 0.5}, "val": {"loss": 0.25}})
    logger.log_samples(6, [{"prompt": "Once", "text": "<b> upon"}])
    logger.finish("completed")
    found = scalars(tmp_path)
    assert found["train/loss"] == [(step, pytest.approx(1 / step)) for step in range(1, 7)]
    assert found["val/loss"] == [(step, pytest.approx(2 / step)) for step in (2, 4, 6)]
    assert found["epoch/val/loss"] == [(6, 0.25)]
    assert {"throughput/items_per_s", "throughput/tflops", "train/lr"} <= set(found)
    assert "train/status" not in found


def test_after_a_resume_every_step_stands_there_once(tmp_path: Path) -> None:
    logger = make(tmp_path)
    logger.start({})
    train(logger, 1, 4)
    state = logger.state_dict()
    for step in range(5, 9):  # lost work, with other numbers
        logger.log_step(step, {"loss": 99.0}, num_items=8)
    logger.state_dict()  # flushed: the lost events are on the disk
    resumed = make(tmp_path)
    resumed.load_state_dict(state)
    resumed.start({})
    train(resumed, 5, 6)
    resumed.finish("completed")
    found = scalars(tmp_path)
    assert found["train/loss"] == [(step, pytest.approx(1 / step)) for step in range(1, 7)]


def test_without_tensorboard_there_is_one_warning_and_the_stream_is_complete(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "torch.utils.tensorboard", None)
    logger = make(tmp_path)
    logger.start({})
    train(logger, 1, 4)
    logger.finish("completed")
    messages = read_metrics(tmp_path / "logs" / "messages.jsonl")
    assert len(messages) == 1
    assert messages[0]["text"].startswith("TensorBoard is off: ")
    assert len(read_metrics(tmp_path / "metrics.jsonl")) == 6


def test_switched_off_it_is_not_even_imported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "torch.utils.tensorboard", None)  # an import would warn
    logger = TrainingLogger(tmp_path, mode="silent", tensorboard=False)
    logger.start({})
    train(logger, 1, 2)
    logger.finish("completed")
    assert not (tmp_path / "logs").exists()
