"""The whole transformer through the Triton kernels: gradients by name, and equal bits."""

from typing import Any

import pytest
import torch
from mlmodels.custom_transformer.config import CustomTransformerConfig
from mlmodels.custom_transformer.fast import path
from mlmodels.custom_transformer.fast.path import FastPath
from mlmodels.custom_transformer.fast.triton_kernels import TritonKernels
from mlmodels.custom_transformer.model import CustomTransformer
from mlmodels.custom_transformer.twin import AutogradTransformer
from torch import Tensor

SMALL = CustomTransformerConfig(
    vocab_size=37, d_model=24, n_blocks=2, n_heads=3, d_ffn=20, max_seq_len=19, dtype="float64"
)
GOALS = {"float64": 1e-11, "float32": 1e-5}
VARIANTS: list[dict[str, Any]] = [
    {"dtype": "float64", "activation": "relu", "elementwise_affine": False},
    {"dtype": "float64", "tie_weights": True, "head_bias": False, "recompute_activations": True},
    {"dtype": "float32"},
]


def made(config: CustomTransformerConfig, device: torch.device) -> tuple[CustomTransformer, FastPath]:
    """A model whose every term matters: weights far from their usual start."""
    model, generator = CustomTransformer(config), torch.Generator().manual_seed(0)
    for name, parameter in model.named_parameters():
        noise = torch.randn(parameter.shape, generator=generator, dtype=torch.float64).to(parameter.dtype)
        centre = 1.0 if "norm" in name and name.endswith("weight") else 0.0
        parameter.copy_(centre + 0.3 * noise)
    model.to(device)
    return model, FastPath(model, TritonKernels(device, model.dtype))


def batch(
    config: CustomTransformerConfig, rows: int, time: int, device: torch.device
) -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(1)
    tokens, targets = torch.randint(0, config.vocab_size, (2, rows, time), generator=generator)
    targets[torch.rand(targets.shape, generator=generator) < 0.2] = -100
    targets[0, 0] = 3
    return tokens.to(device), targets.to(device)


def twin_gradients(
    model: CustomTransformer, dtype: str, data: tuple[Tensor, Tensor], smoothing: float
) -> dict[str, Tensor]:
    wide = torch.float64 if dtype == "float64" else torch.float32
    twin = AutogradTransformer(model.config.model_copy(update={"dtype": dtype})).to(data[0].device)
    twin.load_state_dict({name: tensor.to(wide) for name, tensor in model.state_dict().items()})
    with torch.enable_grad():
        twin.loss(*data, smoothing).backward()
    return {name: p.grad for name, p in twin.named_parameters() if p.grad is not None}


def error(found: Tensor, expected: Tensor) -> float:
    return float((found.double() - expected.double()).abs().max() / (1e-12 + expected.double().abs().max()))


@pytest.fixture
def short_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(path, "CHUNK_ROWS", 16)


@pytest.mark.parametrize("variant", VARIANTS, ids=str)
def test_every_gradient_equals_autograds(
    variant: dict[str, Any], triton_device: torch.device, short_chunks: None
) -> None:
    model, fast = made(SMALL.model_copy(update=variant), triton_device)
    dtype, data = model.config.dtype, batch(model.config, 2, 11, triton_device)
    loss, num_counted = fast.loss_and_gradient(*data, 1.0, 0.1)
    assert num_counted == int((data[1] != -100).sum())
    expected = twin_gradients(model, dtype, data, 0.1)
    for name, parameter in model.named_parameters():
        assert parameter.grad is not None, name
        assert error(parameter.grad, expected[name]) < GOALS[dtype], name
    smoothed = AutogradTransformer(model.config).to(triton_device)
    smoothed.load_state_dict(model.state_dict())
    assert error(loss, smoothed.loss(*data, 0.1).detach()) < GOALS[dtype]
    plain, again, share = fast.loss(*data)
    assert error(plain, smoothed.loss(*data, 0.0).detach()) < GOALS[dtype]
    assert again == num_counted
    hits = (smoothed(data[0]).argmax(-1) == data[1]).sum()
    assert float(share) == pytest.approx(float(hits) / num_counted)


def test_bfloat16_errs_no_more_than_autograds_bfloat16(
    triton_device: torch.device, short_chunks: None
) -> None:
    model, fast = made(SMALL.model_copy(update={"dtype": "bfloat16"}), triton_device)
    data = batch(model.config, 2, 11, triton_device)
    fast.loss_and_gradient(*data, 1.0, 0.0)
    exact = twin_gradients(model, "float64", data, 0.0)
    by_autograd = twin_gradients(model, "bfloat16", data, 0.0)
    # Twice, and twice again in the interpreter of Triton 3.9: it cuts digits off where a GPU rounds.
    allowed = 2.0 if triton_device.type == "cuda" else 4.0
    for name, parameter in model.named_parameters():
        assert parameter.grad is not None, name
        found, goal = error(parameter.grad, exact[name]), error(by_autograd[name], exact[name])
        assert found <= allowed * goal + 1e-3, f"{name}: {found}, by autograd {goal}"


def test_every_run_has_the_same_bits(triton_device: torch.device, short_chunks: None) -> None:
    runs = []
    for _ in range(2):
        model, fast = made(SMALL.model_copy(update={"dtype": "float32", "n_blocks": 1}), triton_device)
        loss, _ = fast.loss_and_gradient(*batch(model.config, 3, 6, triton_device), 1.0, 0.1)
        runs.append([loss, *(p.grad for p in model.parameters())])
    assert all(torch.equal(a, b) for a, b in zip(*runs, strict=True))
