"""Tests of differences against scipy and statsmodels, and what they answer where there is no answer."""

import json
import math
import re
from itertools import product

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from mlcore.statistics import (
    McNemarTest,
    SignificanceTest,
    StatisticsError,
    mcnemar_counts_test,
    mcnemar_test,
    paired_t_test,
    sign_flip_test,
    smallest_p_value,
    welch_test,
    wilcoxon_test,
)
from scipy import stats
from statsmodels.stats.contingency_tables import mcnemar
from statsmodels.stats.weightstats import CompareMeans, DescrStatsW

ALTERNATIVES = ["two-sided", "greater", "less"]
values = st.lists(st.integers(-1000, 1000).map(lambda k: k / 8), min_size=3, max_size=9)
pairs = st.integers(3, 9).flatmap(
    lambda n: st.tuples(*[st.lists(st.integers(-50, 50).map(float), min_size=n, max_size=n)] * 2)
)


@settings(deadline=None)
@given(values, values, st.sampled_from(ALTERNATIVES))
def test_welch_is_that_of_scipy_and_its_interval_that_of_statsmodels(
    a: list[float], b: list[float], alternative: str
) -> None:
    assume(np.ptp(a) > 0 or np.ptp(b) > 0)
    found = welch_test(a, b, alternative=alternative)
    expected = stats.ttest_ind(a, b, equal_var=False, alternative=alternative)
    assert found.p_value == pytest.approx(expected.pvalue, rel=1e-7)
    assert found.statistic == pytest.approx(expected.statistic)
    assert found.degrees_of_freedom == pytest.approx(expected.df)
    interval = CompareMeans(DescrStatsW(a), DescrStatsW(b)).tconfint_diff(usevar="unequal")
    assert found.interval == pytest.approx(interval, rel=1e-6, abs=1e-9)


@settings(deadline=None)
@given(pairs, st.sampled_from(ALTERNATIVES))
def test_the_paired_t_test_is_that_of_scipy(two: tuple[list[float], list[float]], alternative: str) -> None:
    a, b = map(np.array, two)
    assume(np.ptp(a - b) > 0)
    found = paired_t_test(a, b, alternative=alternative)
    expected = stats.ttest_rel(a, b, alternative=alternative)
    assert found.p_value == pytest.approx(expected.pvalue, rel=1e-7)
    assert found.statistic == pytest.approx(expected.statistic)
    both_sides = stats.ttest_rel(a, b).confidence_interval(0.95)
    assert found.interval == pytest.approx(tuple(both_sides))


@settings(deadline=None)
@given(pairs, st.sampled_from(ALTERNATIVES))
def test_wilcoxon_without_ties_is_scipys_exact_one(
    two: tuple[list[float], list[float]], alternative: str
) -> None:
    differences = np.array(two[0]) - np.array(two[1])
    differences = differences[differences != 0]
    assume(len(differences) > 0)
    assume(len(set(np.abs(differences))) == len(differences))
    found = wilcoxon_test(differences, 0 * differences, alternative=alternative)
    expected = stats.wilcoxon(differences, alternative=alternative, method="exact")
    assert found.p_value == pytest.approx(expected.pvalue)


@settings(deadline=None)
@given(pairs, st.sampled_from(ALTERNATIVES))
def test_wilcoxon_with_ties_is_the_count_over_all_signs(
    two: tuple[list[float], list[float]], alternative: str
) -> None:
    differences = np.round((np.array(two[0]) - np.array(two[1])) / 20)
    nonzero = differences[differences != 0]
    found = wilcoxon_test(two[0], np.array(two[0]) - differences, alternative=alternative)
    if len(nonzero) == 0:
        assert found.p_value is None
        assert "differences are 0" in found.reason
        return
    ranks = stats.rankdata(np.abs(nonzero))
    sums = np.array([np.dot(ranks, s) for s in product([0, 1], repeat=len(ranks))])
    observed = ranks[nonzero > 0].sum()
    up, down = np.mean(sums >= observed), np.mean(sums <= observed)
    expected = {"greater": up, "less": down, "two-sided": min(1, 2 * min(up, down))}[alternative]
    assert found.p_value == pytest.approx(expected)
    assert found.statistic == observed


def test_wilcoxon_sees_ties_behind_rounding() -> None:
    first, second = np.array([0.3, 0.2, 0.5]), np.array([0.2, 0.1, 0.9])
    assert len(set(np.abs(first - second))) == 3
    assert wilcoxon_test(first, second).statistic == 3.0  # mid-ranks 1.5 + 1.5


def test_wilcoxon_of_many_pairs_is_scipys_normal_approximation() -> None:
    generator = np.random.default_rng(0)
    differences = np.round(generator.normal(0.1, 1, size=400), 1)
    found = wilcoxon_test(differences, np.zeros(400))
    nonzero = differences[differences != 0]
    expected = stats.wilcoxon(nonzero, correction=True, method="asymptotic")
    assert found.p_value == pytest.approx(expected.pvalue, rel=1e-9)
    assert "normal" in found.method
    exact = wilcoxon_test(nonzero[:200], np.zeros(200))
    near = stats.wilcoxon(nonzero[:200], correction=True, method="asymptotic")
    assert exact.p_value == pytest.approx(near.pvalue, rel=0.02)


@settings(deadline=None)
@given(pairs, st.sampled_from(ALTERNATIVES))
def test_sign_flips_are_scipys_exact_permutation_test(
    two: tuple[list[float], list[float]], alternative: str
) -> None:
    a, b = map(np.array, two)
    found = sign_flip_test(a, b, alternative=alternative)
    expected = stats.permutation_test(
        (a, b),
        lambda x, y, axis: np.mean(x - y, axis=axis),
        permutation_type="samples",
        n_resamples=np.inf,
        alternative=alternative,
        vectorized=True,
    )
    # Two-sided in scipy is twice the smaller tail, here it is |mean|: the same, as flipping all signs is one of them.
    assert found.p_value == pytest.approx(expected.pvalue)


@pytest.mark.parametrize("n", range(1, 11))
@pytest.mark.parametrize("alternative", ALTERNATIVES)
def test_the_smallest_attainable_p_value_is_attained(n: int, alternative: str) -> None:
    differences = np.arange(1, n + 1) * (-1.0 if alternative == "less" else 1.0)
    found = sign_flip_test(differences, np.zeros(n), alternative=alternative)
    assert found.p_value == found.smallest_p_value == smallest_p_value(n, alternative)
    ranked = wilcoxon_test(differences, np.zeros(n), alternative=alternative)
    assert ranked.p_value == pytest.approx(smallest_p_value(n, alternative))


def test_three_seeds_can_never_reach_five_per_cent_by_sign_flips() -> None:
    found = sign_flip_test([0.99, 0.98, 0.97], [0.1, 0.2, 0.3])
    assert found.p_value == found.smallest_p_value == 0.25
    assert "at best 0.25" in str(found)
    assert smallest_p_value(5) == 0.0625
    assert smallest_p_value(6) < 0.05


def test_many_pairs_are_sampled_near_the_exact_p_value_and_by_seed() -> None:
    differences = np.random.default_rng(0).normal(0.4, 1, size=20)
    zeros = np.zeros(20)
    exact = sign_flip_test(differences, zeros)
    assert "all 2^n" in exact.method
    # One pair more, of a difference too small to matter, goes beyond the exact ones.
    longer, more_zeros = np.append(differences, 1e-9), np.zeros(21)
    sampled = sign_flip_test(longer, more_zeros, seed=5)
    assert sampled.p_value == pytest.approx(exact.p_value, abs=4 * math.sqrt(exact.p_value / 1e5))
    assert sampled == sign_flip_test(longer, more_zeros, seed=5)
    assert sampled.smallest_p_value == 1e-5
    certain = sign_flip_test(np.ones(30) + np.arange(30), np.zeros(30), num_draws=999)
    assert certain.p_value == 0.001  # never 0


@settings(deadline=None)
@given(pairs)
def test_swapping_the_samples_mirrors_every_test(two: tuple[list[float], list[float]]) -> None:
    a, b = two
    for test in (welch_test, paired_t_test, wilcoxon_test, sign_flip_test):
        one, other = test(a, b), test(b, a)
        assert one.p_value == pytest.approx(other.p_value)
        assert one.difference == pytest.approx(-other.difference)
        up, down = test(a, b, alternative="greater"), test(b, a, alternative="less")
        assert up.p_value == pytest.approx(down.p_value)


@settings(deadline=None)
@given(pairs, st.integers(-1000, 1000), st.sampled_from([0.5, 4.0, 1024.0]))
def test_unit_and_origin_do_not_matter(
    two: tuple[list[float], list[float]], shift: int, scale: float
) -> None:
    a, b = map(np.array, two)
    for test in (welch_test, paired_t_test, wilcoxon_test, sign_flip_test):
        found, moved = test(a, b), test(a * scale + shift, b * scale + shift)
        assert (moved.p_value is None) == (found.p_value is None)
        assert moved.p_value is None or moved.p_value == pytest.approx(found.p_value, rel=1e-6)


@settings(deadline=None)
@given(pairs)
def test_p_values_are_never_zero_and_never_nan(two: tuple[list[float], list[float]]) -> None:
    for test in (welch_test, paired_t_test, wilcoxon_test, sign_flip_test):
        found = test(*two)
        assert (found.p_value is None) == (found.reason is not None)
        assert found.p_value is None or 0 < found.p_value <= 1
        json.dumps(found.as_dict(), allow_nan=False)


HOPELESS = [
    ([], [], "no "),
    ([1.0], [2.0], "1 of the 2"),
    ([1.0, math.nan], [2.0, 3.0], "not finite"),
    ([1.0, 2.0], [math.inf, 3.0], "not finite"),
    ([1.0, 1.0], [2.0, 2.0], "varies|differences are -1"),
]


@pytest.mark.parametrize(("a", "b", "reason"), HOPELESS)
@pytest.mark.parametrize("test", [welch_test, paired_t_test])
def test_a_t_test_without_an_answer_says_why(test, a: list[float], b: list[float], reason: str) -> None:
    found = test(a, b)
    assert found.p_value is found.interval is found.statistic is None
    assert re.search(reason, found.reason)
    assert "no p-value" in str(found)


@pytest.mark.parametrize("test", [wilcoxon_test, sign_flip_test])
def test_a_test_of_pairs_without_an_answer_says_why(test) -> None:
    assert test([], []).reason == "no pairs"
    assert test([1.0, math.nan], [0.0, 1.0]).reason == "1 of 2 pairs is not finite"
    assert test([math.inf, 1.0], [math.inf, 0.0]).p_value is None


def test_differences_that_are_equal_but_for_rounding_prove_nothing() -> None:
    first, second = [0.3, 0.2, 0.7], [0.2, 0.1, 0.6]
    assert stats.ttest_rel(first, second).pvalue < 1e-10
    found = paired_t_test(first, second)
    assert found.p_value is None
    assert found.difference == pytest.approx(0.1)


def test_a_difference_of_rounding_is_no_difference() -> None:
    first, second = [0.1 + 0.2, 0.3, 0.3], [0.3, 0.1 + 0.2, 0.1 + 0.2]
    assert sign_flip_test(first, second).p_value == 1.0
    assert wilcoxon_test(first, second).p_value is None


def test_an_overwhelming_difference_is_below_a_bound_and_not_zero() -> None:
    generator = np.random.default_rng(0)
    found = welch_test(generator.normal(0, 1, 4000), generator.normal(1e3, 1, 4000))
    assert found.p_value == 1e-300
    assert "p < 1e-300" in str(found)


def test_one_constant_sample_is_no_obstacle_to_welch() -> None:
    a, b = [1.0, 1.0, 1.0], [1.5, 2.0, 1.75]
    assert welch_test(a, b).p_value == pytest.approx(stats.ttest_ind(a, b, equal_var=False).pvalue)


tables = st.tuples(*[st.integers(0, 60)] * 4)


@settings(deadline=None)
@given(tables)
def test_mcnemar_is_statsmodels_exact_one(table: tuple[int, int, int, int]) -> None:
    both, only_first, only_second, neither = table
    found = mcnemar_counts_test(both=both, only_first=only_first, only_second=only_second, neither=neither)
    if sum(table) == 0:
        assert found.reason == "no examples"
        return
    if only_first + only_second == 0:
        assert found.p_value == 1.0
        return
    expected = mcnemar([[both, only_first], [only_second, neither]], exact=True)
    assert found.p_value == pytest.approx(expected.pvalue)
    assert found.difference == pytest.approx((only_first - only_second) / sum(table))
    assert found.interval[0] <= found.difference <= found.interval[1]


@settings(deadline=None)
@given(st.lists(st.tuples(st.booleans(), st.booleans()), min_size=1, max_size=30))
def test_mcnemar_counts_examples_and_mirrors(examples: list[tuple[bool, bool]]) -> None:
    first, second = zip(*examples, strict=True)
    one, other = mcnemar_test(first, second), mcnemar_test(second, first)
    assert (one.only_first, one.only_second) == (other.only_second, other.only_first)
    assert one.both == sum(a and b for a, b in examples)
    assert one.neither == sum(not a and not b for a, b in examples)
    assert one.p_value == other.p_value
    assert one.difference == pytest.approx(np.mean(first) - np.mean(second))


def test_the_interval_of_two_accuracies_on_the_same_examples_covers_as_it_says() -> None:
    generator = np.random.default_rng(0)
    chances = [0.75, 0.12, 0.07, 0.06]
    found = [
        mcnemar_counts_test(
            both=int(c[0]), only_first=int(c[1]), only_second=int(c[2]), neither=int(c[3])
        ).interval
        for c in generator.multinomial(200, chances, size=2000)
    ]
    assert np.mean([low <= 0.05 <= high for low, high in found]) == pytest.approx(0.95, abs=0.015)


def test_mcnemar_shows_its_counts_and_stays_a_significance_test() -> None:
    found = mcnemar_counts_test(both=9000, only_first=60, only_second=20, neither=920)
    assert isinstance(found, SignificanceTest)
    assert isinstance(found, McNemarTest)
    assert "60 : 20" in str(found)
    assert found.as_dict()["only_first"] == 60
    assert found.smallest_p_value == pytest.approx(2 * 0.5**80)


def test_wrong_questions_are_refused() -> None:
    with pytest.raises(StatisticsError, match="same length, got 2 and 3"):
        paired_t_test([1, 2], [1, 2, 3])
    with pytest.raises(StatisticsError, match="did you mean 'two-sided'"):
        welch_test([1, 2], [1, 2], alternative="two_sided")
    with pytest.raises(StatisticsError, match="true or false"):
        mcnemar_test([3, 5], [3, 4])
    with pytest.raises(StatisticsError, match="a count is at least 0"):
        mcnemar_counts_test(both=1, only_first=-1, only_second=0, neither=0)
    with pytest.raises(StatisticsError, match="num_draws is 0"):
        sign_flip_test([1], [2], num_draws=0)


@pytest.mark.parametrize("test", [welch_test, paired_t_test, sign_flip_test, wilcoxon_test])
def test_without_an_effect_a_test_finds_one_no_more_often_than_alpha(test) -> None:
    generator = np.random.default_rng(1)
    p_values = [test(*generator.normal(size=(2, 8))).p_value for _ in range(1000)]
    assert np.mean(np.array(p_values) < 0.05) <= 0.05 + 0.021  # three standard errors
