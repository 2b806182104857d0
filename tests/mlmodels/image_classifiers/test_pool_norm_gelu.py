"""Our pooling and BatchNorm with GELU against torch's own layers, values, gradients and running statistics."""

import copy
import json
import os
import subprocess
import sys

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st
from mlmodels.image_classifiers import pool_norm_gelu
from mlmodels.image_classifiers.photograph_configs import SpeedNetConfig
from mlmodels.image_classifiers.pool_norm_gelu import max_pool, norm_gelu, shift_gelu
from mlmodels.image_classifiers.speed_net import SpeedNet
from torch import Tensor, nn

compiled = pytest.mark.skipif(not pool_norm_gelu._is_compiled(), reason="no C++ compiler")
TOLERANCE = {torch.float64: 1e-12, torch.float32: 2e-5}


def images(*shape: int, dtype: torch.dtype, seed: int = 1) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    values = torch.randn(shape, generator=generator, dtype=torch.float64).to(dtype)
    return values.contiguous(memory_format=torch.channels_last)


def shifted_norm(channels: int, dtype: torch.dtype = torch.float32) -> nn.BatchNorm2d:
    norm = nn.BatchNorm2d(channels, momentum=0.4, dtype=dtype)
    norm.weight = None
    torch.nn.init.normal_(norm.bias, generator=torch.Generator().manual_seed(7))
    return norm


def backward(y: Tensor, *inputs: Tensor) -> tuple[Tensor, ...]:
    return torch.autograd.grad(y, inputs, images(*y.shape, dtype=y.dtype, seed=2))


@compiled
@settings(max_examples=60, deadline=None)
@given(
    batch=st.integers(1, 5),
    channels=st.sampled_from([1, 3, 16, 24, 70]),
    height=st.integers(2, 9),
    width=st.integers(2, 9),
    dtype=st.sampled_from([torch.float32, torch.float64, torch.bfloat16]),
)
def test_pooling_is_torchs_to_the_bit(
    batch: int, channels: int, height: int, width: int, dtype: torch.dtype
) -> None:
    x = images(batch, channels, height, width, dtype=dtype).mul(2).round().requires_grad_()  # with equals
    expected, y = F.max_pool2d(x, 2), max_pool(x)
    assert type(y.grad_fn).__name__ == "_MaxPoolBackward"
    assert torch.equal(y, expected)
    assert torch.equal(*backward(y, x), *backward(expected, x))


@compiled
def test_a_nan_is_the_largest_value_as_it_is_for_torch() -> None:
    x = images(1, 4, 4, 4, dtype=torch.float32)
    for channel, (row, column) in enumerate([(0, 0), (0, 1), (1, 0), (1, 1)]):
        x[0, channel, row, column] = torch.nan
    x.requires_grad_()
    assert torch.equal(max_pool(x).isnan(), F.max_pool2d(x, 2).isnan())
    assert torch.equal(*backward(max_pool(x), x), *backward(F.max_pool2d(x, 2), x))


@compiled
@settings(max_examples=60, deadline=None)
@given(
    batch=st.integers(2, 40),
    channels=st.sampled_from([1, 3, 16, 24, 70]),
    height=st.integers(1, 8),
    dtype=st.sampled_from([torch.float32, torch.float64]),
    offset=st.sampled_from([0.0, 30.0]),
)
def test_norm_and_gelu_are_torchs(
    batch: int, channels: int, height: int, dtype: torch.dtype, offset: float
) -> None:
    x = (images(batch, channels, height, height + 1, dtype=dtype) + offset).requires_grad_()
    norm = shifted_norm(channels, dtype)
    exact = copy.deepcopy(norm).double()
    x_exact = x.detach().double().requires_grad_()
    expected, y = F.gelu(exact(x_exact)), norm_gelu(x, norm)
    assert type(y.grad_fn).__name__ == "_NormGeluBackward"
    near = {"rtol": 0.0, "atol": TOLERANCE[dtype] * (1 + offset)}
    assert torch.allclose(y.double(), expected, **near)
    for ours, theirs in zip(backward(y, x, norm.bias), backward(expected, x_exact, exact.bias), strict=True):
        assert torch.allclose(
            ours.double(), theirs, rtol=0, atol=near["atol"] * float(theirs.abs().max() + 1)
        )
    for name, theirs in exact.state_dict().items():
        assert torch.allclose(norm.state_dict()[name].double(), theirs.double(), rtol=1e-5, atol=1e-6), name


@compiled
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.bfloat16])
def test_gelu_of_a_shifted_input_is_torchs(dtype: torch.dtype) -> None:
    x = images(9, 24, 7, 5, dtype=dtype)
    shift = torch.linspace(-2, 2, 24, dtype=torch.float64 if dtype == torch.float64 else torch.float32)
    shift.requires_grad_()
    y, expected = shift_gelu(x, shift), F.gelu(x.double() + shift.double().view(-1, 1, 1))
    assert type(y.grad_fn).__name__ == "_ShiftGeluBackward"
    assert y.dtype == dtype
    near = TOLERANCE.get(dtype, 2**-8)
    assert torch.allclose(y.double(), expected, rtol=near, atol=min(near, 1e-6))
    dy = images(*y.shape, dtype=dtype, seed=2)
    (ours,), (theirs,) = torch.autograd.grad(y, shift, dy), torch.autograd.grad(expected, shift, dy.double())
    assert torch.allclose(ours, theirs, rtol=1e-5, atol=1e-4)


def test_an_input_that_wants_a_gradient_gets_it() -> None:
    x = images(3, 4, 5, 5, dtype=torch.float64).requires_grad_()
    shift = torch.zeros(4, dtype=torch.float64, requires_grad=True)
    found = torch.autograd.grad(shift_gelu(x, shift).sum(), (x, shift))
    expected = torch.autograd.grad(F.gelu(x + shift.view(-1, 1, 1)).sum(), (x, shift))
    assert all(torch.equal(a, b) for a, b in zip(found, expected, strict=True))


@compiled
def test_in_bfloat16_only_what_is_stored_is_rounded() -> None:
    x = images(20, 24, 7, 7, dtype=torch.bfloat16).requires_grad_()
    norm = shifted_norm(24)
    exact = copy.deepcopy(norm).double()
    x_exact = x.detach().double().requires_grad_()
    expected, y = F.gelu(exact(x_exact)), norm_gelu(x, norm)
    assert y.dtype == torch.bfloat16
    assert torch.allclose(
        y.double(), expected, rtol=2**-8, atol=1e-6
    )  # half a unit in the last of eight places
    dy = images(*y.shape, dtype=torch.bfloat16, seed=2)
    dx, dshift = torch.autograd.grad(y, (x, norm.bias), dy)
    dx_exact, dshift_exact = torch.autograd.grad(expected, (x_exact, exact.bias), dy.double())
    assert torch.allclose(dx.double(), dx_exact, rtol=0, atol=2**-7 * float(dx_exact.abs().max()))  # twice
    assert torch.allclose(dshift.double(), dshift_exact, rtol=1e-4, atol=1e-3)


@compiled
def test_gradients_pass_the_numerical_check() -> None:
    norm = shifted_norm(3, torch.float64)
    x = images(3, 3, 5, 6, dtype=torch.float64).requires_grad_()

    def both(x: Tensor, shift: Tensor) -> Tensor:
        norm.bias.data = shift.data
        norm._parameters["bias"] = shift  # type: ignore[assignment]
        return norm_gelu(max_pool(x), norm)

    assert torch.autograd.gradcheck(both, (x, norm.bias.detach().clone().requires_grad_()))


@compiled
def test_the_bits_do_not_depend_on_the_number_of_threads() -> None:
    x = images(33, 24, 15, 15, dtype=torch.bfloat16).requires_grad_()
    norm, found = shifted_norm(24), []
    before = torch.get_num_threads()
    try:
        for threads in (1, 2, 5):
            torch.set_num_threads(threads)
            y = norm_gelu(max_pool(x), copy.deepcopy(norm))
            found.append((y, *backward(y, x)))
    finally:
        torch.set_num_threads(before)
    assert all(torch.equal(a, b) for other in found[1:] for a, b in zip(found[0], other, strict=True))


@pytest.mark.parametrize(
    "change",
    [
        lambda x, norm: (x.contiguous(), norm),
        lambda x, norm: (x, norm.eval()),
        lambda x, norm: (x, nn.BatchNorm2d(24)),
        lambda x, norm: (x, nn.BatchNorm2d(24, momentum=None, affine=False)),
    ],
    ids=["planes", "evaluation", "with a scale", "without a shift"],
)
def test_what_the_kernels_do_not_know_is_left_to_torch(change) -> None:  # type: ignore[no-untyped-def]
    x, norm = change(images(8, 24, 5, 5, dtype=torch.float32), shifted_norm(24))
    other = copy.deepcopy(norm)
    x.requires_grad_()
    y, expected = norm_gelu(x, norm), F.gelu(other(x))
    assert torch.equal(y, expected)
    assert torch.equal(*backward(y, x), *backward(expected, x))


def test_one_value_a_channel_is_refused_as_torch_does() -> None:
    with pytest.raises(ValueError, match="more than 1 value per channel"):
        norm_gelu(images(1, 3, 1, 1, dtype=torch.float32), shifted_norm(3))


NETWORK = """
import torch, warnings
from mlmodels.image_classifiers import pool_norm_gelu
from mlmodels.image_classifiers.photograph_configs import SpeedNetConfig
from mlmodels.image_classifiers.speed_net import SpeedNet
torch.manual_seed(0)
model = SpeedNet(SpeedNetConfig(widths=[8, 16])).double()
x = torch.rand(6, 3, 32, 32, dtype=torch.float64).contiguous(memory_format=torch.channels_last)
model = model.to(memory_format=torch.channels_last)
model(x).square().sum().backward()
print(pool_norm_gelu._is_compiled())
print([float(p.grad.norm()) for p in model.parameters()])
"""


@compiled
def test_without_a_compiler_the_network_trains_alike_and_says_so_once() -> None:
    results = {}
    for switch in ("on", "off"):
        result = subprocess.run(
            [sys.executable, "-c", NETWORK],
            env={**os.environ, "MLMODELS_NATIVE": switch},
            capture_output=True,
            text=True,
            check=True,
        )
        is_compiled, norms = result.stdout.splitlines()
        assert is_compiled == str(switch == "on")
        assert result.stderr.count("no kernels for pooling and BatchNorm") == (switch == "off")
        results[switch] = json.loads(norms)
    assert results["on"] == pytest.approx(results["off"], rel=1e-9)


@compiled
def test_the_network_uses_them_in_training() -> None:
    model = SpeedNet(SpeedNetConfig(widths=(8, 16))).to(memory_format=torch.channels_last)
    seen = set()
    x = model.blocks[0](images(4, 24, 31, 31, dtype=torch.float32))
    node = x.grad_fn
    while node is not None:
        seen.add(type(node).__name__)
        node = node.next_functions[0][0] if node.next_functions else None
    assert {"_NormGeluBackward", "_MaxPoolBackward"} <= seen
