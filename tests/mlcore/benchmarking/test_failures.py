"""A variant that raises, dies or hangs is told in words; the others are measured, and no process is left."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from mlcore.benchmarking import BenchmarkResult, Variant

MakeVariant = Callable[..., Variant]
Run = Callable[..., BenchmarkResult]
PROGRAM = Path(__file__).with_name("benchmark_program.py")


@pytest.mark.parametrize("at_step", [0, 1, 3])
def test_an_exception_is_told_and_stops_nobody_else(variant: MakeVariant, run: Run, at_step: int) -> None:
    """Step 1 is the first one, step 3 belongs to the first round (one step warms up)."""
    result = run(variant("bad", "raising", at_step=at_step), variant("good", "sleeping"))
    moment = "in round 1" if at_step == 3 else "before the first round"
    assert result["bad"].failure == f"ValueError: no such thing ({moment})"
    assert result["bad"].turns == ()
    assert len(result["good"].turns) == 2
    assert any("bad failed: ValueError: no such thing" in warning for warning in result.warnings)


def test_rounds_before_a_failure_are_kept(variant: MakeVariant, run: Run) -> None:
    result = run(variant("bad", "raising", at_step=5), variant("good", "sleeping"), rounds=3)
    assert [turn.round for turn in result["bad"].turns] == [0]
    assert "in round 2" in result["bad"].failure
    assert result.ratio("bad", "good").values == pytest.approx(
        [result["bad"].rates()[0] / result["good"].rates()[0]]
    )


def test_a_process_that_ends_without_a_word_is_told_with_its_last_ones(
    variant: MakeVariant, run: Run
) -> None:
    result = run(variant("bad", "vanishing", code=7), variant("good", "sleeping"))
    assert "exit code 7" in result["bad"].failure
    assert "these are my last words" in result["bad"].failure
    assert len(result["good"].turns) == 2


def test_one_that_hangs_is_ended_with_everything_it_started(
    variant: MakeVariant, run: Run, tmp_path: Path, ends: Callable, pids_in: Callable
) -> None:
    hanging = variant("bad", "hanging", pid_file=str(tmp_path / "pids"), with_child=True)
    result = run(hanging, variant("good", "sleeping"), time_limit_s=5.0)
    assert "no answer within 5.0 s" in result["bad"].failure
    assert len(result["good"].turns) == 2
    for pid in pids_in(tmp_path / "pids"):
        ends(pid)


def test_a_target_that_is_not_there_is_told(run: Run) -> None:
    result = run(Variant("module", "no_such_module:f"), Variant("function", "benchmark_targets:no_such"))
    assert "ModuleNotFoundError" in result["module"].failure
    assert "no_such" in result["function"].failure
    assert "failed" in result.markdown()


@pytest.mark.skipif(os.name == "nt", reason="signals")
@pytest.mark.parametrize(
    ("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGKILL, -signal.SIGKILL)]
)
def test_no_child_survives_its_parent(
    number: int, code: int, tmp_path: Path, ends: Callable, pids_in: Callable
) -> None:
    """Ctrl-C, SIGTERM, and a kill that leaves the parent no time for anything."""
    pid_file = tmp_path / "pids"
    command = [sys.executable, str(PROGRAM), str(pid_file)]
    with subprocess.Popen(command, stderr=subprocess.DEVNULL, start_new_session=True) as parent:
        try:
            pids = pids_in(pid_file)
            parent.send_signal(number)
            assert parent.wait(60) == code
        finally:
            parent.kill()
    for pid in pids:
        ends(pid)
