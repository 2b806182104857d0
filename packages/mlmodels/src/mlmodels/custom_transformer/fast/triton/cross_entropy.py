"""Cross-entropy of rows of logits with token ids, and its gradient in the logits' place.

N rows, V vocabulary.
"""

import torch
import triton
import triton.language as tl
from torch import Tensor

from mlmodels.custom_transformer.fast.triton.options import OPTIONS
from mlmodels.custom_transformer.fast.triton.wide import to_wide

MAX_COLUMNS = 4096


@triton.jit  # type: ignore[untyped-decorator]
def _read_row(
    logits: tl.tensor,
    origin: tl.tensor,
    vocab_size: tl.tensor,
    SMOOTHING: tl.constexpr,
    COLUMNS: tl.constexpr,
) -> tuple[tl.tensor, tl.tensor, tl.tensor, tl.tensor]:
    """The first largest logit and its place, log(sum exp(z - largest)), and the sum of z - origin (where it matters).

    One pass: the sum of exponentials is relative to the largest logit so far, and scaled anew where a larger one comes
    (Milakov and Gimelshein, 2018).
    """
    largest = tl.full((), float("-inf"), dtype=origin.dtype)
    total = tl.zeros((), dtype=origin.dtype)
    plain_total = tl.zeros((), dtype=origin.dtype)
    likeliest = tl.zeros((), dtype=tl.int32)
    for first in range(0, vocab_size, COLUMNS):
        columns = first + tl.arange(0, COLUMNS)
        inside = columns < vocab_size
        values = to_wide(tl.load(logits + columns, mask=inside, other=float("-inf")))
        block_largest = tl.max(values, axis=0)
        place = tl.min(tl.where(values == block_largest, columns, vocab_size), axis=0)
        likeliest = tl.where(block_largest > largest, place, likeliest)
        new_largest = tl.maximum(largest, block_largest)
        shift = tl.where(new_largest == float("-inf"), 0.0, new_largest)  # -inf - -inf is not a number
        total = total * tl.exp(largest - shift) + tl.sum(tl.exp(values - shift), axis=0)
        if SMOOTHING > 0.0:
            plain_total += tl.sum(tl.where(inside, values - origin, 0.0), axis=0)
        largest = new_largest
    return largest, likeliest, tl.log(total), plain_total


@triton.jit  # type: ignore[untyped-decorator]
def _cross_entropy(
    logits: tl.tensor,
    targets: tl.tensor,
    factor: tl.tensor,
    loss: tl.tensor,
    hits: tl.tensor,
    vocab_size: tl.tensor,
    SMOOTHING: tl.constexpr,
    HAS_GRADIENT: tl.constexpr,
    COLUMNS: tl.constexpr,
) -> None:
    """For a target t: loss = log(sum exp z) - (1 - ε) z_t - ε mean(z), and z becomes its gradient times the factor.

    One program a row, 4,096 logits at a time, in two passes: the second reads the row again (100 KB for 50,257 logits
    in bfloat16; that the second-level cache still has it is likely, not measured) and writes it. Probabilities are
    never stored.
    """
    row = tl.program_id(0).to(tl.int64)
    logits += row * vocab_size
    target = tl.load(targets + row)
    counts = target >= 0
    at_target = to_wide(tl.load(logits + tl.maximum(target, 0)))
    # The mean is taken relative to a logit of the row: a large common offset costs no digits.
    origin = tl.where(tl.abs(at_target) < float("inf"), at_target, 0.0)
    largest, likeliest, log_sum, plain_total = _read_row(logits, origin, vocab_size, SMOOTHING, COLUMNS)
    expected = at_target - largest
    if SMOOTHING > 0.0:
        mean = plain_total / vocab_size + (origin - largest)
        expected = (1.0 - SMOOTHING) * expected + SMOOTHING * mean
    tl.store(loss + row, tl.where(counts, log_sum - expected, 0.0))
    is_hit = counts & (likeliest == target) & (log_sum == log_sum)
    tl.store(hits + row, is_hit.to(tl.int32))
    if HAS_GRADIENT:
        scale = tl.load(factor)
        even = scale * SMOOTHING / vocab_size
        for first in range(0, vocab_size, COLUMNS):
            columns = first + tl.arange(0, COLUMNS)
            inside = columns < vocab_size
            values = to_wide(tl.load(logits + columns, mask=inside, other=0.0))
            probabilities = tl.exp(values - largest - log_sum)
            true_share = (columns == target).to(values.dtype) * (1.0 - SMOOTHING)
            gradient = tl.where(counts, (probabilities - true_share) * scale - even, 0.0)
            tl.store(logits + columns, gradient.to(logits.dtype.element_ty), mask=inside)


def cross_entropy(
    logits_NV: Tensor,
    targets_N: Tensor,
    factor: float | Tensor,
    smoothing: float,
    loss_N: Tensor,
    hits_N: Tensor,
) -> None:
    """See `Kernels.cross_entropy`. What is not a number in a row makes its loss and gradient so, and is no hit."""
    num_rows, vocab_size = logits_NV.shape
    has_gradient = isinstance(factor, Tensor) or factor != 0.0
    if has_gradient and not isinstance(factor, Tensor):
        # As a tensor: a kernel takes its numbers in float32.
        factor = torch.full((), factor, dtype=loss_N.dtype, device=loss_N.device)
    with torch.cuda.device_of(logits_NV):
        _cross_entropy[(num_rows,)](
            *(logits_NV, targets_N, factor if has_gradient else None, loss_N, hits_N, vocab_size),
            SMOOTHING=smoothing,
            HAS_GRADIENT=has_gradient,
            COLUMNS=min(MAX_COLUMNS, triton.next_power_of_2(vocab_size)),
            num_warps=8,
            **OPTIONS,
        )
