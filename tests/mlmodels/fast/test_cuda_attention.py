"""What is around torch's fused attentions, by its CPU operator; the GPU's by their shapes, on the meta device.

What the GPU's operators compute is tested where there is one: `test_triton_kernels.py`, `test_cuda_fast_path.py`.
"""

import pytest
import torch
from mlmodels.custom_transformer.fast import cuda_attention
from mlmodels.custom_transformer.fast.cuda_attention import CPU, EFFICIENT, FLASH, Operator, choose_operator
from mlmodels.custom_transformer.fast.torch_kernels import TorchKernels

AMPERE, TURING = (8, 0), (7, 5)


@pytest.mark.parametrize(
    ("device_type", "dtype", "head_size", "capability", "expected"),
    [
        ("cuda", torch.bfloat16, 64, AMPERE, FLASH),
        ("cuda", torch.bfloat16, 192, (9, 0), FLASH),
        ("cuda", torch.bfloat16, 60, AMPERE, None),
        ("cuda", torch.bfloat16, 256, (8, 6), None),
        ("cuda", torch.bfloat16, 64, TURING, None),
        ("cuda", torch.float32, 64, TURING, EFFICIENT),
        ("cuda", torch.float32, 12, AMPERE, EFFICIENT),
        ("cuda", torch.float32, 13, AMPERE, None),
        ("cuda", torch.float64, 64, AMPERE, None),
        ("mps", torch.float32, 64, (0, 0), None),
        ("cpu", torch.float64, 13, (0, 0), CPU),
    ],
)
def test_the_operator_follows_from_device_dtype_and_head_size(
    device_type: str,
    dtype: torch.dtype,
    head_size: int,
    capability: tuple[int, int],
    expected: Operator | None,
) -> None:
    assert choose_operator(device_type, dtype, head_size, capability) is expected


@pytest.mark.parametrize(("dtype", "goal"), [(torch.float64, 1e-13), (torch.float32, 2e-6)])
@pytest.mark.parametrize(("batch", "time", "heads", "size"), [(1, 1, 1, 4), (2, 33, 3, 8), (3, 100, 2, 5)])
def test_joined_tensors_go_in_and_come_out(
    dtype: torch.dtype, goal: float, batch: int, time: int, heads: int, size: int
) -> None:
    generator, width = torch.Generator().manual_seed(0), heads * size
    qkv = torch.randn(batch, time, 3 * width, generator=generator, dtype=torch.float64)
    dout = torch.randn(batch, time, width, generator=generator, dtype=torch.float64)
    expected_out, expected_dqkv = torch.empty_like(dout), torch.empty_like(qkv)
    log_sums = torch.empty(batch, heads, time, dtype=torch.float64)
    TorchKernels().attention(qkv, heads, expected_out, log_sums)
    TorchKernels().attention_gradient(dout, qkv, heads, expected_out, log_sums, expected_dqkv)
    own_qkv, own_dout, own_sums = qkv.to(dtype), dout.to(dtype), log_sums.to(dtype)
    out, dqkv = torch.empty_like(own_dout), torch.empty_like(own_qkv)
    cuda_attention.attention(CPU, own_qkv, heads, out, own_sums)
    cuda_attention.attention_gradient(CPU, own_dout, own_qkv, heads, out, own_sums, dqkv)
    q, k, _ = (part.unflatten(-1, (heads, -1)).transpose(1, 2) for part in qkv.chunk(3, dim=-1))
    future = torch.ones(time, time, dtype=torch.bool).triu(1)
    scores = (q @ k.mT / size**0.5).masked_fill(future, -torch.inf)
    for found, expected in ((out, expected_out), (dqkv, expected_dqkv), (own_sums, scores.logsumexp(-1))):
        assert (found - expected).abs().max() <= goal * expected.abs().max()


@pytest.mark.parametrize("operator", [FLASH, EFFICIENT], ids=lambda operator: operator.name)
@pytest.mark.parametrize("time", [32, 45])
def test_the_gpus_operators_take_these_arguments_and_return_these_shapes(
    operator: Operator, time: int
) -> None:
    dtype = torch.bfloat16 if operator is FLASH else torch.float32
    qkv = torch.empty(2, time, 3 * 24, dtype=dtype, device="meta")
    out, dqkv = torch.empty(2, time, 24, dtype=dtype, device="meta"), torch.empty_like(qkv)
    log_sums = torch.empty(2, 3, time, device="meta")
    cuda_attention.attention(operator, qkv, 3, out, log_sums)
    cuda_attention.attention_gradient(operator, out, qkv, 3, out, log_sums, dqkv)
    q, k, v = cuda_attention._split(qkv, 3)
    result, sums = operator.forward(q, k, v)
    assert result.shape == (2, 3, time, 8)
    assert result.transpose(1, 2).is_contiguous()  # (B, T, H, K) in memory, like the buffer it is copied to
    assert sums.shape == log_sums.shape
    assert q._base is qkv  # no copy


def test_the_setting_for_equal_bits_is_put_back() -> None:
    seen = []

    def backward(*tensors: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        fill = torch.utils.deterministic.fill_uninitialized_memory
        seen.append((torch.are_deterministic_algorithms_enabled(), fill))
        raise RuntimeError("stop")

    before = torch.are_deterministic_algorithms_enabled(), torch.utils.deterministic.fill_uninitialized_memory
    qkv, out, sums = torch.zeros(1, 2, 12), torch.zeros(1, 2, 4), torch.zeros(1, 1, 2)
    failing = Operator("failing", CPU.forward, backward)
    with pytest.raises(RuntimeError, match="stop"):
        cuda_attention.attention_gradient(failing, out, qkv, 1, out, sums, qkv)
    assert seen == [(True, False)]
    after = torch.are_deterministic_algorithms_enabled(), torch.utils.deterministic.fill_uninitialized_memory
    assert after == before
