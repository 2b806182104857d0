"""Scales, ticks, smoothing and thinning."""

import math
import random
import re

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from mlcore.report.line_chart import Chart, draw
from mlcore.report.scales import Scale, data_range, linear_ticks, log_ticks
from mlcore.report.series import Series, points_of, smooth, smoothing_window, thin

numbers = st.floats(-1e9, 1e9, allow_nan=False)


@given(numbers, numbers, st.integers(2, 10))
def test_linear_ticks_are_round_evenly_spaced_and_inside(low: float, high: float, count: int) -> None:
    low, high = min(low, high), max(low, high)
    assume(high - low > 1e-6 * max(abs(low), abs(high), 1e-9))
    ticks = linear_ticks(low, high, count)
    assert 1 <= len(ticks) <= count + 1
    slack = 1e-6 * (high - low)
    assert all(low - slack <= tick <= high + slack for tick in ticks)
    if len(ticks) > 1:
        step = ticks[1] - ticks[0]
        assert np.allclose(np.diff(ticks), step, rtol=1e-3)
        digits = step / 10 ** math.floor(math.log10(step) + 1e-9)
        assert min(abs(digits - round_one) for round_one in (1, 2, 2.5, 5, 10)) < 1e-2


@given(st.floats(1e-9, 1e9), st.floats(1.01, 1e9))
def test_log_ticks_are_inside_and_few(low: float, ratio: float) -> None:
    ticks = log_ticks(low, low * ratio, 5)
    assert ticks == sorted(ticks)
    assert len(ticks) <= 12
    assert all(low * 0.99 <= tick <= low * ratio * 1.01 for tick in ticks)
    if ratio > 10:
        assert len(ticks) >= 2


def test_log_ticks_of_a_loss_curve() -> None:
    assert log_ticks(1.5, 11, 5) == pytest.approx([2, 3, 4, 5, 6, 7, 8, 9, 10][::2], abs=3)
    assert log_ticks(1e-6, 1, 5) == pytest.approx([1e-6, 1e-5, 1e-4, 1e-3, 1e-2, 1e-1, 1])


def test_a_scale_maps_its_ends_to_the_ends_of_the_picture() -> None:
    linear, log = Scale(0, 10, 300, 20), Scale(1, 100, 300, 20, log=True)
    assert (linear(0), linear(10), linear(5)) == (300, 20, 160)
    assert (log(1), log(100), log(10)) == (300, 20, 160)
    assert log(0) > 300, "what has no logarithm lies under the axis, where it is clipped"


@given(st.lists(numbers, max_size=20), st.booleans(), st.booleans())
def test_the_range_of_an_axis_is_never_empty_and_holds_the_data(
    values: list[float], log: bool, from_zero: bool
) -> None:
    low, high = data_range(values, log=log, from_zero=from_zero)
    assert high > low
    usable = [v for v in values if v > max(1e-250, max(values) * 1e-12)] if log else values
    assert all(low <= value <= high for value in usable)
    assert not log or low > 0
    assert not (from_zero and not log and values) or low <= 0 <= high or max(values) < 0


def test_smoothing_is_the_triangular_mean_inside_and_keeps_straight_lines() -> None:
    noise = random.Random(0)
    points = [(float(x), noise.random()) for x in range(200)]
    window = smoothing_window(200)
    half = (window + 1) // 2 | 1
    box = np.ones(half) / half
    expected = np.convolve([y for _, y in points], np.convolve(box, box), mode="same")
    smoothed = [y for _, y in smooth(points, window)]
    assert np.allclose(smoothed[half:-half], expected[half:-half])
    line = [(float(x), 3.0 - 0.5 * x) for x in range(200)]
    assert np.allclose(smooth(line, 9), line), "no lag, not even at the ends"


def test_short_curves_are_not_smoothed() -> None:
    points = [(float(x), float(x % 2)) for x in range(20)]
    assert smoothing_window(len(points)) == 1
    assert smooth(points, 1) == points


@given(st.lists(numbers, min_size=2, max_size=3000))
def test_thinning_keeps_ends_extremes_and_order_and_few_points(values: list[float]) -> None:
    points = [(float(index), value) for index, value in enumerate(values)]
    kept = thin(points, 100)
    assert len(kept) <= 102
    assert set(kept) <= set(points)
    assert kept == sorted(kept)
    assert {kept[0], kept[-1]} == {points[0], points[-1]}
    assert min(y for _, y in kept) == min(values)
    assert max(y for _, y in kept) == max(values)


def test_points_leave_out_what_is_not_a_finite_number() -> None:
    records = [
        {"step": 1, "loss": 1.0},
        {"step": 2, "loss": math.nan},
        {"step": 3, "loss": "text"},
        {"step": 4},
        {"step": 5, "loss": True},
        {"step": 6, "loss": 2, "timing": {"items_per_s": 7.0}},
        {"step": 7, "timing": None},
    ]
    assert points_of(records, "loss") == [(1.0, 1.0), (6.0, 2.0)]
    assert points_of(records, "timing", "items_per_s") == [(6.0, 7.0)]


def chart(points: list[tuple[float, float]], **options: object) -> Chart:
    series = (Series("loss", "train", tuple(points)),)
    return Chart("k", "Title", "Text", series, lambda value: f"{value:g}", **options)  # type: ignore[arg-type]


def test_a_line_is_drawn_where_its_scale_says() -> None:
    svg = draw(chart([(0.0, 0.0), (50.0, 1.0), (100.0, 2.0)]), width=400, height=200)
    (path,) = re.findall(r'<path class="line train" d="M([^"]+)"', svg)
    (x0, y0), (x1, y1), (x2, y2) = [tuple(map(float, pair.split())) for pair in path.split("L")]
    assert (x0, x2) == (56, 386)
    assert x1 == pytest.approx((x0 + x2) / 2, abs=0.1)
    assert y0 > y1 > y2, "larger values stand higher"
    assert y1 == pytest.approx((y0 + y2) / 2, abs=0.1)


def test_one_spike_does_not_flatten_a_curve() -> None:
    points = [(float(x), 2.0 + x / 1000) for x in range(1000)]
    points[500] = (500.0, 1e6)
    svg = draw(chart(points), width=400, height=200)
    ticks = [float(text) for text in re.findall(r'text-anchor="end" dy="4">([^<]+)<', svg)]
    assert max(ticks) < 10


def test_reference_lines_above_the_curve_are_left_out_and_names_do_not_collide() -> None:
    references = (("far", 900.0), ("one", 1.5), ("two", 1.51))
    svg = draw(chart([(0.0, 1.0), (10.0, 2.0)], references=references), width=400, height=200)
    names = re.findall(r'class="reference-name" x="[^"]+" y="([^"]+)"[^>]*>(\w+) ', svg)
    assert [name for _, name in names] == ["two", "one"]
    assert abs(float(names[0][0]) - float(names[1][0])) >= 12


@pytest.mark.parametrize("points", [[], [(5.0, 3.0)], [(1.0, 2.0), (2.0, 2.0)], [(1.0, -3.0), (2.0, 0.0)]])
@pytest.mark.parametrize("log", [True, False])
def test_poor_data_still_give_a_picture(points: list[tuple[float, float]], log: bool) -> None:
    svg = draw(chart(points), width=400, height=200, log=log)
    assert svg.startswith("<svg")
    assert "nan" not in svg.replace("Infinity", "inf")
    assert "inf" not in svg
