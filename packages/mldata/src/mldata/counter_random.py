"""Random numbers that are a function of (seed, epoch, index): no state, no order, no shared generator.

Philox4x32-10 (Salmon, Moraes, Dror & Shaw, "Parallel random numbers: as easy as 1, 2, 3", SC 2011) turns a
counter of four words into four random words. Here the counter is (block, index, epoch, stream) and the key is
the seed, so that an image's numbers are the same in any batch, order, process and on any device.
"""

from functools import lru_cache

import torch
from torch import Tensor

_WORD = 0xFFFFFFFF
_MULTIPLIERS = (0xD2511F53, 0xCD9E8D57)
_WEYL = (0x9E3779B9, 0xBB67AE85)
_ROUNDS = 10
_NORMAL_LEVELS = 1 << 16

Words = tuple[Tensor, Tensor, Tensor, Tensor]


def philox4x32(counter: Words, key: tuple[int, int]) -> Words:
    """Four random words, int64 tensors of values below 2³², for each counter of four such words.

    Args:
        counter: four int64 tensors of one shape.
        key: two words.
    """
    c0, c1, c2, c3 = counter
    k0, k1 = key
    for _ in range(_ROUNDS):
        # The product of two words overflows int64, but wraps: its 64 bits are those of the unsigned product.
        # Bits above a word are dropped once, before they would be multiplied; c1 and c3 carry them along.
        p0, p1 = c0 * _MULTIPLIERS[0], c2 * _MULTIPLIERS[1]
        c0 = (p1 >> 32).bitwise_xor_(c1).bitwise_xor_(k0).bitwise_and_(_WORD)
        c2 = (p0 >> 32).bitwise_xor_(c3).bitwise_xor_(k1).bitwise_and_(_WORD)
        c1, c3 = p1, p0
        k0, k1 = (k0 + _WEYL[0]) & _WORD, (k1 + _WEYL[1]) & _WORD
    return c0, c1.bitwise_and_(_WORD), c2, c3.bitwise_and_(_WORD)


def random_words(seed: int, epoch: int, indices: Tensor, num: int, *, stream: int = 0) -> Tensor:
    """(B, num) int64: the first `num` random words, 0 to 2³² - 1, of each index.

    Args:
        seed: 0 to 2⁶⁴ - 1.
        epoch: 0 to 2³² - 1.
        indices: (B,) int64, 0 to 2³² - 1: which images.
        num: words an index, 0 or more.
        stream: 0 to 2³² - 1; purposes with streams of their own do not see one another's numbers.

    Raises:
        ValueError: a number out of range.
    """
    _check_range("seed", seed, 64)
    _check_range("epoch", epoch, 32)
    _check_range("stream", stream, 32)
    if len(indices):
        for bound in torch.stack(indices.aminmax()).tolist():
            _check_range("index", bound, 32)
    blocks = torch.arange(-(-num // 4), device=indices.device)
    index, block = torch.broadcast_tensors(indices.long().unsqueeze(1), blocks)
    words = (block, index, torch.full_like(index, epoch), torch.full_like(index, stream))
    random = philox4x32(words, (seed & _WORD, seed >> 32))
    return torch.stack(random, dim=-1).flatten(1)[:, :num]


def uniform(seed: int, epoch: int, indices: Tensor, num: int, *, stream: int = 0) -> Tensor:
    """(B, num) float32, uniform in [0, 1), multiples of 2⁻²⁴; arguments as for `random_words`."""
    return (random_words(seed, epoch, indices, num, stream=stream) >> 8).float().mul_(2.0**-24)


def normal(seed: int, epoch: int, indices: Tensor, num: int, *, stream: int = 0) -> Tensor:
    """(B, num) float32, standard normal; arguments as for `random_words`.

    Each value is one of the 65,536 equally probable midpoint quantiles of the normal distribution, the
    largest 4.3. A table is not only faster than Box & Muller's logarithm and cosine: its values do not depend
    on where in a batch they are computed, while the last bit of a vectorised cosine does.
    """
    words = random_words(seed, epoch, indices, -(-num // 2), stream=stream)
    halves = torch.stack((words >> 16, words & 0xFFFF), dim=-1).flatten(1)[:, :num]
    return normal_quantiles().to(indices.device)[halves]


@lru_cache(maxsize=1)
def normal_quantiles() -> Tensor:
    """(65536,) float32: quantiles of the standard normal at (i + 1/2) / 65536, scaled to variance 1."""
    midpoints = (torch.arange(_NORMAL_LEVELS, dtype=torch.float64) + 0.5) / _NORMAL_LEVELS
    quantiles = torch.special.ndtri(midpoints)
    return (quantiles / quantiles.square().mean().sqrt()).float()


def _check_range(name: str, value: int, bits: int) -> None:
    if not 0 <= value < 1 << bits:
        raise ValueError(f"{name} is {value}; it must be 0 to 2**{bits} - 1")
