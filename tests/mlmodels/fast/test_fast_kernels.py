"""Each native kernel against torch's own operation, in float64, float32 and bfloat16."""

import math

import pytest
import torch
import torch.nn.functional as F
from mlmodels.custom_transformer.fast.kernels import Kernels
from mlmodels.custom_transformer.fast.native_kernels import NativeKernels
from mlmodels.custom_transformer.fast.torch_kernels import TorchKernels
from torch import Tensor

DTYPES = [torch.float64, torch.float32, torch.bfloat16]
GOALS = {torch.float64: 1e-12, torch.float32: 2e-6, torch.bfloat16: 1.5e-2}
BACKENDS = ["native", "torch"]


def kernels_of(backend: str, dtype: torch.dtype) -> Kernels:
    return NativeKernels(dtype) if backend == "native" else TorchKernels()


def wide(dtype: torch.dtype) -> torch.dtype:
    return torch.float64 if dtype == torch.float64 else torch.float32


def normal(*shape: int, dtype: torch.dtype, seed: int) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64).to(dtype)


def assert_near(found: Tensor, expected: Tensor, dtype: torch.dtype) -> None:
    worst = (found.double() - expected.double()).abs().max()
    assert worst <= GOALS[dtype] * (1e-3 + expected.double().abs().max()), f"{worst} for {dtype}"


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("affine", [True, False])
@pytest.mark.parametrize(("rows", "features"), [(1, 3), (5, 7), (33, 256), (100, 67)])
def test_layer_norm_and_its_gradient(
    backend: str, dtype: torch.dtype, affine: bool, rows: int, features: int
) -> None:
    x = (3.0 + 2.0 * normal(rows, features, dtype=torch.float32, seed=1)).double().requires_grad_()
    weight = normal(features, dtype=torch.float32, seed=2).double().requires_grad_()
    bias = normal(features, dtype=torch.float32, seed=3).double().requires_grad_()
    dy = normal(rows, features, dtype=dtype, seed=4)
    y = F.layer_norm(x, (features,), weight if affine else None, bias if affine else None, 1e-5)
    y.backward(dy.double())
    k, real = kernels_of(backend, dtype), wide(dtype)
    own = [t.detach().to(real) if affine else None for t in (weight, bias)]
    out, mean, deviation = (
        torch.empty(rows, features, dtype=dtype),
        *torch.empty(2, rows, dtype=real),
    )
    x_wide = x.detach().to(real)
    k.layer_norm(x_wide, *own, 1e-5, out, mean, deviation)
    assert_near(out, y, dtype)
    dx = torch.ones(rows, features, dtype=real)
    sums = [torch.ones(features, dtype=real) if affine else None for _ in range(2)]
    k.layer_norm_gradient(dy, x_wide, own[0], mean, deviation, dx, *sums)
    assert x.grad is not None
    assert_near(dx, x.grad + 1.0, dtype)
    for total, parameter in zip(sums, (weight, bias), strict=True):
        if total is not None:
            assert parameter.grad is not None
            assert_near(total, parameter.grad + 1.0, dtype)


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("kind", ["gelu", "relu"])
def test_activation_and_its_slope(backend: str, dtype: torch.dtype, kind: str) -> None:
    x = torch.cat([torch.linspace(-12, 12, 4801, dtype=torch.float64), torch.tensor([0.0, -0.0])]).to(dtype)
    leaf = x.double().clone().requires_grad_()
    expected = F.gelu(leaf) if kind == "gelu" else F.relu(leaf)
    expected.sum().backward()
    k, y, again, slope = kernels_of(backend, dtype), torch.empty_like(x), torch.empty_like(x), x.clone()
    k.activation(x, y, kind)
    k.activation_split(slope, again, kind)
    assert_near(y, expected, dtype)
    assert torch.equal(y, again)
    assert leaf.grad is not None
    assert_near(slope, leaf.grad, dtype)


@pytest.mark.parametrize(("dtype", "goal"), [(torch.float32, 2e-2), (torch.float64, 1e-13)])
def test_gelu_keeps_its_first_digits_where_it_nearly_vanishes(dtype: torch.dtype, goal: float) -> None:
    # torch's own float32 form loses all of them: 1 + erf(x / sqrt 2) is 0 from x = -5.6 on.
    x = torch.linspace(-9, -0.5, 500, dtype=dtype)
    y = torch.empty_like(x)
    NativeKernels(dtype).activation(x, y, "gelu")
    exact = x.double() * 0.5 * torch.special.erfc(-x.double() / math.sqrt(2.0))
    assert ((y.double() - exact) / exact).abs().max() < goal


@pytest.mark.parametrize("dtype", DTYPES)
def test_what_is_not_a_number_stays_so(dtype: torch.dtype) -> None:
    k = NativeKernels(dtype)
    x = torch.tensor([math.nan, math.inf, 1.0], dtype=dtype)
    for kind in ("gelu", "relu"):
        y = torch.empty_like(x)
        k.activation(x, y, kind)
        assert y.isnan().tolist() == [True, False, False]
    logits = torch.tensor([[1.0, math.nan, 0.0], [0.0, 1.0, 2.0]], dtype=dtype)
    loss, hits = torch.empty(2, dtype=wide(dtype)), torch.empty(2, dtype=torch.int32)
    k.cross_entropy(logits, torch.tensor([0, 1]), 1.0, 0.0, loss, hits)
    assert loss.isnan().tolist() == [True, False]
    assert logits.isnan().any(dim=1).tolist() == [True, False]


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(("rows", "columns"), [(1, 1), (9, 63), (40, 65), (7, 200)])
def test_chain_rule_and_column_sums(backend: str, dtype: torch.dtype, rows: int, columns: int) -> None:
    k = kernels_of(backend, dtype)
    dy, slope = normal(rows, columns, dtype=dtype, seed=1), normal(rows, columns, dtype=dtype, seed=2)
    expected = dy.double() * slope.double()
    sums = torch.ones(columns, dtype=wide(dtype))
    k.column_sums(dy, sums)
    assert_near(sums, dy.double().sum(0) + 1.0, dtype)
    k.chain_and_sum(dy, slope, sums.zero_())
    assert_near(dy, expected, dtype)
    assert_near(sums, expected.sum(0), dtype)


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(
    ("batch", "time", "heads", "size"),
    [(1, 1, 1, 1), (2, 5, 3, 4), (1, 48, 2, 16), (2, 49, 1, 64), (1, 130, 2, 33), (1, 257, 1, 80)],
)
def test_attention_and_its_gradient(
    backend: str, dtype: torch.dtype, batch: int, time: int, heads: int, size: int
) -> None:
    width = heads * size
    qkv = normal(batch, time, 3 * width, dtype=dtype, seed=1)
    leaf = qkv.double().clone().requires_grad_()
    q, k, v = (part.unflatten(-1, (heads, size)).transpose(1, 2) for part in leaf.chunk(3, dim=-1))
    expected = F.scaled_dot_product_attention(q, k, v, is_causal=True).transpose(1, 2).flatten(2)
    dout = normal(batch, time, width, dtype=dtype, seed=2)
    expected.backward(dout.double())
    out, dqkv = torch.empty(batch, time, width, dtype=dtype), torch.empty_like(qkv)
    log_sums = torch.empty(batch, heads, time, dtype=wide(dtype))
    kernels = kernels_of(backend, dtype)
    kernels.attention(qkv, heads, out, log_sums)
    assert_near(out, expected, dtype)
    kernels.attention_gradient(dout, qkv, heads, out, log_sums, dqkv)
    assert leaf.grad is not None
    assert_near(dqkv, leaf.grad, dtype)


def test_attention_in_bfloat16_is_as_exact_as_torchs() -> None:
    qkv, dout = (
        normal(2, 200, 192, dtype=torch.bfloat16, seed=8),
        normal(2, 200, 64, dtype=torch.bfloat16, seed=9),
    )

    def by_torch(dtype: torch.dtype) -> tuple[torch.Tensor, torch.Tensor]:
        leaf = qkv.to(dtype, copy=True).requires_grad_()
        q, k, v = (part.unflatten(-1, (2, 32)).transpose(1, 2) for part in leaf.chunk(3, dim=-1))
        out = F.scaled_dot_product_attention(q, k, v, is_causal=True).transpose(1, 2).flatten(2)
        out.backward(dout.to(dtype))
        assert leaf.grad is not None
        return out.detach().double(), leaf.grad.double()

    out, dqkv, log_sums = torch.empty_like(dout), torch.empty_like(qkv), torch.empty(2, 2, 200)
    kernels = NativeKernels(torch.bfloat16)
    kernels.attention(qkv, 2, out, log_sums)
    kernels.attention_gradient(dout, qkv, 2, out, log_sums, dqkv)
    for ours, torchs, exact in zip(
        (out, dqkv), by_torch(torch.bfloat16), by_torch(torch.float64), strict=True
    ):
        assert (ours.double() - exact).norm() <= 1.2 * (torchs - exact).norm()


@pytest.mark.parametrize("dtype", DTYPES)
def test_attention_of_the_past_does_not_see_the_future(dtype: torch.dtype) -> None:
    qkv = normal(1, 100, 3 * 32, dtype=dtype, seed=5)
    changed = qkv.clone()
    changed[:, 60:] = 1e4 * normal(1, 40, 3 * 32, dtype=dtype, seed=6)
    outs = []
    for values in (qkv, changed):
        out, log_sums = torch.empty(1, 100, 32, dtype=dtype), torch.empty(1, 2, 100, dtype=wide(dtype))
        NativeKernels(dtype).attention(values, 2, out, log_sums)
        outs.append(out)
    assert torch.equal(outs[0][:, :60], outs[1][:, :60])
    assert not torch.equal(outs[0][:, 60:], outs[1][:, 60:])


@pytest.mark.parametrize(
    ("dtype", "goal"), [(torch.float32, 0.2), (torch.float64, 1e-9), (torch.bfloat16, 2.0)]
)
def test_attention_with_huge_scores_does_not_overflow(dtype: torch.dtype, goal: float) -> None:
    qkv = 100.0 * normal(1, 70, 3 * 16, dtype=dtype, seed=7)
    q, k, v = (part.unsqueeze(1).double() for part in qkv.chunk(3, dim=-1))
    expected = F.scaled_dot_product_attention(q, k, v, is_causal=True).squeeze(1)
    out, log_sums = torch.empty(1, 70, 16, dtype=dtype), torch.empty(1, 1, 70, dtype=wide(dtype))
    NativeKernels(dtype).attention(qkv, 1, out, log_sums)
    assert out.isfinite().all()
    assert (out.double() - expected).abs().max() < goal


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("smoothing", [0.0, 0.1])
@pytest.mark.parametrize(("rows", "vocab_size"), [(1, 1), (6, 5), (17, 300), (2, 50257)])
def test_cross_entropy_and_its_gradient(
    backend: str, dtype: torch.dtype, smoothing: float, rows: int, vocab_size: int
) -> None:
    logits = (4.0 * normal(rows, vocab_size, dtype=torch.float64, seed=1)).to(dtype)
    targets = torch.randint(0, vocab_size, (rows,), generator=torch.Generator().manual_seed(2))
    targets[rows // 2 :: 3] = -100
    leaf = logits.double().clone().requires_grad_()
    losses = F.cross_entropy(leaf, targets, reduction="none", label_smoothing=smoothing)
    (0.25 * losses.sum()).backward()
    expected_hits = (logits.argmax(-1) == targets).int()
    k = kernels_of(backend, dtype)
    for factor in (0.0, 0.25):
        own, loss = logits.clone(), torch.empty(rows, dtype=wide(dtype))
        hits = torch.empty(rows, dtype=torch.int32)
        k.cross_entropy(own, targets, factor, smoothing, loss, hits)
        assert_near(loss, losses, torch.float32 if dtype == torch.bfloat16 else dtype)
        assert torch.equal(hits, expected_hits)
    assert leaf.grad is not None
    assert_near(own, leaf.grad, dtype)


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("dtype", DTYPES)
def test_a_token_that_cannot_come_costs_nothing(backend: str, dtype: torch.dtype) -> None:
    logits = torch.tensor([[1.0, -math.inf, 0.0], [0.5, 1.0, -math.inf]], dtype=dtype)
    targets = torch.tensor([0, 1])
    expected = F.cross_entropy(logits.double(), targets, reduction="none")
    loss, hits = torch.empty(2, dtype=wide(dtype)), torch.empty(2, dtype=torch.int32)
    kernels_of(backend, dtype).cross_entropy(logits, targets, 1.0, 0.0, loss, hits)
    assert_near(loss, expected, torch.float32 if dtype == torch.bfloat16 else dtype)
    assert logits.isfinite().all()
    assert logits[0, 1] == logits[1, 2] == 0.0


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("dtype", DTYPES)
def test_products_of_a_linear_layer(backend: str, dtype: torch.dtype) -> None:
    k, real = kernels_of(backend, dtype), wide(dtype)
    x, weight = normal(37, 24, dtype=dtype, seed=1), normal(50, 24, dtype=dtype, seed=2)
    bias, dy = normal(50, dtype=real, seed=3), normal(37, 50, dtype=dtype, seed=4)
    y = torch.empty(37, 50, dtype=dtype)
    k.linear(x, weight, bias, y)
    assert_near(y, x.double() @ weight.double().T + bias.double(), dtype)
    k.linear(x, weight, None, y)
    assert_near(y, x.double() @ weight.double().T, dtype)
    stream = torch.ones(37, 50, dtype=real)
    k.linear(x, weight, bias, stream, add=True)
    assert_near(stream, 1.0 + x.double() @ weight.double().T + bias.double(), dtype)
    dx, dweight = torch.empty_like(x), torch.full((50, 24), 3.0, dtype=real)
    k.linear_input_gradient(dy, weight, dx)
    assert_near(dx, dy.double() @ weight.double(), dtype)
    k.linear_weight_gradient(dy, x, dweight, add=True)
    assert_near(dweight, 3.0 + dy.double().T @ x.double(), dtype)
    k.linear_weight_gradient(dy, x, dweight, add=False)
    assert_near(dweight, dy.double().T @ x.double(), dtype)
