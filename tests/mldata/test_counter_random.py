"""The counter-based generator against the paper's published vectors, a scalar reference, NumPy and scipy."""

from collections.abc import Callable

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from mldata.counter_random import normal, philox4x32, random_words, uniform
from scipy import stats
from torch import Tensor

WORD = 0xFFFFFFFF
words = st.integers(0, WORD)

# kat_vectors of the Random123 library, lines "philox4x32 10": counter, key, result.
PUBLISHED = [
    ((0, 0, 0, 0), (0, 0), (0x6627E8D5, 0xE169C58D, 0xBC57AC4C, 0x9B00DBD8)),
    ((WORD, WORD, WORD, WORD), (WORD, WORD), (0x408F276D, 0x41C83B0E, 0xA20BC7C6, 0x6D5451FD)),
    (
        (0x243F6A88, 0x85A308D3, 0x13198A2E, 0x03707344),
        (0xA4093822, 0x299F31D0),
        (0xD16CFE09, 0x94FDCCEB, 0x5001E420, 0x24126EA1),
    ),
]


def scalar_philox(counter: tuple[int, ...], key: tuple[int, ...]) -> tuple[int, ...]:
    """The algorithm of the paper's section 3, a word at a time."""
    (c0, c1, c2, c3), (k0, k1) = counter, key
    for _ in range(10):
        high0, low0 = divmod(0xD2511F53 * c0, 1 << 32)
        high1, low1 = divmod(0xCD9E8D57 * c2, 1 << 32)
        c0, c1, c2, c3 = high1 ^ c1 ^ k0, low1, high0 ^ c3 ^ k1, low0
        k0, k1 = (k0 + 0x9E3779B9) & WORD, (k1 + 0xBB67AE85) & WORD
    return c0, c1, c2, c3


def tensor_philox(counter: tuple[int, ...], key: tuple[int, int]) -> tuple[int, ...]:
    c0, c1, c2, c3 = (torch.tensor([word]) for word in counter)
    return tuple(int(word) for word in philox4x32((c0, c1, c2, c3), key))


@pytest.mark.parametrize(("counter", "key", "expected"), PUBLISHED)
def test_philox_gives_the_published_vectors(
    counter: tuple[int, ...], key: tuple[int, int], expected: tuple[int, ...]
) -> None:
    assert tensor_philox(counter, key) == expected
    assert scalar_philox(counter, key) == expected


@settings(deadline=None, max_examples=50)
@given(st.tuples(words, words, words, words), st.tuples(words, words))
def test_philox_equals_the_scalar_reference(counter: tuple[int, ...], key: tuple[int, int]) -> None:
    assert tensor_philox(counter, key) == scalar_philox(counter, key)


def test_philox_changes_none_of_its_arguments() -> None:
    c0, c1, c2, c3 = (torch.arange(5) for _ in range(4))
    philox4x32((c0, c1, c2, c3), (1, 2))
    assert all(torch.equal(counter, torch.arange(5)) for counter in (c0, c1, c2, c3))


@settings(deadline=None, max_examples=50)
@given(
    seed=st.integers(0, (1 << 64) - 1),
    epoch=words,
    index=words,
    stream=words,
    num=st.integers(1, 9),
)
def test_words_are_those_of_the_counter_block_index_epoch_stream(
    seed: int, epoch: int, index: int, stream: int, num: int
) -> None:
    found = random_words(seed, epoch, torch.tensor([index]), num, stream=stream)
    key = (seed & WORD, seed >> 32)
    expected = [word for block in range(3) for word in scalar_philox((block, index, epoch, stream), key)][
        :num
    ]
    assert found.tolist() == [expected]


@settings(deadline=None, max_examples=50)
@given(st.lists(st.integers(0, 1000), min_size=1, max_size=40), st.integers(0, 40), st.integers(1, 11))
def test_an_image_has_the_same_numbers_in_any_batch(indices: list[int], cut: int, num: int) -> None:
    together = torch.tensor(indices)
    for draw in (uniform, normal):
        whole = draw(7, 3, together, num)
        parts = [draw(7, 3, part, num) for part in (together[:cut], together[cut:])]
        alone = [draw(7, 3, together[i : i + 1], num) for i in range(len(together))]
        assert torch.equal(whole, torch.cat(parts))
        assert torch.equal(whole, torch.cat(alone))


def test_more_numbers_begin_with_the_fewer() -> None:
    indices = torch.arange(10)
    for draw in (random_words, uniform, normal):
        assert torch.equal(draw(1, 2, indices, 13)[:, :5], draw(1, 2, indices, 5))


def test_no_numbers_and_no_images_are_possible() -> None:
    assert uniform(0, 0, torch.arange(3), 0).shape == (3, 0)
    assert normal(0, 0, torch.arange(0), 5).shape == (0, 5)


def test_seed_epoch_index_and_stream_each_change_the_numbers() -> None:
    index = torch.tensor([5])
    base = uniform(1, 2, index, 4, stream=3)
    others = [
        uniform(2, 2, index, 4, stream=3),
        uniform(1 << 32 | 1, 2, index, 4, stream=3),
        uniform(1, 3, index, 4, stream=3),
        uniform(1, 2, index + 1, 4, stream=3),
        uniform(1, 2, index, 4, stream=4),
    ]
    assert all((base != other).all() for other in others)


@pytest.mark.parametrize(
    ("draw", "distribution"), [(uniform, stats.uniform), (normal, stats.norm)], ids=["uniform", "normal"]
)
@pytest.mark.parametrize("axis", ["indices", "numbers", "epochs", "seeds"])
def test_numbers_follow_their_distribution_along_every_axis(
    draw: Callable[..., Tensor], distribution: stats.rv_continuous, axis: str
) -> None:
    """20,000 numbers each; a true generator fails one of these eight tests in 100,000 times."""
    size = 20_000
    if axis == "indices":
        found = draw(11, 0, torch.arange(size), 1)
    elif axis == "numbers":
        found = draw(11, 0, torch.tensor([4]), size)
    elif axis == "epochs":
        found = torch.cat([draw(11, epoch, torch.arange(100), 1) for epoch in range(size // 100)])
    else:
        found = torch.cat([draw(seed, 0, torch.arange(100), 1) for seed in range(size // 100)])
    assert stats.kstest(found.flatten().numpy(), distribution.cdf).pvalue > 1e-6


def test_neighbouring_indices_epochs_and_numbers_are_uncorrelated() -> None:
    block = torch.stack([normal(3, epoch, torch.arange(400), 8) for epoch in range(20)]).double().numpy()
    pairs = {
        "epochs": (block[:-1], block[1:]),
        "indices": (block[:, :-1], block[:, 1:]),
        "numbers": (block[:, :, :-1], block[:, :, 1:]),
    }
    for name, (one, other) in pairs.items():
        for power in (1, 2):
            correlation = stats.pearsonr(one.ravel() ** power, other.ravel() ** power)
            assert correlation.pvalue > 1e-6, (name, power, correlation)


def test_two_streams_are_independent() -> None:
    one, other = (uniform(0, 0, torch.arange(20_000), 1, stream=s).flatten().numpy() for s in (0, 1))
    counts = np.histogram2d(one, other, bins=20, range=[[0, 1], [0, 1]])[0]
    assert stats.chisquare(counts.ravel()).pvalue > 1e-6


def test_uniform_numbers_keep_clear_of_one_and_normal_ones_have_unit_variance() -> None:
    numbers = uniform(5, 0, torch.arange(250_000), 4)
    assert numbers.dtype == torch.float32
    assert 0.0 <= float(numbers.min()) < 1e-5
    assert 1.0 - 1e-5 < float(numbers.max()) < 1.0
    values = normal(5, 0, torch.arange(250_000), 4).double()
    assert abs(float(values.mean())) < 5e-3
    assert abs(float(values.var()) - 1.0) < 1e-2
    assert abs(stats.kurtosis(values.flatten().numpy())) < 0.05


@pytest.mark.parametrize(
    ("seed", "epoch", "index", "message"),
    [
        (-1, 0, 0, r"seed is -1"),
        (1 << 64, 0, 0, r"seed is 18446744073709551616"),
        (0, -1, 0, r"epoch is -1"),
        (0, 1 << 32, 0, r"epoch is 4294967296"),
        (0, 0, -5, r"index is -5"),
        (0, 0, 1 << 32, r"index is 4294967296"),
    ],
)
def test_numbers_out_of_range_are_refused(seed: int, epoch: int, index: int, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        uniform(seed, epoch, torch.tensor([3, index]), 1)
