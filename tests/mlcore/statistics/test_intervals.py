"""Summaries and intervals against scipy, statsmodels, closed forms and their own promise: how often they cover."""

import json
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mlcore.statistics import (
    StatisticsError,
    bootstrap_interval,
    clopper_pearson_interval,
    summarize,
    wilson_interval,
)
from scipy import stats
from statsmodels.stats.proportion import proportion_confint
from statsmodels.stats.weightstats import DescrStatsW

finite = st.floats(-1e6, 1e6, allow_nan=False, width=32)
samples = st.lists(finite, min_size=2, max_size=12)


@settings(deadline=None)
@given(samples, st.floats(0.5, 0.999))
def test_a_summary_is_that_of_scipy_and_statsmodels(values: list[float], confidence: float) -> None:
    found = summarize(values, confidence=confidence)
    described = DescrStatsW(values, ddof=0)
    assert found.n == len(values)
    assert found.mean == pytest.approx(described.mean, rel=1e-9, abs=1e-6)
    assert found.sd == pytest.approx(np.std(values, ddof=1), rel=1e-9, abs=1e-6)
    assert found.median == pytest.approx(np.median(values))
    assert (found.minimum, found.maximum) == (min(values), max(values))
    if found.interval is None:
        assert np.ptp(values) <= 1e-14 * max(map(abs, values))
        assert found.reason == "all values are equal"
    else:
        assert found.interval == pytest.approx(described.tconfint_mean(1 - confidence), rel=1e-6, abs=1e-6)


def test_the_t_interval_of_three_seeds_is_the_one_from_the_table() -> None:
    low, high = summarize([97.8, 97.9, 98.0]).interval
    assert (high - low) / 2 == pytest.approx(4.302653 * 0.1 / math.sqrt(3), rel=1e-6)


@pytest.mark.parametrize(
    ("values", "reason"),
    [
        ([], "no values"),
        ([1.0, math.nan, 2.0], "1 of 3 values is not finite"),
        ([math.inf, math.nan], "2 of 2 values are not finite"),
    ],
)
def test_a_summary_says_why_there_is_none_instead_of_leaving_values_out(
    values: list[float], reason: str
) -> None:
    found = summarize(values)
    assert found.reason == reason
    assert found.mean is found.sd is found.interval is None
    assert reason in str(found)
    assert found.n == len(values)


def test_one_value_has_a_mean_and_no_spread() -> None:
    found = summarize([0.98])
    assert (found.mean, found.sd, found.sem, found.interval) == (0.98, None, None, None)
    assert "spread" in str(found)


def test_equal_values_get_no_interval_even_when_rounding_makes_them_differ() -> None:
    found = summarize([0.1 + 0.2, 0.3, 0.3])
    assert found.sd == 0.0
    assert found.interval is None


def test_a_confidence_of_95_is_refused_with_the_right_number() -> None:
    with pytest.raises(StatisticsError, match=r"did you mean 0\.95\?"):
        summarize([1, 2, 3], confidence=95)


@pytest.mark.parametrize("values", [[[1, 2], [3, 4]], 3.0, ["a"], None])
def test_what_is_not_a_list_of_numbers_is_refused(values: object) -> None:
    with pytest.raises(StatisticsError, match=r"list of numbers|one list"):
        summarize(values)


counts = st.integers(1, 300).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n)))


@settings(deadline=None)
@given(counts, st.sampled_from([0.8, 0.95, 0.99]))
def test_intervals_of_proportions_are_those_of_statsmodels(pair: tuple[int, int], confidence: float) -> None:
    for function, method in ((wilson_interval, "wilson"), (clopper_pearson_interval, "beta")):
        found = function(*pair, confidence=confidence)
        expected = proportion_confint(*pair, alpha=1 - confidence, method=method)
        assert (found.low, found.high) == pytest.approx(expected, abs=1e-12)
        assert 0 <= found.low <= found.proportion <= found.high <= 1


@settings(deadline=None)
@given(counts)
def test_success_and_failure_have_mirrored_intervals(pair: tuple[int, int]) -> None:
    k, n = pair
    for function in (wilson_interval, clopper_pearson_interval):
        one, other = function(k, n), function(n - k, n)
        assert one.low == pytest.approx(1 - other.high, abs=1e-12)


def test_the_interval_of_the_original_result_is_the_known_one() -> None:
    found = wilson_interval(9782, 10_000)
    assert (found.low, found.high) == pytest.approx((0.975149, 0.980884), abs=1e-6)
    assert str(found) == "97.82 % (9782 of 10000), 95 % interval [97.51, 98.09] %"


def test_clopper_pearson_never_covers_less_than_it_says_and_wilson_does_on_average() -> None:
    n, shares = 20, np.linspace(0.01, 0.99, 99)
    for function, least in ((clopper_pearson_interval, 0.95), (wilson_interval, 0.83)):
        bounds = [function(k, n) for k in range(n + 1)]
        covered = np.array([[b.low <= share <= b.high for b in bounds] for share in shares])
        coverage = (covered * stats.binom.pmf(np.arange(n + 1), n, shares[:, None])).sum(1)
        assert coverage.min() >= least
        assert coverage.mean() >= 0.95


def test_proportions_of_nothing_and_impossible_counts() -> None:
    assert wilson_interval(0, 0).reason == clopper_pearson_interval(0, 0).reason == "no trials"
    assert wilson_interval(0, 0).proportion is None
    for counts_given in ((3, 2), (-1, 2)):
        with pytest.raises(StatisticsError, match="successes in"):
            wilson_interval(*counts_given)


def skewed(n: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).lognormal(size=n)


@pytest.mark.parametrize(("method", "theirs"), [("bca", "BCa"), ("percentile", "percentile")])
@pytest.mark.parametrize("statistic", [np.mean, np.median, np.std])
def test_a_bootstrap_interval_is_that_of_scipy_up_to_the_draws(method: str, theirs: str, statistic) -> None:
    values = skewed(41)
    found = bootstrap_interval(values, statistic, method=method, num_resamples=20_000, seed=1)
    expected = stats.bootstrap(
        (values,), statistic, method=theirs, n_resamples=20_000, rng=np.random.default_rng(2)
    ).confidence_interval
    width = expected.high - expected.low
    assert found.estimate == pytest.approx(statistic(values))
    assert found.low == pytest.approx(expected.low, abs=0.03 * width)
    assert found.high == pytest.approx(expected.high, abs=0.03 * width)


def test_bca_differs_from_percentile_on_skewed_values_so_the_comparison_can_fail() -> None:
    values = skewed(41)
    bca, plain = (bootstrap_interval(values, method=method) for method in ("bca", "percentile"))
    assert bca.high > plain.high + 0.05 * (plain.high - plain.low)


def test_a_stratified_bca_interval_is_scipys_of_several_samples() -> None:
    parts = [skewed(30, 1), 5 + 0.1 * skewed(20, 2), 50 + skewed(10, 3)]
    values, strata = np.concatenate(parts), np.repeat(["a", "b", "c"], [30, 20, 10])
    found = bootstrap_interval(values, strata=strata, num_resamples=20_000)

    def pooled_mean(a: np.ndarray, b: np.ndarray, c: np.ndarray, axis: int = -1) -> np.ndarray:
        return np.concatenate([a, b, c], axis=axis).mean(axis)

    expected = stats.bootstrap(
        parts, pooled_mean, method="BCa", n_resamples=20_000, rng=np.random.default_rng(2)
    ).confidence_interval
    width = expected.high - expected.low
    assert (found.low, found.high) == pytest.approx((expected.low, expected.high), abs=0.03 * width)
    unstratified = bootstrap_interval(values, num_resamples=2000)
    assert found.high - found.low < 0.3 * (unstratified.high - unstratified.low)


def test_a_bootstrap_interval_is_a_function_of_its_seed() -> None:
    values = skewed(15)
    assert bootstrap_interval(values, seed=3) == bootstrap_interval(values, seed=3)
    assert bootstrap_interval(values, seed=3) != bootstrap_interval(values, seed=4)


def test_the_bootstrap_of_an_accuracy_is_near_wilsons_interval() -> None:
    correct = np.arange(2000) < 1900
    found, expected = bootstrap_interval(correct), wilson_interval(1900, 2000)
    assert (found.low, found.high) == pytest.approx((expected.low, expected.high), abs=0.002)


@settings(max_examples=25, deadline=None)
@given(
    st.lists(finite, min_size=3, max_size=10), st.floats(-100, 100), st.sampled_from(["bca", "percentile"])
)
def test_bootstrap_intervals_move_with_the_values(values: list[float], shift: float, method: str) -> None:
    values = np.round(values)
    one = bootstrap_interval(values, method=method, num_resamples=199)
    other = bootstrap_interval(values + round(shift), method=method, num_resamples=199)
    if one.reason is None:
        assert one.low <= one.high
        assert other.low == pytest.approx(one.low + round(shift), rel=1e-6, abs=1e-3)


@pytest.mark.parametrize(
    ("values", "reason"),
    [
        ([], "no values"),
        ([1.0], "one value"),
        ([2.0, 2.0, 2.0], "all values are equal"),
        ([1.0, math.nan], "not finite"),
    ],
)
def test_the_bootstrap_says_why_there_is_no_interval(values: list[float], reason: str) -> None:
    found = bootstrap_interval(values)
    assert reason in found.reason
    assert found.low is found.high is None
    assert reason in str(found)


def test_bca_is_refused_where_no_resample_reaches_the_estimate() -> None:
    def num_distinct(x: np.ndarray, axis: int) -> np.ndarray:
        return np.sum(np.diff(np.sort(x, axis), axis=axis) > 0, axis=axis)

    found = bootstrap_interval(np.arange(30.0), num_distinct)
    assert (found.estimate, found.low) == (29, None)
    assert "edge of its resamples" in found.reason
    assert bootstrap_interval(np.arange(30.0), num_distinct, method="percentile").high < 29


def test_labels_of_another_length_are_refused() -> None:
    with pytest.raises(StatisticsError, match="expected 3 labels"):
        bootstrap_interval([1, 2, 3], strata=[1, 2])


@pytest.mark.slow
def test_the_t_interval_covers_the_true_mean_as_often_as_it_says() -> None:
    generator = np.random.default_rng(0)
    found = [summarize(generator.normal(3, 2, size=4), confidence=0.9).interval for _ in range(4000)]
    assert np.mean([low <= 3 <= high for low, high in found]) == pytest.approx(0.9, abs=0.015)


def test_results_can_be_written_as_json() -> None:
    for result in (summarize([1, 2, 4]), bootstrap_interval([1, 2, 4]), wilson_interval(3, 4)):
        assert json.loads(json.dumps(result.as_dict(), allow_nan=False))
        assert "\n" not in str(result)
