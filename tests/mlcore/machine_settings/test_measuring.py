"""Candidates in real processes: how fast, and how they may end."""

import contextlib
from pathlib import Path

import numpy as np
import psutil
import pytest
from mlcore.machine_settings import Candidate, ProcessMeter, find_settings
from mlcore.machine_settings.measuring import noise_of_median, verdict_of
from mlcore.machine_settings.memory_bound import free_memory_bytes


def meter(function: str, **arguments: object) -> ProcessMeter:
    return ProcessMeter(f"settings_targets:{function}", arguments, seconds=0.2, time_limit_s=60)


def test_the_rate_is_that_of_a_step_whose_time_is_known() -> None:
    answer = meter("waiting", fixed_s=0.05)(Candidate(10, threads=1))
    assert answer.verdict == "ok"
    assert 100 < answer.rate <= 200, "10 items in 50 ms, and whatever a busy machine adds"
    assert answer.peak_memory_bytes is not None
    assert answer.peak_memory_bytes > 2**20


@pytest.mark.parametrize(
    ("how", "verdict"),
    [
        ("memory error", "out of memory"),
        ("cuda", "out of memory"),
        ("killed", "out of memory"),
        ("segmentation fault", "crashed"),
        ("a mistake in the model", "crashed"),
    ],
)
def test_every_end_is_an_answer(how: str, verdict: str) -> None:
    answer = meter("dying", how=how)(Candidate(4))
    assert (answer.verdict, answer.items_per_s) == (verdict, None)
    assert answer.reason


def test_a_candidate_that_hangs_is_too_slow() -> None:
    hanging = ProcessMeter("settings_targets:dying", {"how": "hang"}, time_limit_s=2)
    assert hanging(Candidate(4)).verdict == "too slow"


def test_a_process_that_grows_beyond_its_bound_is_ended_and_no_process_is_left() -> None:
    before = {child.pid for child in psutil.Process().children(recursive=True)}
    bounded = ProcessMeter("settings_targets:growing", seconds=0.1, limit_bytes=200 * 2**20)
    assert bounded(Candidate(8)).verdict == "ok"
    answer = bounded(Candidate(2000))
    assert answer.verdict == "out of memory"
    assert answer.reason == "its process grew beyond 0.20 GiB"
    assert answer.peak_memory_bytes is not None
    assert answer.peak_memory_bytes < 1000 * 2**20, "ended long before it had its two gigabytes"
    assert {child.pid for child in psutil.Process().children(recursive=True)} <= before


def test_the_search_ends_where_the_memory_ends() -> None:
    bounded = ProcessMeter(
        "settings_targets:growing", {"mib_per_item": 4}, seconds=0.1, limit_bytes=250 * 2**20
    )
    found = find_settings(bounded, first_batch_size=8)
    assert found.best.candidate.batch_size == 32, "32 · 4 MiB and the interpreter fit, 64 · 4 MiB do not"
    assert "out of memory" in {answer.verdict for answer in found.answers}


def test_an_unknown_target_is_told_and_not_raised() -> None:
    answer = ProcessMeter("settings_targets:no_such_function")(Candidate(1))
    assert answer.verdict == "crashed"
    assert "no_such_function" in answer.reason


def test_the_noise_of_a_median_is_that_of_repeated_medians() -> None:
    """Against the spread of the medians of many samples from the same normal distribution."""
    generator = np.random.default_rng(1)
    samples = 10 + generator.standard_normal((4000, 25))
    estimates = [noise_of_median(sample.tolist()) for sample in samples[:400]]
    assert np.mean(estimates) == pytest.approx(np.median(samples, axis=1).std() / 10, rel=0.1)


def test_words_are_told_apart() -> None:
    assert verdict_of("no answer within 2 s", was_exceeded=False) == "too slow"
    assert verdict_of("killed by SIGKILL (out of memory?)", was_exceeded=False) == "out of memory"
    assert (
        verdict_of("RuntimeError: [enforce fail] can't allocate memory: you tried", was_exceeded=False)
        == "out of memory"
    )
    assert verdict_of("ValueError: shape", was_exceeded=False) == "crashed"
    assert verdict_of("ended with exit code 1", was_exceeded=True) == "out of memory"


def test_a_containers_limit_counts_beside_the_machines_memory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from mlcore.machine_settings import memory_bound

    monkeypatch.setattr(memory_bound, "_CGROUP", tmp_path)
    unlimited = free_memory_bytes()
    assert unlimited == pytest.approx(psutil.virtual_memory().available, rel=0.5)
    with contextlib.suppress(OSError):
        (tmp_path / "memory.max").write_text("max\n")
        assert free_memory_bytes() > 1000
        (tmp_path / "memory.max").write_text("5000\n")
        (tmp_path / "memory.current").write_text("4000\n")
        assert free_memory_bytes() == 1000
