"""Generation: the KV cache changes nothing, sampling follows its options, windows slide."""

import math

import pytest
import torch
from mlmodels.custom_transformer.config import CustomTransformerConfig
from mlmodels.custom_transformer.model import CustomTransformer
from mlmodels.generation.sampling import (
    SamplingOptions,
    keep_top_k,
    keep_top_p,
    next_token_probabilities,
    penalise_repetition,
    sample,
)
from torch import Tensor


@pytest.fixture(scope="module")
def model() -> CustomTransformer:
    torch.manual_seed(0)
    made = CustomTransformer(
        CustomTransformerConfig(
            vocab_size=13, d_model=16, n_blocks=2, n_heads=4, d_ffn=24, max_seq_len=10, dtype="float32"
        )
    )
    with torch.no_grad():
        for parameter in made.parameters():
            parameter.normal_(0.0, 0.4)
    return made


def prompt(rows: int = 3, length: int = 4) -> Tensor:
    return torch.randint(0, 13, (rows, length), generator=torch.Generator().manual_seed(rows + length))


@pytest.mark.parametrize("sizes", [[10], [1] * 10, [4, 1, 1, 3, 1], [9, 1]])
def test_logits_with_the_cache_equal_those_without_to_1e_6(
    model: CustomTransformer, sizes: list[int]
) -> None:
    tokens, past, parts, start = prompt(length=10), model.new_cache(3), [], 0
    for size in sizes:
        parts.append(model.logits(tokens[:, start : start + size], past))
        start += size
    torch.testing.assert_close(torch.cat(parts, dim=1), model.logits(tokens), rtol=1e-6, atol=1e-6)


def test_the_cache_refuses_more_than_it_has_room_for(model: CustomTransformer) -> None:
    past = model.new_cache(3)
    model.logits(prompt(length=10), past)
    with pytest.raises(ValueError, match="11 tokens are longer than max_seq_len 10"):
        model.logits(prompt(length=1), past)


@pytest.mark.parametrize("temperature", [0.0, 1.0])
@pytest.mark.parametrize("length", [1, 4, 10, 14])
def test_cache_and_no_cache_give_the_same_tokens_also_when_the_window_slides(
    model: CustomTransformer, length: int, temperature: float
) -> None:
    options = {
        "max_new_tokens": 12,
        "temperature": temperature,
        "top_k": 8,
        "repetition_penalty": 1.3,
        "seed": 1,
    }
    with_cache = model.generate(prompt(length=length), **options)
    without = model.generate(prompt(length=length), **options, use_cache=False)
    assert torch.equal(with_cache, without)
    assert with_cache.shape == (3, length + 12)
    assert torch.equal(with_cache[:, :length], prompt(length=length))


def test_greedy_generation_takes_the_argmax_of_the_last_window(model: CustomTransformer) -> None:
    tokens = model.generate(prompt(), max_new_tokens=12, temperature=0.0)
    for end in range(4, 16):
        expected = model.logits(tokens[:, max(0, end - 10) : end])[:, -1].argmax(dim=-1)
        assert torch.equal(tokens[:, end], expected)


def test_equal_seeds_give_equal_text_and_leave_the_global_generator_alone(model: CustomTransformer) -> None:
    state = torch.get_rng_state()
    first, second, other = (model.generate(prompt(), max_new_tokens=9, seed=seed) for seed in (1, 1, 2))
    assert torch.equal(first, second)
    assert not torch.equal(first, other)
    assert torch.equal(torch.get_rng_state(), state)
    generator = torch.Generator().manual_seed(1)
    assert torch.equal(model.generate(prompt(), max_new_tokens=9, generator=generator), first)


def test_a_seed_and_a_generator_together_are_refused(model: CustomTransformer) -> None:
    with pytest.raises(ValueError, match="not both"):
        model.generate(prompt(), max_new_tokens=1, seed=1, generator=torch.Generator())


def test_prompts_of_different_lengths_continue_as_if_alone(model: CustomTransformer) -> None:
    padded, lengths = prompt(length=6), torch.tensor([6, 2, 4])
    together = model.generate(padded, max_new_tokens=3, temperature=0.0, prompt_lengths=lengths)
    assert together.shape == (3, 9)
    for row, length in enumerate(lengths.tolist()):
        alone = model.generate(padded[row : row + 1, :length], max_new_tokens=9 - length, temperature=0.0)
        assert torch.equal(together[row], alone[0])
    scrambled = padded.clone()
    scrambled[1, 2:] = 0
    again = model.generate(scrambled, max_new_tokens=3, temperature=0.0, prompt_lengths=lengths)
    assert torch.equal(again, together)


def test_a_row_that_ended_is_filled_and_generation_stops_when_all_have(model: CustomTransformer) -> None:
    free = model.generate(prompt(), max_new_tokens=30, temperature=1.0, seed=3)
    end_id = int(free[0, 8])
    ended = model.generate(prompt(), max_new_tokens=30, temperature=1.0, seed=3, end_id=end_id)
    assert (ended[:, 4:] == end_id).any()
    for row in ended:
        places = (row[4:] == end_id).nonzero()
        if len(places):
            assert bool((row[4 + int(places[0]) :] == end_id).all())
    one = model.generate(prompt(rows=1), max_new_tokens=30, temperature=0.0)
    stopped = model.generate(prompt(rows=1), max_new_tokens=30, temperature=0.0, end_id=int(one[0, 4]))
    assert stopped.shape == (1, 5)


def test_an_end_id_inside_the_prompt_ends_nothing(model: CustomTransformer) -> None:
    tokens = torch.full((1, 3), 5)
    free = model.generate(tokens, max_new_tokens=4, temperature=0.0)
    if not bool((free[0, 3:] == 5).any()):
        assert torch.equal(model.generate(tokens, max_new_tokens=4, temperature=0.0, end_id=5), free)
    assert model.generate(tokens, max_new_tokens=1, temperature=0.0, end_id=5).shape == (1, 4)


@pytest.mark.parametrize(
    ("tokens", "options", "message"),
    [
        (torch.zeros(1, 0, dtype=torch.int64), {}, "at least one token"),
        (torch.zeros(1, 2, dtype=torch.int64), {"max_new_tokens": -1}, "max_new_tokens -1"),
        (torch.zeros(1, 2, dtype=torch.int64), {"temperature": -0.1}, "temperature -0.1"),
        (torch.zeros(1, 2, dtype=torch.int64), {"top_p": 0.0}, "top_p 0.0"),
        (torch.zeros(1, 2, dtype=torch.int64), {"top_k": -3}, "top_k -3"),
        (torch.zeros(1, 2, dtype=torch.int64), {"repetition_penalty": 0.0}, "repetition_penalty 0.0"),
        (torch.zeros(1, 2, dtype=torch.int64), {"prompt_lengths": torch.tensor([3])}, r"1 … 2, not \[3\]"),
        (torch.full((1, 2), 13), {}, "token id 13"),
    ],
)
def test_impossible_requests_are_refused(
    model: CustomTransformer, tokens: Tensor, options: dict, message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        model.generate(tokens, **{"max_new_tokens": 1, **options})


def test_top_k_keeps_exactly_k_also_among_equals() -> None:
    kept = keep_top_k(torch.tensor([[1.0, 3.0, 2.0, 3.0], [0.0, 0.0, 0.0, 0.0]]), 2)
    assert kept.isfinite().sum(dim=-1).tolist() == [2, 2]
    assert kept[0].tolist() == [-math.inf, 3.0, -math.inf, 3.0]
    logits = torch.randn(2, 4)
    assert keep_top_k(logits, None) is keep_top_k(logits, 0) is keep_top_k(logits, 9) is logits


def test_top_p_keeps_the_smallest_set_that_reaches_p() -> None:
    logits = torch.tensor([[0.1, 0.5, 0.15, 0.25]]).log()
    for p, expected in [(0.01, {1}), (0.5, {1}), (0.6, {1, 3}), (0.76, {1, 2, 3}), (0.95, {0, 1, 2, 3})]:
        assert set(keep_top_p(logits, p).isfinite().nonzero()[:, 1].tolist()) == expected, p
    assert keep_top_p(logits, 1.0) is keep_top_p(logits, None) is logits


def test_the_repetition_penalty_makes_seen_tokens_less_probable_whatever_their_sign() -> None:
    logits, seen = torch.tensor([[2.0, -2.0, 1.0]]), torch.tensor([[True, True, False]])
    assert penalise_repetition(logits, seen, 2.0).tolist() == [[1.0, -4.0, 1.0]]
    assert penalise_repetition(logits, seen, 1.0) is logits


def test_sampled_frequencies_follow_the_tempered_distribution() -> None:
    logits = torch.tensor([0.2, 1.0, -0.5, 0.0])
    options = SamplingOptions(temperature=0.7)
    many = logits.expand(40_000, -1)
    drawn = sample(many, torch.zeros_like(many, dtype=torch.bool), options, torch.Generator().manual_seed(0))
    expected = (logits / 0.7).softmax(dim=-1)
    # standard error of each frequency is below 0.0025
    torch.testing.assert_close(drawn.bincount(minlength=4) / 40_000, expected, rtol=0, atol=0.01)


@pytest.mark.parametrize("temperature", [1e-4, 1e-30])
def test_a_tiny_temperature_is_greedy_and_does_not_overflow(temperature: float) -> None:
    logits = torch.tensor([[3.0, 50.0, -20.0]])
    seen = torch.zeros(1, 3, dtype=torch.bool)
    probabilities = next_token_probabilities(logits, seen, SamplingOptions(temperature=temperature))
    assert probabilities.tolist() == [[0.0, 1.0, 0.0]]
