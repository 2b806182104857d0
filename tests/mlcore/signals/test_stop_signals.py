"""Real signals to real processes: the first finishes the step, the second leaves at once."""

import os
import signal
import subprocess
import sys
import threading
import time
import warnings
from collections.abc import Iterator
from pathlib import Path
from types import FrameType

import pytest
from mlcore.checkpoint import CheckpointManager
from mlcore.signals import StopSignals

HERE = Path(__file__).parent


def start(script: str, *arguments: str, fault: str = "") -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, str(HERE / script), *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,  # a process group of its own, as a shell gives its foreground job
        env={**os.environ, "FAULT": fault, "OMP_NUM_THREADS": "1"},
    )


def read_until(child: subprocess.Popen[str], text: str) -> None:
    assert child.stdout is not None
    for line in child.stdout:
        if text in line:
            return
    raise AssertionError(f"the child ended without saying {text!r}: {child.communicate()[1]}")


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_the_first_signal_finishes_the_step_and_saves(number: signal.Signals, code: int) -> None:
    child = start("stopping_loop.py", "plain")
    read_until(child, "step 1 begins")
    child.send_signal(number)
    output, errors = child.communicate(timeout=120)
    assert child.returncode == code
    assert output.splitlines() == ["step 1 done", f"saved after {number.name}"]
    assert "once more to leave at once" in errors
    assert "Traceback" not in errors


@pytest.mark.parametrize(
    ("first", "second", "code"),
    [(signal.SIGINT, signal.SIGINT, 130), (signal.SIGINT, signal.SIGTERM, 143)],
)
def test_the_second_signal_leaves_at_once_even_from_a_long_operation(
    first: signal.Signals, second: signal.Signals, code: int
) -> None:
    child = start("stopping_loop.py", "deaf")
    read_until(child, "step 0 begins")
    child.send_signal(first)
    assert child.stderr is not None
    assert child.stderr.readline() == "\n"
    assert "once more" in child.stderr.readline()  # heard, although the main thread is deaf
    child.send_signal(second)
    output, _ = child.communicate(timeout=60)
    assert child.returncode == code
    assert output == ""  # the step was not finished


def test_ctrl_c_reaches_data_workers_too_and_counts_once() -> None:
    child = start("stopping_loop.py", "worker")
    read_until(child, "worker ready")
    read_until(child, "begins")
    os.killpg(child.pid, signal.SIGINT)  # as a terminal does
    output, _ = child.communicate(timeout=120)
    assert child.returncode == 130
    assert "saved after SIGINT" in output
    assert "worker alive: True" in output
    assert f"worker ended with {-signal.SIGTERM}" in output


@pytest.mark.parametrize("num_signals", [1, 2])
def test_a_signal_during_a_save_leaves_a_valid_checkpoint(tmp_path: Path, num_signals: int) -> None:
    child = start("saving_loop.py", str(tmp_path), fault="checkpoint.fsync.before:2:sleep=3")
    read_until(child, "saving 2")
    while not list(tmp_path.glob(".step_00000002.pt.*.tmp")):  # it is in the middle of the second save
        time.sleep(0.005)
    for _ in range(num_signals):
        child.send_signal(signal.SIGTERM)
        assert child.stderr is not None
        child.stderr.readline()
        child.stderr.readline()
    child.communicate(timeout=120)
    assert child.returncode == 143
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        loaded = CheckpointManager(tmp_path).load()
    assert loaded.step == (2 if num_signals == 1 else 1)
    assert loaded.state["w"].unique().tolist() == [float(loaded.step)]
    assert not list(tmp_path.glob(".*.tmp"))


@pytest.fixture
def own_handlers() -> Iterator[list[int]]:
    """Handlers of the test's own below StopSignals, which record what reaches them."""
    seen: list[int] = []

    def record(number: int, frame: FrameType | None) -> None:
        seen.append(number)

    previous = {number: signal.signal(number, record) for number in (signal.SIGINT, signal.SIGTERM)}
    yield seen
    for number, handler in previous.items():
        signal.signal(number, handler)


def test_handlers_are_put_back(own_handlers: list[int]) -> None:
    with StopSignals(announce=False) as stop:
        assert stop.requested is None
        assert stop.exit_code is None
        signal.raise_signal(signal.SIGTERM)
        assert (stop.requested, stop.exit_code) == (signal.SIGTERM, 143)
    assert own_handlers == []
    signal.raise_signal(signal.SIGINT)
    assert own_handlers == [signal.SIGINT]
    assert stop.exit_code == 143  # still to be read after the block
    assert not [thread for thread in threading.enumerate() if thread.name == "stop-signals"]


def test_an_inner_one_shows_the_outer_ones_state(own_handlers: list[int]) -> None:
    with StopSignals(announce=False) as outer:
        with StopSignals(announce=False) as inner:
            signal.raise_signal(signal.SIGINT)
            assert inner.requested == outer.requested == signal.SIGINT
        assert inner.exit_code == outer.exit_code == 130
        with StopSignals(announce=False) as later:
            assert later.requested == signal.SIGINT  # the request holds for everything inside
    assert own_handlers == []


def test_it_can_be_used_again_and_starts_afresh(own_handlers: list[int]) -> None:
    for _ in range(3):
        with StopSignals(announce=False) as stop:
            assert stop.requested is None
            signal.raise_signal(signal.SIGINT)
            assert stop.exit_code == 130
    assert own_handlers == []


def test_an_exception_inside_puts_the_handlers_back(own_handlers: list[int]) -> None:
    with pytest.raises(ValueError, match="inside"), StopSignals(announce=False):
        raise ValueError("inside")
    signal.raise_signal(signal.SIGTERM)
    assert own_handlers == [signal.SIGTERM]


def test_outside_the_main_thread_it_changes_nothing(own_handlers: list[int]) -> None:
    found: list[object] = []

    def work() -> None:
        with StopSignals() as stop:
            found.append(signal.getsignal(signal.SIGINT))
            found.append(stop.requested)

    handler = signal.getsignal(signal.SIGINT)
    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert found == [handler, None]
