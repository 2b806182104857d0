"""Each Triton kernel against torch's own operation and against the plain kernels, both in float64."""

import math
from collections.abc import Callable

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st
from mlmodels.custom_transformer.fast.torch_kernels import TorchKernels
from mlmodels.custom_transformer.fast.triton import cross_entropy, layer_norm
from mlmodels.custom_transformer.fast.triton_kernels import TritonKernels
from torch import Tensor

DTYPES = [torch.float64, torch.float32, torch.bfloat16]
GOALS = {torch.float64: 1e-12, torch.float32: 2e-6, torch.bfloat16: 1e-2}
GUARD = 777.0
few = settings(max_examples=6, deadline=None, derandomize=True)


def wide(dtype: torch.dtype) -> torch.dtype:
    return torch.float64 if dtype == torch.float64 else torch.float32


def normal(*shape: int, dtype: torch.dtype, device: torch.device, seed: int = 0) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(shape, generator=generator, dtype=torch.float64).to(dtype).to(device)


def guarded(*shape: int, dtype: torch.dtype, device: torch.device) -> tuple[Tensor, Callable[[], bool]]:
    """A tensor to write into, and whether nothing was written before or behind it."""
    size, guard = math.prod(shape), 64
    memory = torch.full((size + 2 * guard,), GUARD, device=device).to(dtype)
    outside = torch.cat([torch.arange(guard), torch.arange(guard + size, size + 2 * guard)])
    return memory[guard : guard + size].view(shape), lambda: bool(
        (memory.cpu()[outside] == memory.cpu()[0]).all()
    )


def assert_near(found: Tensor, expected: Tensor, dtype: torch.dtype) -> None:
    assert found.shape == expected.shape
    worst = (found.double() - expected.double()).abs().max()
    assert worst <= GOALS[dtype] * (1e-3 + expected.double().abs().max()), f"{worst} for {dtype}"


def check_layer_norm(
    rows: int, features: int, dtype: torch.dtype, affine: bool, device: torch.device
) -> None:
    k, real = TritonKernels(device, dtype), wide(dtype)
    x = (3.0 + 2.0 * normal(rows, features, dtype=real, device=device, seed=1)).requires_grad_()
    parameters = [normal(features, dtype=real, device=device, seed=seed) for seed in (2, 3)]
    own = parameters if affine else [None, None]
    dy = normal(rows, features, dtype=dtype, device=device, seed=4)
    leaves = [x.detach().double().requires_grad_(), *(p.double().requires_grad_() for p in parameters)]
    expected = F.layer_norm(leaves[0], (features,), *(leaves[1:] if affine else []), eps=1e-5)
    expected.backward(dy.double())
    y, y_is_whole = guarded(rows, features, dtype=dtype, device=device)
    mean, deviation = torch.empty(2, rows, dtype=real, device=device)
    k.layer_norm(x.detach(), own[0], own[1], 1e-5, y, mean, deviation)
    assert_near(y, expected, dtype)
    assert_near(mean, leaves[0].mean(dim=-1), real)
    dx, dx_is_whole = guarded(rows, features, dtype=real, device=device)
    dx.fill_(1.0)
    sums = [torch.ones(features, dtype=real, device=device) if affine else None for _ in range(2)]
    k.layer_norm_gradient(dy, x.detach(), own[0], mean, deviation, dx, *sums)
    for found, leaf in zip([dx, *sums], leaves, strict=True):
        if found is not None:
            assert leaf.grad is not None
            assert_near(found, leaf.grad + 1.0, dtype)
    assert y_is_whole()
    assert dx_is_whole()


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("affine", [True, False])
@pytest.mark.parametrize(("rows", "features"), [(1, 3), (33, 256), (3, 1000), (2, 1024)])
def test_layer_norm_and_its_gradient(
    dtype: torch.dtype, affine: bool, rows: int, features: int, triton_device: torch.device
) -> None:
    check_layer_norm(rows, features, dtype, affine, triton_device)


@few
@given(rows=st.integers(1, 70), features=st.integers(2, 70))
def test_layer_norm_of_any_shape(rows: int, features: int, triton_device: torch.device) -> None:
    check_layer_norm(rows, features, torch.float64, True, triton_device)


def test_a_part_of_a_layer_norms_sums_may_be_many_tiles(
    triton_device: torch.device, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(layer_norm, "MAX_PARTS", 3)
    check_layer_norm(39, 500, torch.float64, True, triton_device)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("kind", ["gelu", "relu"])
def test_activation_and_its_slope(dtype: torch.dtype, kind: str, triton_device: torch.device) -> None:
    k = TritonKernels(triton_device, dtype)
    line = torch.cat([torch.linspace(-12, 12, 4801, dtype=torch.float64), torch.tensor([0.0, -0.0])])
    x = line.to(dtype).to(triton_device)
    leaf = x.double().clone().requires_grad_()
    expected = F.gelu(leaf) if kind == "gelu" else F.relu(leaf)
    expected.sum().backward()
    (y, is_whole), again, slope = guarded(4803, dtype=dtype, device=triton_device), x.clone(), x.clone()
    k.activation(x, y, kind)
    k.activation_split(slope, again, kind)
    assert_near(y, expected, dtype)
    assert torch.equal(y, again)
    assert is_whole()
    assert leaf.grad is not None
    assert_near(slope, leaf.grad, dtype)


@pytest.mark.parametrize("kind", ["gelu", "relu"])
def test_an_activation_of_what_is_not_a_number_is_not_one(kind: str, triton_device: torch.device) -> None:
    x = torch.tensor([math.nan, math.inf, 1.0], device=triton_device)
    y = torch.empty_like(x)
    TritonKernels(triton_device, torch.float32).activation(x, y, kind)
    assert y.isnan().tolist() == [True, False, False]


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(("rows", "columns"), [(1, 1), (129, 3), (300, 131), (128, 128)])
def test_column_sums_with_and_without_a_slope(
    dtype: torch.dtype, rows: int, columns: int, triton_device: torch.device
) -> None:
    k = TritonKernels(triton_device, dtype)
    dy = normal(rows, columns, dtype=dtype, device=triton_device, seed=1)
    slope = normal(rows, columns, dtype=dtype, device=triton_device, seed=2)
    sums, product = torch.ones(columns, dtype=wide(dtype), device=triton_device), dy.clone()
    k.column_sums(dy, sums)
    assert_near(sums, 1.0 + dy.double().sum(dim=0), wide(dtype))
    k.chain_and_sum(product, slope, sums.fill_(2.0))
    # A GPU rounds to the nearest bfloat16, the interpreter of Triton 3.9 cuts digits off: one unit in the last place.
    exact, ulp = dy.double() * slope.double(), 0.0 if dtype == torch.float64 else torch.finfo(dtype).eps
    assert ((product.double() - exact).abs() <= ulp * exact.abs()).all()
    assert_near(sums, 2.0 + product.double().sum(dim=0), wide(dtype))


def check_cross_entropy(
    rows: int, vocab_size: int, dtype: torch.dtype, smoothing: float, device: torch.device
) -> None:
    logits, is_whole = guarded(rows, vocab_size, dtype=dtype, device=device)
    logits.copy_(3.0 * normal(rows, vocab_size, dtype=dtype, device=device, seed=vocab_size))
    targets = torch.randint(0, vocab_size, (rows,), generator=torch.Generator().manual_seed(rows)).to(device)
    targets[1::3] = -100
    leaf = logits.double().clone().requires_grad_()
    expected = F.cross_entropy(leaf, targets, reduction="none", label_smoothing=smoothing)
    (0.7 * expected.sum()).backward()
    assert leaf.grad is not None
    loss = torch.empty(rows, dtype=wide(dtype), device=device)
    hits = torch.empty(rows, dtype=torch.int32, device=device)
    k, only_loss = TritonKernels(device, dtype), logits.clone()
    k.cross_entropy(only_loss, targets, 0.0, smoothing, loss, hits)
    assert_near(loss, expected, wide(dtype))
    factor = torch.tensor(0.7, dtype=wide(dtype), device=device)
    by_tensor, again = logits.clone(), torch.empty_like(loss)
    k.cross_entropy(logits, targets, 0.7, smoothing, loss, hits)
    k.cross_entropy(by_tensor, targets, factor, smoothing, again, hits)
    assert_near(loss, expected, wide(dtype))
    assert torch.equal(loss, again)
    assert_near(logits, leaf.grad, dtype)
    assert torch.equal(logits, by_tensor)
    assert hits.tolist() == (leaf.argmax(dim=-1) == targets).int().tolist()
    assert is_whole()


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("smoothing", [0.0, 0.1])
@pytest.mark.parametrize(("rows", "vocab_size"), [(1, 2), (5, 61), (2, 4097)])
def test_cross_entropy_and_its_gradient(
    dtype: torch.dtype, smoothing: float, rows: int, vocab_size: int, triton_device: torch.device
) -> None:
    check_cross_entropy(rows, vocab_size, dtype, smoothing, triton_device)


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_cross_entropy_of_gpt_2s_vocabulary(dtype: torch.dtype, triton_device: torch.device) -> None:
    check_cross_entropy(2, 50257, dtype, 0.1, triton_device)


@few
@given(rows=st.integers(1, 7), vocab_size=st.integers(1, 90), smoothing=st.sampled_from([0.0, 0.3]))
def test_cross_entropy_of_any_shape(
    rows: int, vocab_size: int, smoothing: float, triton_device: torch.device
) -> None:
    check_cross_entropy(rows, vocab_size, torch.float64, smoothing, triton_device)


@pytest.mark.parametrize("smoothing", [0.0, 0.1])
@pytest.mark.parametrize(
    "row",
    [
        [1.0, math.nan, 0.0, 2.0],
        [math.nan] * 4,
        [math.inf, 0.0, 1.0, 2.0],
        [-math.inf] * 4,
        [-math.inf, -math.inf, 1.0, 2.0],
        [1e4, 1e4 + 1.0, 1e4 + 2.0, 1e4 - 1.0],
        [5.0, 5.0, 5.0, 5.0],
    ],
    ids=["NaN", "all NaN", "inf", "all -inf", "-inf first", "offset", "even"],
)
def test_unusual_logits_have_the_loss_and_gradient_of_torch(
    row: list[float], smoothing: float, triton_device: torch.device, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cross_entropy, "MAX_COLUMNS", 2)  # two blocks
    logits = torch.tensor([row, [0.0, 1.0, 2.0, 3.0]], dtype=torch.float64, device=triton_device)
    targets = torch.tensor([2, 3], device=triton_device)
    leaf = logits.clone().requires_grad_()
    expected = F.cross_entropy(leaf, targets, reduction="none", label_smoothing=smoothing)
    expected.sum().backward()
    loss, hits = torch.empty_like(logits[:, 0]), torch.empty(2, dtype=torch.int32, device=triton_device)
    TritonKernels(triton_device, torch.float64).cross_entropy(logits, targets, 1.0, smoothing, loss, hits)
    torch.testing.assert_close(loss, expected.detach(), equal_nan=True, rtol=1e-11, atol=1e-11)
    torch.testing.assert_close(logits, leaf.grad, equal_nan=True, rtol=1e-11, atol=1e-11)
    assert hits[1] == 1


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("add", [True, False])
@pytest.mark.parametrize("has_bias", [True, False])
@pytest.mark.parametrize("out_is_wide", [True, False])
def test_products(
    dtype: torch.dtype, add: bool, has_bias: bool, out_is_wide: bool, triton_device: torch.device
) -> None:
    k, device = TritonKernels(triton_device, dtype), triton_device
    x, weight, dy = (
        normal(*shape, dtype=dtype, device=device, seed=i) for i, shape in enumerate([(5, 7), (3, 7), (5, 3)])
    )
    bias = normal(3, dtype=wide(dtype), device=device, seed=4) if has_bias else None
    out = torch.ones(5, 3, dtype=wide(dtype) if out_is_wide else dtype, device=device)
    k.linear(x, weight, bias, out, add=add)
    expected = x.double() @ weight.double().T + (0.0 if bias is None else bias.double())
    assert_near(out, expected + float(add), dtype)
    dx, dweight = torch.empty_like(x), torch.ones(3, 7, dtype=wide(dtype), device=device)
    k.linear_input_gradient(dy, weight, dx)
    assert_near(dx, dy.double() @ weight.double(), dtype)
    k.linear_weight_gradient(dy, x, dweight, add=add)
    assert_near(dweight, dy.double().T @ x.double() + float(add), dtype)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(("time", "heads", "size"), [(1, 1, 8), (33, 3, 16), (40, 2, 5)])
def test_attention_and_its_gradient(
    dtype: torch.dtype, time: int, heads: int, size: int, triton_device: torch.device
) -> None:
    width = heads * size
    qkv = normal(2, time, 3 * width, dtype=dtype, device=triton_device, seed=1)
    dout = normal(2, time, width, dtype=dtype, device=triton_device, seed=2)
    results = []
    for k, kind in ((TorchKernels(), torch.float64), (TritonKernels(triton_device, dtype), dtype)):
        out, dqkv = torch.empty_like(dout, dtype=kind), torch.empty_like(qkv, dtype=kind)
        log_sums = torch.empty(2, heads, time, dtype=wide(kind), device=triton_device)
        k.attention(qkv.to(kind), heads, out, log_sums)
        k.attention_gradient(dout.to(kind), qkv.to(kind), heads, out, log_sums, dqkv)
        results.append((out, dqkv))
    for found, expected in zip(results[1], results[0], strict=True):
        worst = (found.double() - expected).abs().max()
        # A GPU multiplies float32 in three parts of a tensor core's.
        goal = 2e-5 if dtype == torch.float32 else GOALS[dtype]
        assert worst <= goal * expected.abs().max(), f"{worst} for {dtype}"
