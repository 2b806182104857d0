"""N-gram baselines against a slow direct implementation, against closed forms, and summing to one."""

import math
import time
from collections import Counter, defaultdict

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mlcore.evaluator.baselines import ngram_baselines, unigram_entropy
from mlcore.evaluator.kneser_ney import KneserNey


class SlowKneserNey:
    """The textbook recursion with dictionaries, one n-gram at a time."""

    def __init__(self, tokens: list[int], order: int, vocabulary: int) -> None:
        self.order = min(order, len(tokens))
        self.vocabulary = vocabulary
        self.counts: dict[int, Counter] = {}
        for k in range(1, self.order + 1):
            grams = Counter(tuple(tokens[i : i + k]) for i in range(len(tokens) - k + 1))
            if k < self.order:
                longer = {tuple(tokens[i : i + k + 1]) for i in range(len(tokens) - k)}
                grams = Counter(gram[1:] for gram in longer)
            self.counts[k] = grams
        self.discounts = {k: self._discount(grams) for k, grams in self.counts.items()}
        self.followers: dict[int, dict] = {}
        for k, grams in self.counts.items():
            self.followers[k] = defaultdict(dict)
            for gram, count in grams.items():
                self.followers[k][gram[:-1]][gram[-1]] = count

    def _discount(self, grams: Counter) -> float:
        once = sum(count == 1 for count in grams.values())
        twice = sum(count == 2 for count in grams.values())
        return min(max(once / (once + 2 * twice), 0.1), 0.9) if once + twice else 0.1

    def probability(self, token: int, history: tuple[int, ...]) -> float:
        history = history[max(0, len(history) - self.order + 1) :]
        lower = 1 / self.vocabulary if not history else self.probability(token, history[1:])
        followers = self.followers[len(history) + 1].get(history, {})
        total = sum(followers.values())
        if not total:
            return lower
        discount = self.discounts[len(history) + 1]
        kept = max(followers.get(token, 0) - discount, 0) / total
        return kept + discount * len(followers) / total * lower


streams = st.lists(st.integers(0, 5), min_size=1, max_size=40)


@settings(max_examples=200, deadline=None)
@given(train=streams, validation=streams, order=st.integers(1, 5))
def test_every_probability_equals_that_of_the_slow_direct_implementation(
    train: list[int], validation: list[int], order: int
) -> None:
    model, slow = KneserNey(train, order=order, vocab_size=6), SlowKneserNey(train, order, 6)
    nats, predictions = model.score(validation)
    for i, token in enumerate(validation):
        distribution = [slow.probability(t, tuple(validation[:i])) for t in range(6)]
        assert math.exp(-nats[i]) == pytest.approx(distribution[token], rel=1e-10)
        assert distribution[predictions[i]] == pytest.approx(max(distribution), rel=1e-10)
        assert model.distribution(validation[:i]) == pytest.approx(distribution, rel=1e-10)


@settings(max_examples=150, deadline=None)
@given(train=streams, history=st.lists(st.integers(0, 6), max_size=6), order=st.integers(1, 5))
def test_probabilities_sum_to_one_after_any_history_and_none_is_zero(
    train: list[int], history: list[int], order: int
) -> None:
    distribution = KneserNey(train, order=order, vocab_size=7).distribution(
        history
    )  # token 6 is never trained on
    assert distribution.sum() == pytest.approx(1.0, abs=1e-12)
    assert distribution.min() > 0


def test_a_long_stream_agrees_with_the_slow_implementation_too() -> None:
    rng = np.random.default_rng(0)
    train = np.minimum(rng.zipf(1.4, 4000), 60) - 1
    validation = np.minimum(rng.zipf(1.4, 300), 60) - 1
    slow = SlowKneserNey(train.tolist(), 3, 60)
    expected = [
        -math.log(slow.probability(t, tuple(validation[:i]))) for i, t in enumerate(validation.tolist())
    ]
    assert KneserNey(train, order=3, vocab_size=60).score(validation)[0] == pytest.approx(expected, rel=1e-9)


def test_a_gpt2_sized_vocabulary_does_not_overflow_at_order_five() -> None:
    train = np.array([50256, 50255, 50254, 50253, 50252] * 20)
    model = KneserNey(train, order=5, vocab_size=50257)
    assert model.distribution([50256, 50255, 50254, 50253]).argmax() == 50252
    assert model.distribution([50256, 50255, 50254, 50253]).sum() == pytest.approx(1.0, abs=1e-9)


def test_the_unigram_baseline_is_add_one_smoothing() -> None:
    baseline = ngram_baselines([0, 0, 0, 1], [0, 1, 2], vocab_size=4)["unigram"]
    expected = -(math.log(4 / 8) + math.log(2 / 8) + math.log(1 / 8)) / 3
    assert baseline.loss == pytest.approx(expected, rel=1e-12)
    assert baseline.token_accuracy == pytest.approx(1 / 3)
    assert baseline.perplexity == pytest.approx(math.exp(expected))


def test_the_unigram_baseline_tends_to_the_entropy_of_the_source() -> None:
    shares = np.array([0.5, 0.25, 0.125, 0.125])
    rng = np.random.default_rng(0)
    train, validation = rng.choice(4, 200_000, p=shares), rng.choice(4, 200_000, p=shares)
    loss = ngram_baselines(train, validation, vocab_size=4, orders=[1])["unigram"].loss
    assert unigram_entropy(shares) == pytest.approx(1.75 * math.log(2), rel=1e-12)
    assert loss == pytest.approx(1.75 * math.log(2), rel=0.005)


def test_the_bigram_baseline_tends_to_the_entropy_rate_of_a_markov_chain() -> None:
    rng = np.random.default_rng(0)
    transitions = rng.dirichlet(np.full(8, 0.3), size=8)
    chain = [0]
    for draw in rng.random(60_000):
        chain.append(int(np.searchsorted(transitions[chain[-1]].cumsum(), draw).clip(max=7)))
    stationary = np.linalg.matrix_power(transitions, 200)[0]
    rate = -(stationary[:, None] * transitions * np.log(transitions + 1e-300)).sum()
    baselines = ngram_baselines(chain[:50_000], chain[50_000:], vocab_size=8, orders=[1, 2, 3])
    assert baselines["bigram"].loss == pytest.approx(rate, rel=0.03)
    assert baselines["bigram"].loss < baselines["unigram"].loss - 0.1
    best_guess = float((stationary * transitions.max(1)).sum())
    assert baselines["bigram"].token_accuracy == pytest.approx(best_guess, abs=0.02)


def test_uniform_costs_the_logarithm_of_the_vocabulary_and_bytes_give_bits_per_byte() -> None:
    baselines = ngram_baselines([0, 1], [0, 1, 1], vocab_size=8, byte_lengths=[0, 2] + [1] * 6)
    assert baselines["uniform"].loss == pytest.approx(math.log(8))
    assert baselines["uniform"].bits_per_byte == pytest.approx(3 * 3 / 4)
    assert ngram_baselines([0, 1], [0], vocab_size=8)["uniform"].bits_per_byte is None


def test_the_validation_tokens_are_never_counted() -> None:
    train, validation = [0, 1] * 50, [2, 3] * 50
    baselines = ngram_baselines(train, validation, vocab_size=4)
    assert all(baselines[name].loss > math.log(4) for name in ("unigram", "bigram", "trigram", "5-gram"))
    assert baselines["5-gram"].token_accuracy == 0.0


def test_a_million_tokens_take_seconds() -> None:
    rng = np.random.default_rng(0)
    train = (np.minimum(rng.zipf(1.2, 1_000_000), 4096) - 1).astype(np.uint16)
    started = time.process_time()
    baselines = ngram_baselines(train, train[:100_000], vocab_size=4096)
    assert set(baselines) == {"uniform", "unigram", "bigram", "trigram", "5-gram"}
    assert time.process_time() - started < 30  # 5 s where this was written; a Python loop would take minutes


@pytest.mark.data
def test_on_tinystories_characters_longer_contexts_predict_better(data_dir) -> None:
    folder = data_dir / "tinystories"
    train, validation = (
        np.frombuffer(next(iter(sorted(folder.glob(pattern)))).read_bytes(), dtype=np.uint8)
        for pattern in ("*train*", "*val*")
    )
    baselines = ngram_baselines(train[:500_000], validation[:100_000], vocab_size=256)
    losses = [baselines[name].loss for name in ("uniform", "unigram", "bigram", "trigram", "5-gram")]
    assert losses == sorted(losses, reverse=True)
    assert 0.8 < losses[-1] < 1.4  # 5-grams of English characters
    accuracies = [baselines[name].token_accuracy for name in ("unigram", "bigram", "trigram", "5-gram")]
    assert accuracies == sorted(accuracies)


@pytest.mark.parametrize(
    ("train", "validation", "message"),
    [
        ([], [0], "at least one training token"),
        ([0], [], "no validation tokens"),
        ([9], [0], "token 9 is outside the vocabulary of 4"),
        ([0], [7], "token 7 is outside the vocabulary of 4"),
        ([-1], [0], "token -1 is outside"),
    ],
)
def test_unusable_tokens_are_refused_in_words(train: list[int], validation: list[int], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        ngram_baselines(train, validation, vocab_size=4)


def test_an_order_of_zero_is_refused() -> None:
    with pytest.raises(ValueError, match="orders must be 1 or more"):
        ngram_baselines([0], [0], vocab_size=2, orders=[0])


def test_entropy_of_unusable_counts_is_refused() -> None:
    for counts in ([], [0, 0], [1, -1]):
        with pytest.raises(ValueError, match="counts must be non-negative"):
            unigram_entropy(counts)
    assert unigram_entropy([5, 0]) == 0.0
