"""Items a second count training alone."""

import pytest
from mlcore.logger.throughput import ThroughputMeter


class Clock:
    def __init__(self) -> None:
        self.now = 5.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def meter(clock: Clock) -> ThroughputMeter:
    meter = ThroughputMeter(clock)
    meter.start(0)
    return meter


def test_a_rate_is_items_over_the_time_since_the_last_record(clock: Clock, meter: ThroughputMeter) -> None:
    clock.now += 2
    assert meter.update(1, 100) == 50
    clock.now += 4
    assert meter.update(2, 100) == 25


def test_a_pause_in_the_middle_of_a_window_is_subtracted_exactly(
    clock: Clock, meter: ThroughputMeter
) -> None:
    clock.now += 1
    meter.pause()
    clock.now += 60
    meter.pause()  # saving inside validation
    clock.now += 30
    meter.resume()
    meter.resume()
    meter.exclude(3)
    clock.now += 1
    assert meter.update(10, 100) == 50


def test_without_pauses_a_window_with_validation_inside_is_not_measured(
    clock: Clock, meter: ThroughputMeter
) -> None:
    clock.now += 1
    assert meter.update(10, 100) == 100
    clock.now += 60
    meter.exclude(15)
    clock.now += 1
    assert meter.update(20, 500) == 100, "the time of steps 11 to 15 is unknown, so the old rate stands"
    clock.now += 10
    meter.exclude(20)
    clock.now += 1
    assert meter.update(30, 300) == 300, "validation right after a record leaves the next window whole"


def test_the_mean_leaves_out_the_first_window(clock: Clock, meter: ThroughputMeter) -> None:
    assert meter.mean_items_per_s() is None
    clock.now += 100
    meter.update(1, 10)
    assert meter.mean_items_per_s() == 0.1
    for _ in range(3):
        clock.now += 2
        meter.update(2, 10)
    assert meter.mean_items_per_s() == 5


def test_time_left_follows_the_pace_of_this_session(clock: Clock, meter: ThroughputMeter) -> None:
    meter.start(100)
    assert meter.seconds_left(100, 200) is None
    clock.now += 10
    assert meter.seconds_left(120, 200) == 40
    assert meter.seconds_left(120, None) is None
    assert meter.seconds_left(300, 200) == 0
