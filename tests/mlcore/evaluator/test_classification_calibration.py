"""Calibration errors against values worked out by hand and a second implementation; the best temperature."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from mlcore.evaluator import classification_metrics, fit_temperature
from mlcore.evaluator.classification_calibration import (
    calibration,
    equal_mass_binning,
    equal_width_binning,
)
from mlcore.evaluator.classification_rows import ClassificationError
from mlcore.evaluator.classification_temperature import HIGHEST_TEMPERATURE, LOWEST_TEMPERATURE
from scipy.optimize import minimize_scalar
from statsmodels.stats.proportion import proportion_confint

CONFIDENCES = np.array([0.15, 0.25, 0.55, 0.55, 0.95, 0.95, 0.95, 0.95])
CORRECT = np.array([0, 1, 1, 0, 1, 1, 1, 0], dtype=bool)


def test_five_bins_of_equal_width_worked_out_by_hand() -> None:
    # (0, .2]: gap .15, (.2, .4]: .75, (.4, .6]: .05, (.6, .8]: empty, (.8, 1]: .2
    result = equal_width_binning(CONFIDENCES, CORRECT, num_bins=5)
    assert [bin.count for bin in result.bins] == [1, 1, 2, 0, 4]
    assert result.expected_error == pytest.approx((0.15 + 0.75 + 2 * 0.05 + 4 * 0.2) / 8)
    assert result.maximum_error == pytest.approx(0.75)
    last, empty = result.bins[4], result.bins[3]
    assert (last.low, last.high) == (0.8, 1.0)
    assert (last.confidence, last.accuracy) == pytest.approx((0.95, 0.75))
    assert last.accuracy_interval == pytest.approx(proportion_confint(3, 4, method="wilson"))
    assert (empty.confidence, empty.accuracy, empty.accuracy_interval) == (None, None, None)


def test_two_bins_of_equal_mass_worked_out_by_hand() -> None:
    result = equal_mass_binning(CONFIDENCES, CORRECT, num_bins=2)
    assert [(bin.count, bin.high) for bin in result.bins] == [(4, 0.55), (4, 0.95)]
    assert result.expected_error == pytest.approx((abs(2 - 1.5) + abs(3 - 3.8)) / 8)


def test_equal_confidences_are_never_parted() -> None:
    confidences = np.array([0.4, 0.9, 0.9, 0.9, 1.0, 1.0, 1.0, 1.0])
    result = equal_mass_binning(confidences, np.ones(8, dtype=bool), num_bins=4)
    assert [(bin.high, bin.count) for bin in result.bins] == [(0.9, 4), (1.0, 4)]


def test_a_confidence_on_an_edge_belongs_to_the_bin_below() -> None:
    edges = np.linspace(0, 1, 16)[1:]
    result = equal_width_binning(edges, np.ones(15, dtype=bool))
    assert [bin.count for bin in result.bins] == [1] * 15


def direct_error(confidences: np.ndarray, correct: np.ndarray, num_bins: int) -> tuple[float, float]:
    """Expected and maximum error as Guo et al. write them, one bin after the other."""
    expected, widest = 0.0, 0.0
    for number in range(num_bins):
        low, high = number / num_bins, (number + 1) / num_bins
        inside = (confidences > low) & (confidences <= high)
        if inside.any():
            gap = abs(correct[inside].mean() - confidences[inside].mean())
            expected += inside.mean() * gap
            widest = max(widest, gap)
    return expected, widest


@settings(max_examples=200, deadline=None)
@given(st.integers(1, 200), st.sampled_from([1, 4, 16, 64]), st.integers(0, 2**32 - 1))
def test_both_binnings_hold_every_sample_once(count: int, num_bins: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    # Sixty-fourths are exact, so that the direct version has the same edges.
    confidences = np.ceil(rng.random(count) * 64) / 64
    correct = rng.random(count) < confidences
    result = calibration(confidences, correct, num_bins=num_bins)
    assert (result.expected_error, result.maximum_error) == pytest.approx(
        direct_error(confidences, correct, num_bins)
    )
    for binning in (result, result.equal_mass):
        assert sum(bin.count for bin in binning.bins) == count
        assert [bin.low for bin in binning.bins[1:]] == [bin.high for bin in binning.bins[:-1]]
        assert binning.bins[0].low == 0
        assert all(bin.confidence is None or bin.low < bin.confidence <= bin.high for bin in binning.bins)
    assert all(bin.count for bin in result.equal_mass.bins)
    assert len(result.equal_mass.bins) <= num_bins
    distinct = len(set(confidences.tolist()))
    if distinct == count:
        counts = [bin.count for bin in result.equal_mass.bins]
        assert max(counts) - min(counts) <= 1
    assert result.mean_confidence == pytest.approx(confidences.mean())


def test_a_calibrated_model_has_no_error_and_an_overconfident_one_its_excess() -> None:
    rng = np.random.default_rng(0)
    confidences = rng.uniform(0.3, 0.9, size=200_000)
    honest = calibration(confidences, rng.random(200_000) < confidences)
    boasting = calibration(confidences + 0.1, rng.random(200_000) < confidences)
    assert honest.expected_error < 0.005
    assert boasting.expected_error == pytest.approx(0.1, abs=0.005)
    assert boasting.equal_mass.expected_error == pytest.approx(0.1, abs=0.005)
    assert boasting.mean_confidence == pytest.approx(0.7, abs=0.005)


def labelled_by_itself(num_samples: int, scale: float, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Logits and targets drawn from softmax(logits / scale): `scale` is the right temperature."""
    rng = np.random.default_rng(seed)
    logits = rng.normal(size=(num_samples, 5)) * 2
    noise = rng.gumbel(size=logits.shape)
    return logits * scale, (logits + noise).argmax(1)


@pytest.mark.parametrize("scale", [0.4, 1.0, 3.0])
def test_the_temperature_is_the_one_that_the_targets_were_drawn_with(scale: float) -> None:
    logits, targets = labelled_by_itself(40_000, scale)
    assert fit_temperature(logits, targets) == pytest.approx(scale, rel=0.03)


@settings(max_examples=40, deadline=None)
@given(st.integers(5, 200), st.floats(0.3, 5.0), st.integers(0, 10_000))
def test_no_temperature_is_better_than_the_fitted_one(count: int, scale: float, seed: int) -> None:
    logits, targets = (torch.from_numpy(array) for array in labelled_by_itself(count, scale, seed))

    def loss(log_temperature: float) -> float:
        scaled = logits / math.exp(log_temperature)
        return torch.nn.functional.cross_entropy(scaled, targets).item()

    found = fit_temperature(logits, targets)
    limits = (math.log(LOWEST_TEMPERATURE), math.log(HIGHEST_TEMPERATURE))
    expected = minimize_scalar(loss, bounds=limits, method="bounded", options={"xatol": 1e-9})
    assert LOWEST_TEMPERATURE <= found <= HIGHEST_TEMPERATURE
    assert loss(math.log(found)) <= expected.fun + 1e-9


def test_the_temperature_lowers_loss_and_calibration_error_and_changes_no_prediction() -> None:
    logits, targets = labelled_by_itself(20_000, 3.0, seed=1)
    temperature = fit_temperature(*labelled_by_itself(20_000, 3.0, seed=2))
    result = classification_metrics(logits, targets, list("abcde"), temperature=temperature)
    scaled = result.temperature_scaled
    assert scaled is not None
    assert scaled.temperature == temperature
    assert scaled.loss < result.loss - 0.1
    assert scaled.brier_score < result.brier_score
    assert scaled.expected_error < 0.01 < 0.1 < result.calibration.expected_error
    direct = classification_metrics(logits / temperature, targets, list("abcde"))
    assert (direct.loss, direct.accuracy) == pytest.approx((scaled.loss, result.accuracy))


def test_extremes_have_a_temperature_at_the_limits() -> None:
    right = np.eye(3) * 4
    assert fit_temperature(right, np.arange(3)) == LOWEST_TEMPERATURE
    assert fit_temperature(right, np.array([1, 2, 0])) == HIGHEST_TEMPERATURE
    assert fit_temperature(np.zeros((4, 3)), np.array([0, 1, 2, 0])) == 1
    assert fit_temperature(np.ones((4, 1)), np.zeros(4, dtype=int)) == 1


def test_a_ruled_out_class_does_not_break_the_fit() -> None:
    logits, targets = labelled_by_itself(5_000, 2.0)
    ruled_out = np.concatenate([logits, np.full((5_000, 1), -np.inf)], axis=1)
    assert fit_temperature(ruled_out, targets) == pytest.approx(fit_temperature(logits, targets), rel=1e-9)


def test_logits_that_are_no_numbers_have_no_temperature() -> None:
    with pytest.raises(ClassificationError, match="not finite"):
        fit_temperature(np.array([[np.nan, 0.0]]), np.array([0]))
