"""The hand-written optimizers equal torch's, step by step."""

import copy
import io
from collections.abc import Callable
from typing import Any

import pytest
import torch
from mlmodels.custom_transformer import optimizers
from mlmodels.custom_transformer.config import CustomTransformerConfig
from mlmodels.custom_transformer.model import CustomTransformer
from torch import nn

PAIRS = [
    (optimizers.SGD, torch.optim.SGD, {"lr": 0.03}),
    (optimizers.SGD, torch.optim.SGD, {"lr": 0.03, "weight_decay": 0.1}),
    (optimizers.SGD, torch.optim.SGD, {"lr": 0.03, "momentum": 0.9}),
    (optimizers.SGD, torch.optim.SGD, {"lr": 0.03, "momentum": 0.9, "nesterov": True, "weight_decay": 0.01}),
    (optimizers.AdamW, torch.optim.AdamW, {"lr": 0.01}),
    (
        optimizers.AdamW,
        torch.optim.AdamW,
        {"lr": 0.01, "betas": (0.8, 0.95), "eps": 1e-6, "weight_decay": 0.2},
    ),
]


def parameters() -> list[nn.Parameter]:
    generator = torch.Generator().manual_seed(1)
    shapes = [(3, 4), (5,), ()]
    return [nn.Parameter(torch.randn(s, generator=generator, dtype=torch.float64)) for s in shapes]


def set_gradients(tensors: list[nn.Parameter], step: int) -> None:
    generator = torch.Generator().manual_seed(step)
    for tensor in tensors:
        tensor.grad = torch.randn(tensor.shape, generator=generator, dtype=torch.float64) + tensor.detach()


@pytest.mark.parametrize(("ours", "torchs", "options"), PAIRS)
def test_two_hundred_steps_equal_torchs_to_1e_12(
    ours: Callable[..., Any], torchs: Callable[..., Any], options: dict[str, Any]
) -> None:
    mine, theirs = parameters(), parameters()
    one, two = ours(mine, **options), torchs(theirs, **options)
    for step in range(200):
        for optimizer in (one, two):  # a schedule changes the rate from outside
            optimizer.param_groups[0]["lr"] = options["lr"] / (1 + step / 50)
        set_gradients(mine, step)
        set_gradients(theirs, step)
        one.step()
        two.step()
        for a, b in zip(mine, theirs, strict=True):
            torch.testing.assert_close(a, b, rtol=0, atol=1e-12)
    assert not torch.equal(mine[0], parameters()[0])


@pytest.mark.parametrize(("ours", "torchs", "options"), PAIRS)
def test_a_saved_state_continues_bit_for_bit(
    ours: Callable[..., Any], torchs: Callable[..., Any], options: dict[str, Any]
) -> None:
    straight = parameters()
    optimizer = ours(straight, **options)
    for step in range(5):
        set_gradients(straight, step)
        optimizer.step()
    file = io.BytesIO()
    torch.save(optimizer.state_dict(), file)
    file.seek(0)
    resumed = copy.deepcopy(straight)
    continued = ours(resumed, lr=99.0)
    continued.load_state_dict(torch.load(file, weights_only=True))
    for step in range(5, 10):
        for tensors, either in ((straight, optimizer), (resumed, continued)):
            set_gradients(tensors, step)
            either.step()
    assert all(torch.equal(a, b) for a, b in zip(straight, resumed, strict=True))


def test_a_parameter_without_a_gradient_stays_as_it_is() -> None:
    for make in (optimizers.SGD, optimizers.AdamW):
        tensors = parameters()
        before = tensors[0].detach().clone()
        optimizer = make(tensors, lr=0.1, weight_decay=0.5)
        optimizer.step()
        assert torch.equal(tensors[0], before)


def test_the_closure_is_called_and_its_result_returned() -> None:
    assert optimizers.SGD(parameters()).step(lambda: 1.5) == 1.5
    assert optimizers.AdamW(parameters()).step(lambda: 2.5) == 2.5


@pytest.mark.parametrize(
    "options",
    [{"lr": -1.0}, {"lr": float("nan")}, {"weight_decay": -0.1}, {"betas": (1.0, 0.9)}, {"eps": -1.0}],
)
def test_impossible_options_are_refused(options: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="must"):
        optimizers.AdamW(parameters(), **options)


def test_nesterov_without_momentum_is_refused() -> None:
    with pytest.raises(ValueError, match="nesterov"):
        optimizers.SGD(parameters(), nesterov=True)


@pytest.mark.parametrize("tied", [False, True])
def test_groups_decay_matrices_of_products_only_and_hold_every_parameter_once(tied: bool) -> None:
    model = CustomTransformer(CustomTransformerConfig(d_model=8, n_blocks=2, tie_weights=tied))
    decayed, plain = optimizers.parameter_groups(model, weight_decay=0.1)
    names = {id(parameter): name for name, parameter in model.named_parameters()}
    assert (decayed["weight_decay"], plain["weight_decay"]) == (0.1, 0.0)
    assert sorted(names[id(p)] for p in decayed["params"] + plain["params"]) == sorted(names.values())
    expected = {f"blocks.{i}.{layer}.weight" for i in (0, 1) for layer in ("qkv", "project", "up", "down")}
    assert {names[id(p)] for p in decayed["params"]} == expected | (set() if tied else {"head.weight"})
    optimizers.AdamW([decayed, plain], lr=0.1).step()
