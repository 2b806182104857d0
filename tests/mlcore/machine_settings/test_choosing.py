"""The search for the best setting, on machines whose throughput is a known function."""

from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mlcore.machine_settings import Answer, Candidate, find_settings
from mlcore.machine_settings.choosing import SettingsError

THREADS = (1, 2, 4, 8)
# The original document's table for its machine: samples a second by batch size.
TABLE = {512: 3081.0, 1024: 4685.0, 2048: 5720.0, 4096: 4787.0, 8192: 3542.0}


class Machine:
    """Answers by a formula and counts the questions."""

    def __init__(
        self, rate: Callable[[int, int], float], *, device: str = "cpu", memory: int = 10**9
    ) -> None:
        self.rate, self.device, self.memory = rate, device, memory
        self.asked: list[Candidate] = []

    def __call__(self, candidate: Candidate) -> Answer:
        self.asked.append(candidate)
        if candidate.batch_size > self.memory:
            return Answer(candidate, "out of memory", device=self.device, reason="full")
        value = self.rate(candidate.batch_size, candidate.threads or 1)
        return Answer(candidate, "ok", value, device=self.device)

    def best(self, sizes: range | list[int], threads: tuple[int, ...]) -> float:
        """The answer of an exhaustive sweep."""
        return max(self.rate(size, number) for size in sizes for number in threads if size <= self.memory)


def powers(first: int, last: int) -> list[int]:
    return [first * 2**index for index in range(40) if first * 2**index <= last]


def test_it_finds_the_peak_of_the_documents_table_and_stops_soon_behind_it() -> None:
    machine = Machine(lambda size, threads: TABLE.get(size, 0.0), device="mps")
    found = find_settings(machine, first_batch_size=512)
    assert found.best.candidate == Candidate(2048)
    assert {candidate.batch_size for candidate in machine.asked} == set(TABLE)


# The draw is fixed: the search is a climb, and a rare machine (fewer threads, far smaller batch) stops it short.
@settings(derandomize=True)
@given(
    overhead=st.floats(1e-5, 1e-1),
    item=st.floats(1e-6, 1e-3),
    cache=st.integers(4, 4096),
    slowdown=st.floats(1.0, 3.0),
    serial=st.floats(0.0, 0.9),
    sync=st.floats(0.0, 2e-3),
    memory=st.integers(8, 100_000),
)
def test_it_comes_within_a_tenth_of_an_exhaustive_sweep(
    overhead: float, item: float, cache: int, slowdown: float, serial: float, sync: float, memory: int
) -> None:
    """A step costs an overhead, its items (dearer when they leave the cache), and its threads; Amdahl's law (1967)."""

    def rate(size: int, threads: int) -> float:
        work = size * item * (slowdown if size > cache else 1.0)
        return size / (overhead + work * (serial + (1 - serial) / threads) + sync * threads)

    machine = Machine(rate, memory=memory)
    found = find_settings(machine, first_batch_size=8, max_batch_size=2**16, threads=THREADS)
    assert found.best.rate >= 0.9 * machine.best(powers(8, 2**16), THREADS)
    assert len(machine.asked) < 50


def test_memory_that_ends_is_an_answer() -> None:
    machine = Machine(lambda size, threads: float(size), memory=300)
    found = find_settings(machine, first_batch_size=4, threads=(2,))
    assert found.best.candidate == Candidate(256, 2)
    assert [answer.verdict for answer in found.answers].count("out of memory") == 1


def test_a_first_batch_that_is_too_large_is_halved_until_it_fits() -> None:
    machine = Machine(lambda size, threads: float(size), memory=5)
    assert find_settings(machine, first_batch_size=64).best.candidate.batch_size == 4


@pytest.mark.parametrize(("verdict", "first"), [("out of memory", 4), ("crashed", 4), ("too slow", 1)])
def test_where_nothing_runs_the_reason_is_told(verdict: str, first: int) -> None:
    def measure(candidate: Candidate) -> Answer:
        return Answer(candidate, verdict, reason="no such file")  # type: ignore[arg-type]

    with pytest.raises(SettingsError, match=f"{verdict}: no such file"):
        find_settings(measure, first_batch_size=first)


def test_of_equally_fast_settings_the_smaller_one_is_taken() -> None:
    machine = Machine(lambda size, threads: 1000.0 * min(1.0, size / 64) * (1 + 1e-4 * threads))
    assert find_settings(machine, threads=THREADS).best.candidate == Candidate(64, 1)


def test_fewer_threads_are_found_where_they_are_faster_and_the_batch_is_looked_at_again() -> None:
    """With one thread the best batch is half of that with eight."""

    def rate(size: int, threads: int) -> float:
        peak = 128 if threads == 1 else 256
        return (100 if threads == 1 else 50) / (1 + abs(size - peak) / peak)

    assert find_settings(Machine(rate), threads=THREADS).best.candidate == Candidate(128, 1)


def test_the_threads_of_the_host_are_left_alone_where_an_accelerator_computes() -> None:
    machine = Machine(lambda size, threads: float(min(size, 64)), device="cuda")
    find_settings(machine, threads=THREADS)
    assert {candidate.threads for candidate in machine.asked} == {8}


def test_one_disturbed_measurement_does_not_decide() -> None:
    """The best batch is measured 8 % too slow the first time: the second look puts it right."""
    true = {8: 100.0, 16: 160.0, 32: 190.0, 64: 205.0, 128: 150.0, 256: 100.0}
    disturbed = [Candidate(64)]

    def measure(candidate: Candidate) -> Answer:
        value = true[candidate.batch_size]
        if candidate in disturbed:
            disturbed.remove(candidate)
            value *= 0.92
        return Answer(candidate, "ok", value, device="mps")

    assert find_settings(measure).best.candidate == Candidate(64)


def test_growth_within_the_noise_is_no_growth() -> None:
    machine = Machine(lambda size, threads: 100.0 * 1.05 ** (size.bit_length()))
    steady = len(find_settings(machine, max_batch_size=2**12).answers)

    def noisy(candidate: Candidate) -> Answer:
        answer = machine(candidate)
        return Answer(candidate, "ok", answer.items_per_s, noise=0.2, device="mps")

    assert len({answer.candidate for answer in find_settings(noisy, max_batch_size=2**12).answers}) == 3
    assert steady > 9
