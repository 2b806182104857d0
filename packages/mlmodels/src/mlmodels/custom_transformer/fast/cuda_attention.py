"""Causal attention by torch's fused operators, forward and backward, from and into joined tensors.

The operators never hold the T × T weights: forward leaves the logarithm of each row's sum, from which backward makes
them again (Dao et al., 2022). They take queries, keys and values as views of the joined tensor, whose strides allow it,
and return tensors of their own: writing those where they belong moves 2·N·D numbers in forward and 6·N·D in backward.

B batch, T time, H heads, K features of a head, D = H·K, E = 3·D, N = B·T rows.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import NamedTuple

import torch
from torch import Tensor

_aten = torch.ops.aten
_LOG_SUM_ALIGNMENT = 32  # rows; what the efficient operator pads its log-sums to


class Operator(NamedTuple):
    """One of torch's fused attentions, for tensors (B, H, T, K) of any strides whose last is 1.

    forward: queries, keys, values -> out, log-sums (B, H, T).
    backward: dout, queries, keys, values, out, log-sums -> their three gradients.
    """

    name: str
    forward: Callable[[Tensor, Tensor, Tensor], tuple[Tensor, Tensor]]
    backward: Callable[..., tuple[Tensor, Tensor, Tensor]]


def choose_operator(
    device_type: str, dtype: torch.dtype, head_size: int, capability: tuple[int, int] = (0, 0)
) -> Operator | None:
    """The operator for a dtype and a head size on a device, or None where no fused one fits.

    `capability` is the GPU's compute capability. On the CPU stands one of the same layout, so that what is around the
    operators can be tested there.
    """
    if device_type == "cpu":
        return CPU
    if device_type != "cuda":
        return None
    # Flash reads 8 numbers at once, and above 192 features its backward exists for few GPUs; it needs Ampere.
    if dtype == torch.bfloat16 and capability >= (8, 0) and head_size % 8 == 0 and head_size <= 192:
        return FLASH
    if dtype == torch.float32 and head_size % 4 == 0:
        return EFFICIENT
    return None


def attention(
    operator: Operator, qkv_BTE: Tensor, num_heads: int, out_BTD: Tensor, log_sums_BHT: Tensor
) -> None:
    """out = causal attention of the joined queries, keys and values; see `Kernels.attention`."""
    out_BHTK, log_sums = operator.forward(*_split(qkv_BTE, num_heads))
    _heads(out_BTD, num_heads).copy_(out_BHTK)
    log_sums_BHT.copy_(log_sums)


def attention_gradient(
    operator: Operator,
    dout_BTD: Tensor,
    qkv_BTE: Tensor,
    num_heads: int,
    out_BTD: Tensor,
    log_sums_BHT: Tensor,
    dqkv_BTE: Tensor,
) -> None:
    """dqkv = the gradient of `attention`; see `Kernels.attention_gradient`."""
    dout_BHTK, out_BHTK = _heads(dout_BTD, num_heads), _heads(out_BTD, num_heads)
    with _same_bits_every_time():
        gradients = operator.backward(dout_BHTK, *_split(qkv_BTE, num_heads), out_BHTK, log_sums_BHT)
    joined = dqkv_BTE.unflatten(-1, (3, num_heads, -1))
    torch.stack([gradient.transpose(1, 2) for gradient in gradients], dim=2, out=joined)


def _split(qkv_BTE: Tensor, num_heads: int) -> tuple[Tensor, ...]:
    """Queries, keys and values (B, H, T, K), views."""
    return tuple(part.transpose(1, 2) for part in qkv_BTE.unflatten(-1, (3, num_heads, -1)).unbind(2))


def _heads(x_BTD: Tensor, num_heads: int) -> Tensor:
    """(B, H, T, K), a view."""
    return x_BTD.unflatten(-1, (num_heads, -1)).transpose(1, 2)


@contextmanager
def _same_bits_every_time() -> Iterator[None]:
    """Backward without atomic additions, which torch's operators offer under this setting only."""
    mode = torch.get_deterministic_debug_mode()
    fill = torch.utils.deterministic.fill_uninitialized_memory  # type: ignore[attr-defined]
    torch.set_deterministic_debug_mode("error")
    # Else every tensor that is allocated meanwhile is filled with NaN first.
    torch.utils.deterministic.fill_uninitialized_memory = False  # type: ignore[attr-defined]
    try:
        yield
    finally:
        torch.set_deterministic_debug_mode(mode)
        torch.utils.deterministic.fill_uninitialized_memory = fill  # type: ignore[attr-defined]


def _flash_forward(q_BHTK: Tensor, k_BHTK: Tensor, v_BHTK: Tensor) -> tuple[Tensor, Tensor]:
    results = _aten._scaled_dot_product_flash_attention(q_BHTK, k_BHTK, v_BHTK, 0.0, True)
    return results[0], results[1]


def _flash_backward(
    dout_BHTK: Tensor, q_BHTK: Tensor, k_BHTK: Tensor, v_BHTK: Tensor, out_BHTK: Tensor, log_sums_BHT: Tensor
) -> tuple[Tensor, Tensor, Tensor]:
    time = q_BHTK.shape[2]
    seed = torch.empty(2, dtype=torch.uint64, device=q_BHTK.device)  # of a dropout that there is none of
    unused = torch.empty((), dtype=torch.uint64, device=q_BHTK.device)
    inputs = (dout_BHTK, q_BHTK, k_BHTK, v_BHTK, out_BHTK, log_sums_BHT)
    return _aten._scaled_dot_product_flash_attention_backward(
        *inputs, None, None, time, time, 0.0, True, seed, unused
    )


def _efficient_forward(q_BHTK: Tensor, k_BHTK: Tensor, v_BHTK: Tensor) -> tuple[Tensor, Tensor]:
    results = _aten._scaled_dot_product_efficient_attention(q_BHTK, k_BHTK, v_BHTK, None, True, 0.0, True)
    return results[0], results[1][:, :, : q_BHTK.shape[2]]


def _efficient_backward(
    dout_BHTK: Tensor, q_BHTK: Tensor, k_BHTK: Tensor, v_BHTK: Tensor, out_BHTK: Tensor, log_sums_BHT: Tensor
) -> tuple[Tensor, Tensor, Tensor]:
    padding = -log_sums_BHT.shape[2] % _LOG_SUM_ALIGNMENT
    if padding:  # with infinity, as forward has it: exp(score - inf) is 0
        log_sums_BHT = torch.nn.functional.pad(log_sums_BHT, (0, padding), value=float("inf"))
    seed = torch.empty((), dtype=torch.int64, device=q_BHTK.device)  # of a dropout that there is none of
    inputs = (dout_BHTK, q_BHTK, k_BHTK, v_BHTK, None, out_BHTK, log_sums_BHT)
    gradients = _aten._scaled_dot_product_efficient_attention_backward(
        *inputs, seed, seed, 0.0, [True, True, True, False], True
    )
    return gradients[0], gradients[1], gradients[2]


def _cpu_forward(q_BHTK: Tensor, k_BHTK: Tensor, v_BHTK: Tensor) -> tuple[Tensor, Tensor]:
    results = _aten._scaled_dot_product_flash_attention_for_cpu(q_BHTK, k_BHTK, v_BHTK, 0.0, True)
    return results[0], results[1]


def _cpu_backward(
    dout_BHTK: Tensor, q_BHTK: Tensor, k_BHTK: Tensor, v_BHTK: Tensor, out_BHTK: Tensor, log_sums_BHT: Tensor
) -> tuple[Tensor, Tensor, Tensor]:
    # It reads the log-sums as its own forward lays them out: (B, T, H) in memory.
    by_time = log_sums_BHT.transpose(1, 2).contiguous().transpose(1, 2)
    inputs = (dout_BHTK, q_BHTK, k_BHTK, v_BHTK, out_BHTK, by_time)
    return _aten._scaled_dot_product_flash_attention_for_cpu_backward(*inputs, 0.0, True)


FLASH = Operator("flash", _flash_forward, _flash_backward)
EFFICIENT = Operator("efficient", _efficient_forward, _efficient_backward)
CPU = Operator("flash for the CPU", _cpu_forward, _cpu_backward)
