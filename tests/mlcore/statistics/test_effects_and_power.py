"""Effect sizes, corrections, equivalence and power against statsmodels, closed forms and simulation."""

import json
import math

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from mlcore.statistics import (
    StatisticsError,
    benjamini_hochberg,
    cohens_d,
    detectable_effect,
    equivalence_test,
    hedges_g,
    holm,
    needed_pairs,
    paired_dz,
    paired_equivalence_test,
    paired_t_power,
)
from scipy import stats
from statsmodels.stats.meta_analysis import effectsize_smd
from statsmodels.stats.multitest import multipletests
from statsmodels.stats.power import TTestPower
from statsmodels.stats.weightstats import ttost_ind, ttost_paired

p_values = st.lists(st.floats(0, 1), min_size=1, max_size=12)
values = st.lists(st.integers(-400, 400).map(lambda k: k / 8), min_size=3, max_size=9)


@settings(deadline=None, max_examples=40)
@given(p_values)
def test_corrections_are_those_of_statsmodels(p: list[float]) -> None:
    assert holm(p) == pytest.approx(multipletests(p, method="holm")[1])
    assert benjamini_hochberg(p) == pytest.approx(multipletests(p, method="fdr_bh")[1])


@settings(deadline=None)
@given(p_values, st.randoms())
def test_corrections_keep_the_order_and_never_lower_a_p_value(p: list[float], random) -> None:
    for correct in (holm, benjamini_hochberg):
        adjusted = correct(p)
        assert all(p_i <= a_i <= 1 for p_i, a_i in zip(p, adjusted, strict=True))
        by_p = [a for _, a in sorted(zip(p, adjusted, strict=True))]
        assert by_p == sorted(by_p)
        order = random.sample(range(len(p)), len(p))
        assert correct([p[i] for i in order]) == [adjusted[i] for i in order]
    assert all(b <= h + 1e-15 for b, h in zip(benjamini_hochberg(p), holm(p), strict=True))


@settings(deadline=None)
@given(p_values, st.floats(0, 1), st.integers(0, 11))
def test_a_smaller_p_value_never_makes_another_adjusted_one_larger(
    p: list[float], smaller: float, index: int
) -> None:
    index %= len(p)
    changed = [*p[:index], min(smaller, p[index]), *p[index + 1 :]]
    assert all(new <= old + 1e-15 for new, old in zip(holm(changed), holm(p), strict=True))


@settings(deadline=None)
@given(p_values)
def test_what_could_not_be_tested_is_not_counted(p: list[float]) -> None:
    with_gaps = [None, *(value for q in p for value in (q, None))]
    for correct in (holm, benjamini_hochberg):
        adjusted = correct(with_gaps)
        assert [value for value in adjusted if value is not None] == correct(p)
        assert adjusted[::2] == [None] * (len(p) + 1)


def test_holm_of_the_textbook() -> None:
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert holm([]) == []


@pytest.mark.parametrize("wrong", [math.nan, -0.1, 1.5])
def test_what_is_no_p_value_is_refused(wrong: float) -> None:
    with pytest.raises(StatisticsError, match=r"p_values\[1\]"):
        holm([0.1, wrong])


def simple_smd(a: np.ndarray, b: np.ndarray) -> float:
    pooled = ((len(a) - 1) * a.var(ddof=1) + (len(b) - 1) * b.var(ddof=1)) / (len(a) + len(b) - 2)
    return (a.mean() - b.mean()) / math.sqrt(pooled)


@settings(deadline=None, max_examples=50)
@given(values, values)
def test_effect_sizes_are_the_formulas_and_near_those_of_statsmodels(x: list[float], y: list[float]) -> None:
    a, b = np.array(x), np.array(y)
    assume(a.std() > 0.1)
    assume(b.std() > 0.1)
    d, g = cohens_d(a, b), hedges_g(a, b)
    assert d.value == pytest.approx(simple_smd(a, b), abs=1e-12)
    # statsmodels uses Hedges' approximate factor 1 - 3 / (4 df - 1).
    theirs = effectsize_smd(a.mean(), a.std(ddof=1), len(a), b.mean(), b.std(ddof=1), len(b))[0]
    assert g.value == pytest.approx(theirs, rel=0.01, abs=1e-12)
    assert abs(g.value) <= abs(d.value)
    assert d.low < d.value < d.high
    mirrored = cohens_d(b, a)
    assert (mirrored.value, mirrored.low, mirrored.high) == pytest.approx(
        (-d.value, -d.high, -d.low), abs=1e-6
    )


@settings(deadline=None, max_examples=50)
@given(values, values)
def test_the_bounds_of_d_are_where_t_lies_in_the_tails(x: list[float], y: list[float]) -> None:
    a, b = np.array(x), np.array(y)
    assume(a.std() > 0.1)
    assume(b.std() > 0.1)
    found = cohens_d(a, b, confidence=0.9)
    t = stats.ttest_ind(a, b).statistic
    per_unit, df = math.sqrt(len(a) * len(b) / (len(a) + len(b))), len(a) + len(b) - 2
    assert stats.nct.sf(t, df, found.low * per_unit) == pytest.approx(0.05, abs=1e-6)
    assert stats.nct.cdf(t, df, found.high * per_unit) == pytest.approx(0.05, abs=1e-6)
    # Zero lies outside exactly when the test is significant.
    is_significant = stats.ttest_ind(a, b).pvalue < 0.1
    assert (found.low > 0 or found.high < 0) == is_significant


def test_a_paired_effect_is_t_over_root_n() -> None:
    a, b = np.array([5.1, 4.8, 6.0, 5.5]), np.array([4.9, 4.1, 5.2, 5.4])
    found = paired_dz(a, b)
    assert found.value == pytest.approx(stats.ttest_rel(a, b).statistic / 2)
    differences = a - b
    assert found.value == pytest.approx(differences.mean() / differences.std(ddof=1))
    assert found.magnitude == "large"
    assert str(found).startswith("d_z = ")


@pytest.mark.parametrize(
    ("effect", "word"), [(0.0, "negligible"), (-0.3, "small"), (0.5, "medium"), (-0.9, "large")]
)
def test_the_words_for_effects_are_cohens(effect: float, word: str) -> None:
    pattern = np.array([-1.0, 0.0, 1.0])
    assert cohens_d(pattern + effect, pattern).magnitude == word


@pytest.mark.slow
@pytest.mark.parametrize("function", [cohens_d, hedges_g])
def test_intervals_of_effects_cover_and_g_is_unbiased(function) -> None:
    generator, true = np.random.default_rng(0), 0.8
    found = [function(generator.normal(true, 1, 6), generator.normal(0, 1, 6)) for _ in range(800)]
    if function is cohens_d:
        assert np.mean([f.low <= true <= f.high for f in found]) == pytest.approx(0.95, abs=0.023)
        assert np.mean([f.value for f in found]) > true + 0.03
    else:
        assert np.mean([f.value for f in found]) == pytest.approx(true, abs=0.07)


@pytest.mark.parametrize("function", [cohens_d, hedges_g, paired_dz])
def test_effects_without_spread_are_none_with_a_reason(function) -> None:
    for a, b, reason in (
        ([1.0, 1.0], [2.0, 2.0], "varies|equal"),
        ([1.0], [2.0], "1 of the 2"),
        ([1.0, math.nan], [2.0, 1.0], "not finite"),
    ):
        found = function(a, b)
        assert found.value is found.low is found.magnitude is None
        assert any(part in found.reason for part in reason.split("|"))
        assert found.reason in str(found)


def test_an_enormous_effect_has_a_value_and_no_wrong_interval() -> None:
    found = cohens_d([1e9, 1e9 + 1], [0.0, 1.0])
    assert found.value == pytest.approx(1e9 / math.sqrt(0.5))
    assert (found.low is None) == (found.reason is not None)


margins = st.tuples(st.floats(0.01, 50), st.floats(0.01, 50))


@settings(deadline=None)
@given(values, values, margins)
def test_equivalence_is_that_of_statsmodels(
    a: list[float], b: list[float], margin: tuple[float, float]
) -> None:
    assume(np.ptp(a) > 0 or np.ptp(b) > 0)
    low, high = -margin[0], margin[1]
    found = equivalence_test(a, b, margin=(low, high))
    p_value, lower, upper = ttost_ind(np.array(a), np.array(b), low, high, usevar="unequal")
    assert found.p_value == pytest.approx(p_value, rel=1e-6)
    assert (found.p_low, found.p_high) == pytest.approx((lower[1], upper[1]), rel=1e-6)


@settings(deadline=None)
@given(values, st.lists(st.integers(-80, 80).map(float), min_size=9, max_size=9), st.floats(0.01, 50))
def test_paired_equivalence_is_that_of_statsmodels(
    a: list[float], offsets: list[float], margin: float
) -> None:
    b = np.array(a) + np.array(offsets[: len(a)]) / 8
    assume(np.ptp(np.array(a) - b) > 0)
    found = paired_equivalence_test(a, b, margin=margin)
    assert found.p_value == pytest.approx(ttost_paired(np.array(a), b, -margin, margin)[0], rel=1e-6)
    # Schuirmann: equivalent at alpha exactly when the interval at 1 - 2 alpha lies within the margin.
    low, high = found.interval
    assume(min(abs(low + margin), abs(high - margin)) > 1e-9)
    assert found.is_equivalent == (-margin < low and high < margin)


@settings(deadline=None)
@given(values, values, st.floats(0.01, 20), st.floats(1.0, 5.0))
def test_a_wider_margin_is_easier_to_keep(
    a: list[float], b: list[float], margin: float, factor: float
) -> None:
    assume(np.ptp(a) > 0)
    narrow, wide = (equivalence_test(a, b, margin=m) for m in (margin, margin * factor))
    assert wide.p_value <= narrow.p_value


def test_two_models_alike_are_equivalent_and_few_noisy_ones_are_not_shown_to_be() -> None:
    a, b = [0.981, 0.982, 0.983, 0.982], [0.982, 0.981, 0.983, 0.982]
    assert equivalence_test(a, b, margin=0.005).is_equivalent
    assert str(equivalence_test(a, b, margin=0.005)).startswith("equivalent: ")
    noisy = equivalence_test([0.9, 1.0], [0.92, 0.98], margin=0.005)
    assert noisy.is_equivalent is False
    assert "not shown" in str(noisy)


def test_equivalence_has_no_default_margin_and_refuses_one_without_room() -> None:
    with pytest.raises(TypeError, match="margin"):
        equivalence_test([1, 2], [1, 2])
    for margin in (0, -1.0, (0.1, 0.2), math.inf, math.nan):
        with pytest.raises(StatisticsError, match="margin"):
            paired_equivalence_test([1, 2], [1, 3], margin=margin)


def test_equivalence_without_an_answer_says_why() -> None:
    assert equivalence_test([1, 1], [1, 1], margin=1).reason == "neither sample varies"
    assert paired_equivalence_test([1, 2], [1, 2], margin=1).is_equivalent is None
    found = paired_equivalence_test([1, math.nan], [1, 2], margin=1)
    assert "not finite" in str(found)
    json.dumps(found.as_dict(), allow_nan=False)


@pytest.mark.parametrize("alternative", ["two-sided", "greater", "less"])
@pytest.mark.parametrize(("effect", "n"), [(0.5, 5), (1.2, 3), (-0.8, 12), (0.1, 500), (0.0, 8)])
def test_power_is_that_of_statsmodels(effect: float, n: int, alternative: str) -> None:
    theirs = {"greater": "larger", "less": "smaller"}.get(alternative, alternative)
    expected = TTestPower().power(effect, n, 0.05, alternative=theirs)
    assert paired_t_power(effect, n, alternative=alternative) == pytest.approx(expected, abs=1e-7)


@pytest.mark.parametrize("effect", [0.05, 0.2, 0.5, 0.8, 1.5, 3.0, -0.5])
@pytest.mark.parametrize("power", [0.8, 0.95])
def test_the_needed_pairs_are_those_of_statsmodels(effect: float, power: float) -> None:
    found = needed_pairs(effect, power=power)
    assert paired_t_power(effect, found) >= power
    assert found == 2 or paired_t_power(effect, found - 1) < power
    if found > 4:
        assert found == math.ceil(TTestPower().solve_power(abs(effect), power=power, alpha=0.05))


@pytest.mark.parametrize("n", [3, 5, 20])
def test_the_detectable_effect_is_that_of_statsmodels(n: int) -> None:
    expected = TTestPower().solve_power(nobs=n, power=0.8, alpha=0.05)
    assert detectable_effect(n) == pytest.approx(expected, rel=1e-5)
    assert detectable_effect(n, alternative="less") == pytest.approx(
        detectable_effect(n, alternative="greater")
    )


def test_power_by_simulation() -> None:
    draws = np.random.default_rng(0).normal(0.9, 1, size=(20_000, 6))
    hits = stats.ttest_1samp(draws, 0, axis=1).pvalue < 0.05
    assert paired_t_power(0.9, 6) == pytest.approx(hits.mean(), abs=0.012)


def test_questions_about_power_without_an_answer_are_refused() -> None:
    with pytest.raises(StatisticsError, match="no 10,000,000 pairs find an effect of 0"):
        needed_pairs(0)
    with pytest.raises(StatisticsError, match=r"power 0\.8"):
        needed_pairs(0.5, alternative="less")
    with pytest.raises(StatisticsError, match="n is 1"):
        paired_t_power(0.5, 1)
    with pytest.raises(StatisticsError, match="finite"):
        paired_t_power(math.nan, 5)
