"""What a person sees of a running study, and how the time left is estimated."""

import io
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from mlcore.study import Job, StudyProgress, run_study
from mlcore.study.display import TerminalDisplay
from mlcore.study.estimate import remaining_seconds
from mlcore.study.output import named_paths, read_lines
from rich.console import Console


def test_there_is_no_estimate_before_a_job_is_done() -> None:
    assert remaining_seconds([], [(1, 5)], [1, 1], 2) is None


@pytest.mark.parametrize(
    ("finished", "running", "waiting", "num_workers", "expected"),
    [
        ([(1, 10)], [], [1, 1], 1, 20),
        ([(1, 10)], [], [1, 1], 2, 10),
        ([(2, 10)], [], [4], 1, 20),  # 5 s a unit
        ([(1, 10)], [(1, 4)], [], 2, 6),
        ([(1, 10)], [(1, 4), (1, 8)], [1], 2, 12),  # the second worker is free after 2 s
        ([(1, 10)], [(1, 99)], [], 1, 0),  # longer than expected: any moment now
        ([(1, 8), (3, 24)], [(1, 0)], [5], 1, 48),
        ([(1, 10)], [], [1], 8, 10),
    ],
)
def test_the_estimate_is_what_a_person_would_compute(
    finished: list, running: list, waiting: list, num_workers: int, expected: float
) -> None:
    assert remaining_seconds(finished, running, waiting, num_workers) == pytest.approx(expected)


weights = st.floats(0.1, 10)


@given(st.lists(weights, max_size=20), st.integers(1, 6))
def test_the_estimate_lies_between_perfect_sharing_and_one_job_more(
    waiting: list[float], num_workers: int
) -> None:
    """Graham (1969): list scheduling ends at most the longest job after perfect sharing."""
    estimate = remaining_seconds([(1, 1)], [], waiting, num_workers)
    shared = sum(waiting) / num_workers
    assert estimate is not None
    assert max([shared, *waiting], default=0) <= estimate + 1e-9
    assert estimate <= shared + max(waiting, default=0) + 1e-9


def test_files_and_pipes_get_whole_lines_with_the_state_of_the_whole(
    tmp_path: Path, job: Callable[..., Job]
) -> None:
    stream = io.StringIO()
    jobs = [job("short", ""), job("longer-key", "sys.exit('broken')")]
    run_study(jobs, tmp_path / "study", num_workers=1, threads_per_worker=1, stream=stream)
    lines = stream.getvalue().splitlines()
    assert lines[0] == f"2 jobs, 1 at a time, in {tmp_path / 'study'}"
    assert lines[1] == "started      short"
    assert lines[2].startswith("done         short")
    assert "(1/2 done, " in lines[2]
    assert " left)" in lines[2]
    assert lines[4].startswith("FAILED       longer-key")
    assert "exit code 1: broken  (1/2 done, 1 failed, " in lines[4]
    assert "\x1b" not in stream.getvalue()


def test_hostile_output_of_a_job_cannot_move_the_cursor(tmp_path: Path, job: Callable[..., Job]) -> None:
    stream = io.StringIO()
    jobs = [job("evil", r"print('\x1b[2J\x1b]0;title\x07\x9b1A'); sys.exit(1)")]
    result = run_study(jobs, tmp_path / "study", num_workers=1, threads_per_worker=1, stream=stream)
    shown = stream.getvalue() + result.table()
    assert not [character for character in shown if character in "\x1b\x07\x9b"]


def test_a_terminal_shows_a_bar_and_every_running_job() -> None:
    stream = io.StringIO()
    console = Console(file=stream, force_terminal=True, width=120, color_system=None)
    display = TerminalDisplay(stream, console=console)
    display.start("21 jobs")
    running = (("cosine-[42]", 61.0), ("cosine-123", 4.0))
    display.tick(StudyProgress(21, 5, 1, running, elapsed_s=400, remaining_s=1200))
    display.close()
    shown = stream.getvalue()
    assert "5/21 done, 2 running, 1 failed, 6 min 40 s so far, about 20 min 00 s left" in shown
    assert "cosine-[42]" in shown, "brackets are text, not markup"
    assert "1 min 01 s" in shown
    assert "━" in shown


def test_in_a_terminal_what_ended_scrolls_by_and_the_cursor_comes_back(
    tmp_path: Path, job: Callable[..., Job], monkeypatch: pytest.MonkeyPatch
) -> None:
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    monkeypatch.setenv("TERM", "xterm")
    stream = Terminal()
    jobs = [job("a", ""), job("b", "sys.exit('broken')")]
    run_study(jobs, tmp_path / "study", num_workers=2, threads_per_worker=1, stream=stream)
    shown = stream.getvalue()
    assert "exit code 1: broken" in shown
    assert shown.rindex("\x1b[?25h") > shown.rindex("\x1b[?25l")


def test_the_last_lines_leave_out_colours_empty_lines_and_overwritten_bars(tmp_path: Path) -> None:
    log = tmp_path / "log"
    log.write_bytes(b"before\n" + b"\x1b[31mred\x1b[0m\n\n10 %\r20 %\r100 %\r\n\xff\nend")
    assert read_lines(log, 7) == ["red", "100 %", "\ufffd", "end"]
    assert read_lines(tmp_path / "none", 0) == []


def test_only_existing_paths_are_taken_for_results_and_the_last_one_counts(tmp_path: Path) -> None:
    lines = [
        f"run     {tmp_path}/gone",
        f"run  {tmp_path}",
        f"one {tmp_path}",
        f"Two words  {tmp_path}",
        "loss  0.3",
        f"long  {'x' * 5000}",
    ]
    assert named_paths(lines) == {"run": str(tmp_path)}
