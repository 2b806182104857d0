"""The Markov source: its stated limits are those that its own samples show."""

import numpy as np
import pytest
from mldata.markov import MarkovSource

SOURCE = MarkovSource.draw(12, seed=3)


def test_the_long_run_is_a_fixed_point_of_the_transitions() -> None:
    np.testing.assert_allclose(SOURCE.transitions.sum(axis=1), 1)
    np.testing.assert_allclose(SOURCE.stationary @ SOURCE.transitions, SOURCE.stationary, atol=1e-12)


def test_samples_have_the_stated_entropy_accuracy_and_frequencies() -> None:
    tokens = SOURCE.sample(60_000, seed=1).astype(np.int64)
    inputs, targets = tokens[:-1], tokens[1:]
    losses, hits = SOURCE.nats(inputs, targets), SOURCE.transitions.argmax(axis=1)[inputs] == targets
    for values, expected in ((losses, SOURCE.bayes_loss), (hits.astype(float), SOURCE.bayes_accuracy)):
        error = values.std() / np.sqrt(len(values))
        assert abs(values.mean() - expected) < 5 * error
    frequencies = np.bincount(tokens, minlength=12) / len(tokens)
    np.testing.assert_allclose(frequencies, SOURCE.stationary, atol=0.01)
    assert SOURCE.bayes_loss < SOURCE.unigram_entropy < np.log(12)


def test_counted_transitions_are_the_chains() -> None:
    tokens = SOURCE.sample(60_000, seed=2).astype(np.int64)
    counts = np.zeros((12, 12))
    np.add.at(counts, (tokens[:-1], tokens[1:]), 1)
    np.testing.assert_allclose(counts / counts.sum(axis=1, keepdims=True), SOURCE.transitions, atol=0.05)


def test_a_source_without_sharpness_tells_nothing() -> None:
    flat = MarkovSource.draw(4, sharpness=0.0)
    assert flat.bayes_loss == pytest.approx(np.log(4))
    assert flat.bayes_accuracy == pytest.approx(0.25)


def test_samples_are_a_function_of_the_seed() -> None:
    np.testing.assert_array_equal(SOURCE.sample(50, seed=4), SOURCE.sample(50, seed=4))
    assert (SOURCE.sample(50, seed=4) != SOURCE.sample(50, seed=5)).any()


def test_one_state_is_no_source() -> None:
    with pytest.raises(ValueError, match="2 is the least"):
        MarkovSource.draw(1)
