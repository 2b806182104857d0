"""Loss, perplexity, bits per byte and accuracy against direct computations, and independent of batching."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from mlcore.evaluator.advanced_evaluator import AdvancedEvaluator
from mlcore.evaluator.language_metrics import LanguageMetricsSum, ratio_interval
from scipy import stats
from torch import nn
from torch.nn import functional

VOCABULARY = 23


class BytesTokenizer:
    """Tokens of known byte lengths; token 0 is the end of text."""

    vocab_size = VOCABULARY
    end_of_text_id = 0

    def encode(self, text: str) -> list[int]:
        return [1 + ord(character) % (VOCABULARY - 1) for character in text]

    def decode(self, ids: list[int]) -> str:
        return "".join(chr(96 + i) for i in ids)

    def byte_lengths(self) -> np.ndarray:
        return np.array([0] + [1 + i % 4 for i in range(1, VOCABULARY)])


class TinyModel(nn.Module):
    """An embedding, an average over the past, and a projection: causal, and quick."""

    def __init__(self, vocabulary: int = VOCABULARY, scale: float = 1.0) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.embedding = nn.Embedding(vocabulary, 16)
        self.dropout = nn.Dropout(0.5)
        self.head = nn.Linear(16, vocabulary)
        with torch.no_grad():
            self.head.weight.mul_(scale)

    def logits(self, input_ids: torch.Tensor) -> torch.Tensor:
        summed = self.embedding(input_ids).cumsum(1)
        return self.head(self.dropout(summed / torch.arange(1, input_ids.shape[1] + 1)[:, None]))


def sequences(count: int, length: int, seed: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Random inputs and targets with ragged padding, and with rows that are all padding."""
    generator = torch.Generator().manual_seed(seed)
    inputs = torch.randint(VOCABULARY, (count, length), generator=generator)
    targets = torch.randint(VOCABULARY, (count, length), generator=generator)
    ends = torch.randint(0, length + 1, (count,), generator=generator)
    targets[torch.arange(length)[None] >= ends[:, None]] = -100
    targets[0, :3] = torch.tensor([1, 2, 3])  # never everything ignored
    targets[1] = -100
    return inputs, targets


def partition(count: int, seed: int) -> list[list[int]]:
    """The indices 0..count-1 in random order, cut at random places; the last batch has one row."""
    rng = np.random.default_rng(seed)
    order = rng.permutation(count)
    cuts = sorted(set(rng.integers(1, count, size=rng.integers(0, count)).tolist()) | {count - 1})
    return [part.tolist() for part in np.split(order, cuts) if len(part)]


def direct_metrics(
    model: TinyModel, inputs: torch.Tensor, targets: torch.Tensor
) -> tuple[float, float, float]:
    """Loss, accuracy and bits per byte in one step, in float64."""
    model = model.double().eval()
    with torch.no_grad():
        logits = model.logits(inputs)
    model.float()
    loss = functional.cross_entropy(logits.flatten(0, 1), targets.flatten(), ignore_index=-100).item()
    counted = targets != -100
    accuracy = (logits.argmax(-1) == targets)[counted].double().mean().item()
    num_bytes = BytesTokenizer().byte_lengths()[targets[counted].numpy()].sum()
    return loss, accuracy, loss * int(counted.sum()) / math.log(2) / num_bytes


@settings(max_examples=150, deadline=None)
@given(
    count=st.integers(3, 24), length=st.integers(3, 9), seed=st.integers(0, 2**31), cut=st.integers(0, 2**31)
)
def test_metrics_of_any_partition_into_batches_equal_the_direct_float64_computation(
    count: int, length: int, seed: int, cut: int
) -> None:
    inputs, targets = sequences(count, length, seed)
    model = TinyModel()
    loss, accuracy, bits = direct_metrics(model, inputs, targets)
    batches = partition(count, cut)
    assert len(batches[-1]) == 1
    evaluator = AdvancedEvaluator(model, BytesTokenizer())
    metrics = evaluator.evaluate([(inputs[rows], targets[rows]) for rows in batches])
    assert metrics.loss == pytest.approx(loss, rel=1e-6)
    assert metrics.perplexity == pytest.approx(math.exp(loss), rel=1e-6)
    assert metrics.token_accuracy == pytest.approx(accuracy, rel=1e-6)
    assert metrics.bits_per_byte == pytest.approx(bits, rel=1e-6)
    assert metrics.num_tokens == int((targets != -100).sum())


@settings(max_examples=850, deadline=None)
@given(count=st.integers(3, 40), seed=st.integers(0, 2**31), cut=st.integers(0, 2**31))
def test_sums_over_any_partition_are_the_same_to_twelve_digits(count: int, seed: int, cut: int) -> None:
    _, targets = sequences(count, 6, seed)
    logits = torch.randn(count, 6, VOCABULARY, generator=torch.Generator().manual_seed(seed)) * 10
    lengths = BytesTokenizer().byte_lengths()
    whole, parts = LanguageMetricsSum(lengths), LanguageMetricsSum(lengths)
    whole.add(logits, targets)
    for rows in partition(count, cut):
        parts.add(logits[rows], targets[rows])
    one, other = whole.result().as_dict(), parts.result().as_dict()
    for name, value in one.items():
        if isinstance(value, (tuple, float)):
            assert other[name] == pytest.approx(value, rel=1e-12), name
        else:
            assert other[name] == value, name


def test_averaging_batch_averages_would_have_been_wrong() -> None:
    inputs, targets = sequences(9, 8, seed=3)
    model = TinyModel(scale=8.0)
    evaluator = AdvancedEvaluator(model, BytesTokenizer())
    batches = [(inputs[rows], targets[rows]) for rows in partition(9, 5)]
    averages = [evaluator.evaluate([batch]).loss for batch in batches if (batch[1] != -100).any()]
    loss = direct_metrics(model, inputs, targets)[0]
    assert abs(np.mean(averages) - loss) > 1e-3
    assert evaluator.evaluate(batches).loss == pytest.approx(loss, rel=1e-6)


def test_chunks_of_a_large_vocabulary_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    _, targets = sequences(7, 5, seed=1)
    logits = torch.randn(7, 5, VOCABULARY)
    whole = LanguageMetricsSum()
    whole.add(logits, targets)
    monkeypatch.setattr("mlcore.evaluator.language_metrics._LOGITS_AT_ONCE", 2 * VOCABULARY)
    chunks = LanguageMetricsSum()
    chunks.add(logits, targets)
    assert chunks.result() == whole.result()


def test_bfloat16_logits_are_summed_in_float64() -> None:
    logits = torch.randn(4, 64, VOCABULARY).to(torch.bfloat16)
    targets = torch.randint(VOCABULARY, (4, 64))
    total = LanguageMetricsSum()
    total.add(logits, targets)
    expected = functional.cross_entropy(logits.double().flatten(0, 1), targets.flatten()).item()
    assert total.result().loss == pytest.approx(expected, rel=1e-6)


def test_uniform_logits_cost_the_logarithm_of_the_vocabulary_and_log2_of_it_in_bits() -> None:
    total = LanguageMetricsSum(np.ones(VOCABULARY))
    total.add(torch.zeros(2, 5, VOCABULARY), torch.randint(VOCABULARY, (2, 5)))
    metrics = total.result()
    assert metrics.loss == pytest.approx(math.log(VOCABULARY), rel=1e-7)
    assert metrics.perplexity == pytest.approx(VOCABULARY, rel=1e-6)
    assert metrics.bits_per_byte == pytest.approx(math.log2(VOCABULARY), rel=1e-7)


def test_specials_bring_no_bytes_but_cost_their_nats() -> None:
    total = LanguageMetricsSum(BytesTokenizer().byte_lengths())
    total.add(torch.zeros(1, 3, VOCABULARY), torch.tensor([[0, 3, 2]]))  # 0, 4 and 3 bytes
    metrics = total.result()
    assert metrics.num_bytes == 7
    assert metrics.bits_per_byte == pytest.approx(3 * math.log2(VOCABULARY) / 7, rel=1e-6)


def test_only_specials_have_no_bits_per_byte() -> None:
    total = LanguageMetricsSum(BytesTokenizer().byte_lengths())
    total.add(torch.zeros(1, 2, VOCABULARY), torch.zeros(1, 2, dtype=torch.int64))
    assert total.result().bits_per_byte is None


def test_the_interval_of_equally_long_sequences_is_the_student_interval_of_their_means() -> None:
    rng = np.random.default_rng(0)
    means = rng.normal(2.0, 0.5, size=30)
    expected = stats.t.interval(0.95, 29, loc=means.mean(), scale=stats.sem(means))
    assert ratio_interval(means * 10, np.full(30, 10)) == pytest.approx(expected, rel=1e-9)


def test_the_interval_covers_the_true_loss_about_95_times_in_100() -> None:
    rng = np.random.default_rng(1)
    covered = 0
    for _ in range(2000):
        lengths = rng.integers(5, 40, size=50)
        values = lengths * rng.normal(3.0, 0.4, size=50)
        low, high = ratio_interval(values, lengths)
        covered += low < 3.0 < high
    assert 0.93 < covered / 2000 < 0.97


def test_one_sequence_has_no_interval() -> None:
    total = LanguageMetricsSum()
    total.add(torch.zeros(1, 4, VOCABULARY), torch.ones(1, 4, dtype=torch.int64))
    assert total.result().loss_interval is None


def test_accuracy_and_loss_at_initialisation_are_those_of_chance() -> None:
    vocabulary, num_tokens = 50, 40_000
    generator = torch.Generator().manual_seed(0)
    targets = torch.randint(vocabulary, (200, num_tokens // 200), generator=generator)
    inputs = torch.randint(vocabulary, targets.shape, generator=generator)

    class Tokenizer50(BytesTokenizer):
        def byte_lengths(self) -> np.ndarray:
            return np.ones(vocabulary)

    metrics = AdvancedEvaluator(TinyModel(vocabulary, scale=0.1), Tokenizer50()).evaluate([(inputs, targets)])
    deviation = math.sqrt(1 / vocabulary * (1 - 1 / vocabulary) / num_tokens)
    assert abs(metrics.token_accuracy - 1 / vocabulary) < 4 * deviation
    assert metrics.loss == pytest.approx(math.log(vocabulary), rel=0.01)


def test_a_model_that_knows_the_answer_is_perfect_and_one_shifted_by_a_token_is_at_chance() -> None:
    class Copies(nn.Module):
        def logits(self, input_ids: torch.Tensor) -> torch.Tensor:
            return 30 * functional.one_hot(input_ids, VOCABULARY).float()

    ids = torch.randint(VOCABULARY, (60, 101), generator=torch.Generator().manual_seed(2))
    evaluator = AdvancedEvaluator(Copies(), BytesTokenizer())
    assert evaluator.evaluate([(ids, ids)]).token_accuracy == 1.0
    assert evaluator.evaluate([(ids[:, :-1], ids[:, 1:])]).token_accuracy == pytest.approx(
        1 / VOCABULARY, abs=0.015
    )


def test_dropout_is_off_while_evaluating_and_every_mode_is_put_back() -> None:
    model = TinyModel()
    model.train()
    model.head.eval()
    inputs, targets = sequences(8, 8, seed=0)
    evaluator = AdvancedEvaluator(model, BytesTokenizer())
    assert evaluator.evaluate([(inputs, targets)]) == evaluator.evaluate([(inputs, targets)])
    assert model.training
    assert model.dropout.training
    assert not model.head.training


def test_max_batches_stops_before_the_next_batch_is_asked_for() -> None:
    inputs, targets = sequences(4, 8, seed=0)
    asked = []

    def loader():
        for number in range(3):
            asked.append(number)
            yield inputs, targets

    AdvancedEvaluator(TinyModel(), BytesTokenizer()).evaluate(loader(), max_batches=2)
    assert asked == [0, 1]


@pytest.mark.parametrize(
    "batches",
    [[], [(torch.zeros(2, 3, dtype=torch.int64), torch.full((2, 3), -100))]],
    ids=["no batches", "only padding"],
)
def test_nothing_to_evaluate_is_an_error_in_words(batches: list) -> None:
    with pytest.raises(ValueError, match="no target token to evaluate"):
        AdvancedEvaluator(TinyModel(), BytesTokenizer()).evaluate(batches)


@pytest.mark.parametrize("token", [VOCABULARY, -1])
def test_a_target_outside_the_models_vocabulary_is_named(token: int) -> None:
    targets = torch.tensor([[1, token]])
    with pytest.raises(
        ValueError, match=f"target token {token} is outside the model's vocabulary of {VOCABULARY}"
    ):
        LanguageMetricsSum().add(torch.zeros(1, 2, VOCABULARY), targets)


def test_a_target_outside_the_tokenizer_is_named() -> None:
    with pytest.raises(ValueError, match="target token 9 is outside the tokenizer's 5 tokens"):
        LanguageMetricsSum(np.ones(5)).add(torch.zeros(1, 1, VOCABULARY), torch.tensor([[9]]))


def test_logits_of_another_shape_are_refused() -> None:
    with pytest.raises(ValueError, match=r"got \(1, 3, 23\) and \(1, 2\)"):
        LanguageMetricsSum().add(torch.zeros(1, 3, VOCABULARY), torch.zeros(1, 2, dtype=torch.int64))


def test_a_diverged_model_has_a_nan_loss_and_a_hopeless_one_an_infinite_perplexity() -> None:
    total = LanguageMetricsSum()
    total.add(torch.full((1, 2, VOCABULARY), math.nan), torch.ones(1, 2, dtype=torch.int64))
    assert math.isnan(total.result().loss)
    assert math.isnan(total.result().perplexity)
    total = LanguageMetricsSum()
    total.add(torch.eye(VOCABULARY)[None, :1] * 1000, torch.ones(1, 1, dtype=torch.int64))
    assert total.result().loss == pytest.approx(1000)
    assert total.result().perplexity == math.inf
