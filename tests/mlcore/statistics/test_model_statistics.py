"""`ModelStatistics` against the functions it is made of, and what it says in words."""

import io
import json
import math
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mlcore.statistics import ModelStatistics, StatisticsError, hedges_g, holm
from scipy import stats
from statsmodels.stats.multitest import multipletests

SEEDS = [42, 123, 456, 7, 8]
FC = [0.9781, 0.9790, 0.9785, 0.9778, 0.9793]
CNN = [0.9941, 0.9944, 0.9947, 0.9939, 0.9946]
SAME = [0.9783, 0.9788, 0.9786, 0.9779, 0.9790]


def by_seed(values: list[float]) -> dict[int, float]:
    return dict(zip(SEEDS, values, strict=True))


@pytest.fixture
def paired() -> ModelStatistics:
    return ModelStatistics(
        {"fc": by_seed(FC), "cnn": by_seed(CNN), "same": by_seed(SAME)}, metric="test accuracy"
    )


def test_shared_seeds_are_compared_as_pairs_and_the_p_values_adjusted(paired: ModelStatistics) -> None:
    table = paired.compare_all("fc")
    raw = [stats.ttest_rel(CNN, FC).pvalue, stats.ttest_rel(SAME, FC).pvalue]
    assert [row.test.p_value for row in table.rows] == pytest.approx(raw)
    assert [row.p_adjusted for row in table.rows] == pytest.approx(multipletests(raw, method="holm")[1])
    assert [row.verdict for row in table.rows] == ["better", "no difference shown"]
    cnn = table["cnn"]
    assert cnn.is_paired
    assert cnn.test.difference == pytest.approx(np.mean(CNN) - np.mean(FC))
    assert cnn.effect.value == pytest.approx(stats.ttest_rel(CNN, FC).statistic / math.sqrt(5))
    assert cnn.sign_flip.p_value == 0.0625
    assert cnn.note is None


def test_chosen_contrasts_are_adjusted_for_just_themselves(paired: ModelStatistics) -> None:
    chosen = [("cnn", "fc"), ("same", "cnn")]
    rows = paired.compare_contrasts(chosen)
    raw = [stats.ttest_rel(CNN, FC).pvalue, stats.ttest_rel(SAME, CNN).pvalue]
    assert [(row.model, row.baseline) for row in rows] == chosen
    assert [row.test.p_value for row in rows] == pytest.approx(raw)
    assert [row.p_adjusted for row in rows] == pytest.approx(multipletests(raw, method="holm")[1])
    assert [row.verdict for row in rows] == ["better", "worse"]


def test_lists_are_separate_samples_until_their_seeds_are_named() -> None:
    loose = ModelStatistics({"fc": FC, "cnn": CNN}).compare("cnn", "fc")
    assert loose.test.p_value == pytest.approx(stats.ttest_ind(CNN, FC, equal_var=False).pvalue)
    assert loose.effect == hedges_g(CNN, FC)
    assert loose.sign_flip is None
    named = ModelStatistics({"fc": FC, "cnn": CNN}, seeds=SEEDS).compare("cnn", "fc")
    assert named.test.p_value == pytest.approx(stats.ttest_rel(CNN, FC).pvalue)


def test_pairs_are_made_by_seed_and_not_by_position() -> None:
    shuffled = dict(reversed(by_seed(CNN).items()))
    found = ModelStatistics({"fc": by_seed(FC), "cnn": shuffled}).compare("cnn", "fc")
    assert found.test.p_value == pytest.approx(stats.ttest_rel(CNN, FC).pvalue)


def test_only_shared_seeds_are_pairs_and_the_note_says_so() -> None:
    cnn = {42: 0.994, 123: 0.9945, 456: 0.9949, 99: 0.5}
    found = ModelStatistics({"fc": by_seed(FC), "cnn": cnn}).compare("cnn", "fc")
    assert found.test.n == 3
    assert found.note == "paired over 3 shared seeds, of 4 and 5"
    assert found.summary.n == 4
    apart = ModelStatistics({"fc": {1: 0.1, 2: 0.2, 3: 0.4}, "cnn": {3: 0.1, 4: 0.2}}).compare("cnn", "fc")
    assert apart.test.test == "Welch t"
    assert apart.note == "too few shared seeds for pairs: separate samples"


def test_for_a_loss_less_is_better() -> None:
    statistics = ModelStatistics({"a": by_seed(FC), "b": by_seed(CNN)}, higher_is_better=False)
    assert statistics.compare("b", "a").verdict == "worse"
    assert statistics.compare("a", "b").verdict == "better"
    assert [name for name, _ in statistics.ranking()] == ["a", "b"]


def test_a_comparison_of_several_models_is_stricter_than_one_of_two() -> None:
    generator = np.random.default_rng(3)
    base = generator.normal(size=6)
    models = {f"m{i}": dict(enumerate(base + generator.normal(0.5, 0.5, size=6))) for i in range(6)}
    statistics = ModelStatistics({"base": dict(enumerate(base)), **models})
    table = statistics.compare_all("base")
    alone = {name: statistics.compare(name, "base") for name in models}
    assert any(alone[row.model].verdict == "better" and row.verdict != "better" for row in table.rows)
    assert [row.p_adjusted for row in table.rows] == holm([alone[row.model].p_adjusted for row in table.rows])


def test_other_paired_tests_can_be_chosen(paired: ModelStatistics) -> None:
    flips = paired.compare("cnn", "fc", paired_test="sign_flip")
    assert flips.test == flips.sign_flip
    assert flips.verdict == "no difference shown"  # five seeds cannot reach 0.05
    assert paired.compare("cnn", "fc", paired_test="wilcoxon").test.p_value == 0.0625
    with pytest.raises(StatisticsError, match="did you mean 'wilcoxon'"):
        paired.compare("cnn", "fc", paired_test="wilcoxen")


def test_what_cannot_be_tested_is_said_and_does_not_count_for_holm() -> None:
    models = {
        "fc": by_seed(FC),
        "cnn": by_seed(CNN),
        "diverged": by_seed([*CNN[:4], math.nan]),
        "single": {42: 0.99},
        "shifted": by_seed([value + 0.5 for value in FC]),
    }
    table = ModelStatistics(models).compare_all("fc")
    assert table["cnn"].p_adjusted == table["cnn"].test.p_value
    for name, words in (
        ("diverged", "not finite"),
        ("single", "1 of the 2"),
        ("shifted", "spread is unknown"),
    ):
        row = table[name]
        assert (row.verdict, row.p_adjusted) == ("not tested", None)
        assert words in row.note
        assert words in str(row)
    assert "1 better, 3 not tested" in str(table)
    assert "nan" not in table.markdown()
    json.dumps(table.as_dict(), allow_nan=False)


def test_models_without_a_mean_rank_last() -> None:
    ranking = ModelStatistics({"bad": [math.nan, 1.0], "low": [0.1, 0.2], "high": [0.3, 0.4]}).ranking()
    assert [name for name, _ in ranking] == ["high", "low", "bad"]


def test_equivalence_is_over_pairs_where_seeds_are_shared(paired: ModelStatistics) -> None:
    found = paired.equivalence("same", "fc", margin=0.001)
    assert found.is_equivalent
    assert found.n == 5
    assert ModelStatistics({"a": FC, "b": SAME}).equivalence("a", "b", margin=0.001).n == (5, 5)


def test_summaries_and_bootstrap_are_those_of_the_functions(paired: ModelStatistics) -> None:
    assert paired.summary("fc").mean == pytest.approx(np.mean(FC))
    assert paired.summaries().keys() == {"fc", "cnn", "same"}
    found = paired.bootstrap("fc", num_resamples=500)
    assert found.low < np.mean(FC) < found.high
    assert paired.values("fc") == tuple(FC)
    assert paired.seeds("fc") == tuple(SEEDS)
    assert ModelStatistics({"fc": FC}).seeds("fc") is None


def test_the_table_can_be_printed_published_and_stored(paired: ModelStatistics) -> None:
    from rich.console import Console

    table = paired.compare_all("fc")
    console = Console(width=200, record=True, file=io.StringIO())
    console.print(table.table())
    text = console.export_text()
    for words in (
        "0.97854 ± 0.00062",
        "baseline",
        "better",
        "no difference shown",
        "test accuracy against fc",
    ):
        assert words in text
    rows = table.markdown().splitlines()
    assert rows[0].startswith("| model | n |")
    assert len(rows) == 5
    assert len({row.count("|") for row in rows}) == 1
    stored = json.loads(json.dumps(table.as_dict(), allow_nan=False))
    assert stored["rows"][0]["verdict"] == "better"
    assert stored["rows"][0]["effect"]["magnitude"] == "large"
    assert json.loads(json.dumps(paired.as_dict()))["models"]["fc"]["seeds"] == SEEDS
    assert "\n" not in str(paired) + str(table) + str(table.rows[0])


@settings(deadline=None, max_examples=30)
@given(
    st.dictionaries(
        st.sampled_from("abcde"),
        st.lists(st.floats(allow_nan=True, allow_infinity=True), max_size=4)
        | st.dictionaries(st.integers(0, 4), st.floats(-1, 1), max_size=4),
        min_size=2,
    )
)
def test_whatever_the_values_a_table_comes_out_without_nan(models: dict) -> None:
    statistics = ModelStatistics(models)
    table = statistics.compare_all(statistics.models[0])
    for row in table.rows:
        assert row.verdict in {"better", "worse", "no difference shown", "not tested"}
        assert (row.p_adjusted is None) == (row.verdict == "not tested")
        assert row.p_adjusted is None or 0 < row.p_adjusted <= 1
    json.dumps(table.as_dict(), allow_nan=False)
    table.markdown()


def test_wrong_questions_are_refused_with_what_would_be_right(paired: ModelStatistics) -> None:
    with pytest.raises(
        StatisticsError, match=r"no model 'cn'; did you mean 'cnn'\? \(there are fc, cnn, same\)"
    ):
        paired.compare("cn", "fc")
    with pytest.raises(StatisticsError, match="no model 'x'"):
        paired.compare_all("x")
    with pytest.raises(StatisticsError, match="no models"):
        ModelStatistics({})
    with pytest.raises(StatisticsError, match="one value a seed"):
        ModelStatistics({"fc": FC}, seeds=[1, 2])
    with pytest.raises(StatisticsError, match="one value a seed"):
        ModelStatistics({"fc": [1.0, 2.0]}, seeds=[1, 1])


def test_importing_the_statistics_loads_neither_numpy_nor_scipy() -> None:
    code = (
        "import sys, mlcore.statistics as s\n"
        "assert not {'numpy', 'scipy', 'rich'} & set(sys.modules)\n"
        "s.ModelStatistics\n"
        "assert not {'scipy', 'rich', 'torch'} & set(sys.modules)\n"
        "[getattr(s, name) for name in s.__all__]\n"
        "assert not {'scipy', 'rich', 'torch'} & set(sys.modules)\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
