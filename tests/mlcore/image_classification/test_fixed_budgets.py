"""What shorter trainings would have given, from a curve whose answers are read off by eye."""

import numpy as np
import pytest
from mlcore.image_classification.fixed_budgets import best_budget, kept_epochs

CURVE = [
    {"loss": 0.9, "accuracy": 0.60},
    {"loss": 0.5, "accuracy": 0.80},
    {"loss": 0.7, "accuracy": 0.85},
    {"loss": 0.4, "accuracy": 0.82},
    {"loss": 0.4, "accuracy": 0.99},
]


def test_a_length_keeps_the_weights_of_its_best_epoch_and_the_first_of_equals() -> None:
    assert kept_epochs(CURVE, "loss", "min") == [1, 2, 2, 4, 4]
    assert kept_epochs(CURVE, "accuracy", "max") == [1, 2, 3, 3, 5]


def test_a_nan_is_never_the_best() -> None:
    curve = [CURVE[0], {"loss": float("nan"), "accuracy": 0.1}, CURVE[1]]
    assert kept_epochs(curve, "loss", "min") == [1, 1, 3]


def test_the_best_length_is_the_shortest_within_one_standard_error_of_the_highest_mean() -> None:
    # At length 4 the mean is 0.90 and the standard error of two seeds is |0.92 - 0.88| / 2 = 0.02.
    accuracy = np.array([[0.5, 0.80, 0.89, 0.92, 0.90], [0.5, 0.84, 0.87, 0.88, 0.89]])
    assert best_budget(accuracy) == 3  # mean 0.88, not below 0.90 - 0.02
    assert best_budget(accuracy - np.array([0, 0, 0.001, 0, 0])) == 4


def test_one_seed_shows_no_noise() -> None:
    with pytest.raises(ValueError, match="two seeds"):
        best_budget(np.array([[0.5, 0.6]]))
