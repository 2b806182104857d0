"""Accuracy, loss, per-class scores and intervals against scikit-learn and statsmodels."""

import json
import math
import warnings

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from mlcore.evaluator import classification_metrics, read_evaluation, write_evaluation
from mlcore.evaluator.classification_intervals import mean_interval, wilson_interval
from mlcore.evaluator.classification_rows import ClassificationError
from scipy import stats
from scipy.special import softmax
from sklearn import metrics as oracle
from statsmodels.stats.proportion import proportion_confint


def names(num_classes: int) -> list[str]:
    return [f"class {number}" for number in range(num_classes)]


@st.composite
def problems(draw: st.DrawFn) -> tuple[np.ndarray, np.ndarray]:
    """Logits (N, K) and targets (N,): one class, one sample, absent classes and ties among them."""
    num_classes, count = draw(st.integers(1, 7)), draw(st.integers(1, 40))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    present = rng.integers(1, num_classes + 1)  # classes from here on occur in no target
    targets = rng.integers(present, size=count)
    logits = rng.normal(size=(count, num_classes)) * draw(st.sampled_from([0.0, 0.1, 1.0, 30.0]))
    if draw(st.booleans()):
        logits = np.round(logits)  # ties
    if draw(st.booleans()):
        logits[:, rng.integers(num_classes)] -= 100  # a class that is hardly ever predicted
    return logits, targets


@settings(max_examples=200, deadline=None)
@given(problems())
def test_every_number_equals_scikit_learns(problem: tuple[np.ndarray, np.ndarray]) -> None:
    logits, targets = problem
    num_classes = logits.shape[1]
    labels = list(range(num_classes))
    result = classification_metrics(logits, targets, names(num_classes))
    predictions = logits.argmax(1)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # scikit-learn on one label
        assert np.array_equal(result.confusion, oracle.confusion_matrix(targets, predictions, labels=labels))
        columns = oracle.precision_recall_fscore_support(
            targets, predictions, labels=labels, zero_division=np.nan
        )
        loss = oracle.log_loss(targets, softmax(logits, axis=1), labels=labels) if num_classes > 1 else 0.0
    found = np.array(
        [[s.precision, s.recall, s.f1, s.support] for s in result.per_class], dtype=float
    )  # None becomes NaN
    np.testing.assert_allclose(found.T, np.array(columns, dtype=float), rtol=1e-12, equal_nan=True)
    means = [result.macro_precision, result.macro_recall, result.macro_f1]
    np.testing.assert_allclose(
        np.array(means, dtype=float), np.nanmean(np.array(columns[:3], dtype=float), axis=1), rtol=1e-12
    )
    assert result.accuracy == oracle.accuracy_score(targets, predictions)
    assert sum(s.num_predicted for s in result.per_class) == result.num_samples == len(targets)
    # scikit-learn clips probabilities at the machine's epsilon; 30 standard deviations pass it.
    if np.abs(logits).max() < 30:
        assert result.loss == pytest.approx(loss, rel=1e-9, abs=1e-12)


@settings(max_examples=100, deadline=None)
@given(problems())
def test_the_brier_score_equals_scikit_learns(problem: tuple[np.ndarray, np.ndarray]) -> None:
    logits, targets = problem
    num_classes = logits.shape[1]
    result = classification_metrics(logits, targets, names(num_classes))
    if num_classes == 1:
        assert result.brier_score == 0
    else:
        expected = oracle.brier_score_loss(
            targets, softmax(logits, axis=1), labels=list(range(num_classes)), scale_by_half=False
        )
        assert result.brier_score == pytest.approx(expected, rel=1e-9, abs=1e-15)


@settings(max_examples=100, deadline=None)
@given(problems())
def test_nothing_is_nan_and_json_holds_it_all(problem: tuple[np.ndarray, np.ndarray]) -> None:
    logits, targets = problem
    result = classification_metrics(logits, targets, names(logits.shape[1]), temperature=2.0)
    text = json.dumps(result.as_dict(), allow_nan=False)
    assert json.loads(text)["num_correct"] == sum(np.diag(result.confusion))


@settings(max_examples=100, deadline=None)
@given(problems(), st.integers(0, 2**32 - 1))
def test_the_order_of_the_samples_does_not_matter(problem: tuple[np.ndarray, np.ndarray], seed: int) -> None:
    logits, targets = problem
    order = np.random.default_rng(seed).permutation(len(targets))
    one = classification_metrics(logits, targets, names(logits.shape[1])).as_dict()
    other = classification_metrics(logits[order], targets[order], names(logits.shape[1])).as_dict()
    assert flat(one) == pytest.approx(flat(other), rel=1e-11, abs=1e-14)


def flat(value: object) -> list:
    if isinstance(value, dict):
        return [item for key in value for item in flat(value[key])]
    if isinstance(value, tuple | list):
        return [item for part in value for item in flat(part)]
    return [value] if isinstance(value, int | float) else []


def test_the_two_likeliest_classes_are_those_of_scikit_learn() -> None:
    rng = np.random.default_rng(0)
    logits, targets = rng.normal(size=(500, 6)), rng.integers(6, size=500)
    result = classification_metrics(logits, targets, names(6))
    assert result.top_2_accuracy == oracle.top_k_accuracy_score(targets, logits, k=2)
    assert result.top_2_accuracy > result.accuracy


def test_of_equally_likely_classes_the_first_is_predicted() -> None:
    result = classification_metrics(np.zeros((4, 4)), np.array([0, 1, 2, 3]), names(4))
    assert result.accuracy == 0.25, "four classes alike must not count as four hits"
    assert result.top_2_accuracy == 0.5
    assert result.loss == pytest.approx(math.log(4))
    assert np.array(result.confusion).sum(axis=0).tolist() == [4, 0, 0, 0]


def test_a_class_that_is_absent_has_no_recall_and_one_never_predicted_no_precision() -> None:
    logits = np.array([[5.0, 0, 0, 0], [5.0, 0, 0, 0], [0, 5.0, 0, 0]])
    result = classification_metrics(logits, np.array([0, 2, 0]), names(4))
    first, absent, never_predicted, neither = result.per_class
    assert (first.precision, first.recall, first.f1) == (0.5, 0.5, 0.5)
    assert (absent.precision, absent.recall, absent.f1, absent.support) == (0.0, None, 0.0, 0)
    assert (never_predicted.precision, never_predicted.recall, never_predicted.f1) == (None, 0.0, 0.0)
    assert (neither.precision, neither.recall, neither.f1, neither.recall_interval) == (None,) * 4
    assert result.macro_f1 == pytest.approx(0.5 / 3)


def test_the_most_confused_pairs_come_first_and_say_of_how_many() -> None:
    confusion = {(0, 0): 7, (0, 1): 3, (1, 1): 5, (1, 0): 5, (2, 0): 3, (2, 2): 1}
    targets = np.array([true for (true, _), count in confusion.items() for _ in range(count)])
    predictions = np.array([chosen for (_, chosen), count in confusion.items() for _ in range(count)])
    result = classification_metrics(np.eye(3)[predictions], targets, ["cat", "dog", "fox"])
    found = [(pair.true, pair.predicted, pair.count, pair.share) for pair in result.confused_pairs]
    assert found == [("dog", "cat", 5, 0.5), ("cat", "dog", 3, 0.3), ("fox", "cat", 3, 0.75)]


def test_one_sample_has_an_accuracy_with_an_interval_and_a_loss_without() -> None:
    result = classification_metrics(torch.tensor([[1.0, 0.0]]), torch.tensor([0]), names(2))
    assert result.accuracy == 1
    assert result.accuracy_interval == pytest.approx(proportion_confint(1, 1, method="wilson"))
    assert result.loss_interval is None


@given(st.integers(1, 20_000), st.data())
def test_shares_have_the_wilson_interval_of_statsmodels(num_trials: int, data: st.DataObject) -> None:
    hits = data.draw(st.one_of(st.integers(0, num_trials), st.sampled_from([0, num_trials])))
    low, high = wilson_interval(hits, num_trials)
    assert (low, high) == pytest.approx(
        proportion_confint(hits, num_trials, alpha=0.05, method="wilson"), abs=1e-12
    )
    assert 0 <= low <= hits / num_trials <= high <= 1


def test_no_trial_has_no_interval() -> None:
    assert wilson_interval(0, 0) is None


def test_the_loss_has_the_student_interval_of_its_samples() -> None:
    values = np.random.default_rng(1).exponential(size=200)
    expected = stats.t.interval(0.95, 199, loc=values.mean(), scale=stats.sem(values))
    assert mean_interval(values) == pytest.approx(expected, rel=1e-9)


def test_a_ruled_out_class_that_occurs_costs_infinity_and_json_gets_null(tmp_path) -> None:
    logits = np.log(np.array([[0.5, 0.5, 1.0], [0.25, 0.75, 1.0]])) + np.array([0, 0, -np.inf])
    result = classification_metrics(logits, np.array([1, 2]), names(3))
    assert result.loss == math.inf
    assert result.loss_interval is None
    assert result.brier_score == pytest.approx((0.5 + 0.25**2 + 0.75**2 + 1) / 2)
    write_evaluation(tmp_path, checkpoint="best.pt", split="test", metrics=result)
    read = read_evaluation(tmp_path)["metrics"]
    assert read["loss"] is None
    assert read["confusion"] == [[0, 0, 0], [1, 0, 0], [0, 1, 0]]
    assert read["accuracy_interval"] == list(result.accuracy_interval)
    assert set(read["per_class"][0]) >= {"name", "precision", "recall", "f1", "support"}
    assert {"expected_error", "maximum_error", "bins"} <= set(read["calibration"])


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16, torch.float32, torch.float64])
def test_logits_of_any_precision_are_scored_in_float64(dtype: torch.dtype) -> None:
    generator = torch.Generator().manual_seed(0)
    logits = (torch.randn(300, 8, generator=generator) * 4).to(dtype)
    targets = torch.randint(8, (300,), generator=generator)
    expected = torch.nn.functional.cross_entropy(logits.double(), targets).item()
    assert classification_metrics(logits, targets, names(8)).loss == pytest.approx(expected, rel=1e-13)


def test_parts_of_many_samples_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    generator = torch.Generator().manual_seed(0)
    logits, targets = torch.randn(101, 5, generator=generator), torch.randint(5, (101,), generator=generator)
    whole = classification_metrics(logits, targets, names(5))
    monkeypatch.setattr("mlcore.evaluator.classification_rows._LOGITS_AT_ONCE", 37)
    assert classification_metrics(logits, targets, names(5)) == whole


def test_log_probabilities_of_another_library_are_logits() -> None:
    rng = np.random.default_rng(2)
    logits, targets = rng.normal(size=(50, 4)), rng.integers(4, size=50)
    one = classification_metrics(logits, targets, names(4))
    other = classification_metrics(np.log(softmax(logits, axis=1)), targets, names(4))
    assert other.loss == pytest.approx(one.loss, rel=1e-12)
    assert other.calibration.expected_error == pytest.approx(one.calibration.expected_error, rel=1e-9)


@pytest.mark.parametrize(
    ("logits", "targets", "classes", "message"),
    [
        (np.zeros((2, 3)), [0, 3], "abc", "target 3 in row 1 is no class: there are 0 to 2"),
        (np.zeros((2, 3)), [-1, 0], "abc", "target -1 in row 0"),
        (np.zeros((2, 3)), [0, 1], "abcd", "3 logits a sample, but there are 4 class names"),
        (np.zeros((2, 3)), [0, 1, 2], "abc", r"got \(2, 3\) and \(3,\)"),
        (np.zeros(3), [0, 1, 2], "abc", r"got \(3,\) and \(3,\)"),
        (np.zeros((0, 3)), np.zeros(0, int), "abc", "nothing to evaluate"),
        (np.zeros((1, 3), int), [0], "abc", "logits must be floating-point numbers, got int64"),
        (np.zeros((1, 3)), [0.5], "abc", "targets must be whole numbers, got float64"),
        (np.array([[0, 1.0], [0, np.nan]]), [0, 1], "ab", "not finite in 1 of 2 rows, first in row 1"),
        (np.array([[0, np.inf]]), [0], "ab", "not finite in 1 of 1 rows"),
        (np.full((1, 2), -np.inf), [0], "ab", "not finite in 1 of 1 rows"),
    ],
)
def test_what_does_not_fit_is_refused_in_words(
    logits: np.ndarray, targets: list[int], classes: str, message: str
) -> None:
    with pytest.raises(ClassificationError, match=message) as caught:
        classification_metrics(logits, targets, list(classes))
    assert caught.value.exit_code == 3


@pytest.mark.parametrize("temperature", [0.0, -1.0, math.nan, math.inf])
def test_a_temperature_that_is_not_positive_is_refused(temperature: float) -> None:
    with pytest.raises(ClassificationError, match="a temperature is a positive number"):
        classification_metrics(np.zeros((1, 2)), [0], names(2), temperature=temperature)
