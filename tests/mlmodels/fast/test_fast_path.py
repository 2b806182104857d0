"""The whole transformer on the fast path: gradients by name, loss series, buffers, and when it is used."""

import copy
import itertools
import warnings
from typing import Any

import pytest
import torch
from mlmodels.custom_transformer.config import CustomTransformerConfig
from mlmodels.custom_transformer.fast.kernels import Kernels
from mlmodels.custom_transformer.fast.native_kernels import NativeKernels
from mlmodels.custom_transformer.fast.path import FastPath
from mlmodels.custom_transformer.fast.torch_kernels import TorchKernels
from mlmodels.custom_transformer.model import CustomTransformer
from mlmodels.custom_transformer.twin import AutogradTransformer
from torch import Tensor

SMALL = CustomTransformerConfig(
    vocab_size=61,
    d_model=24,
    n_blocks=2,
    n_heads=3,
    d_ffn=40,
    max_seq_len=110,
    dtype="float64",
    kernels="fast",
)
GOALS = {"float64": 1e-11, "float32": 1e-5}
VARIANTS: list[dict[str, Any]] = [
    {},
    {"tie_weights": True, "head_bias": False},
    {"activation": "relu"},
    {"elementwise_affine": False},
    {"recompute_activations": True, "tie_weights": True},
]


def made(config: CustomTransformerConfig, seed: int = 0) -> CustomTransformer:
    """A model whose every term matters: weights far from their usual start."""
    model, generator = CustomTransformer(config), torch.Generator().manual_seed(seed)
    for name, parameter in model.named_parameters():
        noise = torch.randn(parameter.shape, generator=generator, dtype=torch.float64).to(parameter.dtype)
        centre = 1.0 if "norm" in name and name.endswith("weight") else 0.0
        parameter.copy_(centre + 0.3 * noise)
    return model


def batch(config: CustomTransformerConfig, rows: int, time: int, seed: int = 1) -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(seed)
    tokens, targets = torch.randint(0, config.vocab_size, (2, rows, time), generator=generator)
    targets[torch.rand(targets.shape, generator=generator) < 0.2] = -100
    targets[0, 0] = 3
    return tokens, targets


def twin_gradients(
    model: CustomTransformer, *, smoothing: float, data: tuple[Tensor, Tensor]
) -> dict[str, Tensor]:
    twin = AutogradTransformer(model.config)
    twin.load_state_dict(model.state_dict())
    with torch.enable_grad():
        twin.loss(*data, smoothing).backward()
    return {name: p.grad for name, p in twin.named_parameters() if p.grad is not None}


def worst(found: Tensor, expected: Tensor) -> float:
    return float((found.double() - expected.double()).abs().max() / (1e-12 + expected.double().abs().max()))


@pytest.mark.parametrize("variant", VARIANTS, ids=str)
@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize(("rows", "time"), [(1, 1), (3, 47), (2, 110)])
def test_every_gradient_equals_autograds(dtype: str, variant: dict[str, Any], rows: int, time: int) -> None:
    config = SMALL.model_copy(update={"dtype": dtype, **variant})
    model, data = made(config), batch(config, rows, time)
    _, num_counted = model.loss_and_gradient(*data, label_smoothing=0.1)
    expected = twin_gradients(model, smoothing=0.1, data=data)
    assert num_counted == int((data[1] != -100).sum())
    assert {name for name, p in model.named_parameters() if p.grad is not None} == set(expected)
    for name, parameter in model.named_parameters():
        assert parameter.grad is not None
        assert worst(parameter.grad, expected[name]) <= GOALS[dtype], name


@pytest.mark.parametrize("kernels", ["native", "torch"])
def test_in_bfloat16_no_gradient_is_worse_than_twice_autograds_own(kernels: str) -> None:
    worst_of_us: dict[str, float] = {}
    worst_of_autograd: dict[str, float] = {}
    for seed in range(12):
        config = SMALL.model_copy(update={"dtype": "bfloat16"})
        model, data = made(config, seed), batch(config, 4, 60, seed)
        exact = made(SMALL.model_copy(update={"kernels": "reference"}), seed)
        exact.load_state_dict(model.state_dict())
        exact.loss_and_gradient(*data)
        own: Kernels = NativeKernels(torch.bfloat16) if kernels == "native" else TorchKernels()
        FastPath(model, own).loss_and_gradient(*data, 1.0, 0.0)
        autograd = twin_gradients(model, smoothing=0.0, data=data)
        for (name, ours), reference in zip(model.named_parameters(), exact.parameters(), strict=True):
            assert ours.grad is not None
            assert reference.grad is not None
            worst_of_us[name] = max(worst_of_us.get(name, 0.0), worst(ours.grad, reference.grad))
            error = worst(autograd[name], reference.grad)
            worst_of_autograd[name] = max(worst_of_autograd.get(name, 0.0), error)
    for name, error in worst_of_us.items():
        assert error <= max(2.0 * worst_of_autograd[name], 2.0**-7), name


def test_the_loss_series_in_float64_follows_the_reference_for_500_steps() -> None:
    series = []
    for kernels in ("reference", "fast"):
        model = made(SMALL.model_copy(update={"kernels": kernels, "vocab_size": 17}))
        optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3)
        losses = []
        for step in range(500):
            loss, _ = model.loss_and_gradient(*batch(model.config, 2, 12, seed=step % 7))
            optimizer.step()
            optimizer.zero_grad()
            losses.append(float(loss))
        series.append(losses)
    assert max(abs(a - b) for a, b in zip(*series, strict=True)) <= 1e-8
    assert series[0][-1] < 0.5 * series[0][0]


def test_the_loss_series_in_float32_follows_the_twin_for_100_steps() -> None:
    config = SMALL.model_copy(update={"dtype": "float32", "tie_weights": True, "head_bias": False})
    torch.manual_seed(0)
    model, twin = CustomTransformer(config), AutogradTransformer(config)
    twin.load_state_dict(model.state_dict())
    ours = torch.optim.AdamW(model.parameters(), lr=1e-3, fused=True)
    theirs = torch.optim.AdamW(twin.parameters(), lr=1e-3, fused=True)
    for step in range(100):
        data = batch(config, 4, 80, seed=step)
        loss, _ = model.loss_and_gradient(*data)
        twin_loss = twin.loss(*data)
        twin_loss.backward()
        for optimizer in (ours, theirs):
            optimizer.step()
            optimizer.zero_grad()
        assert abs(float(loss) - float(twin_loss.detach())) <= 1e-4, step


def test_split_batches_accumulate_to_the_whole_in_the_same_memory() -> None:
    model, (tokens, targets) = made(SMALL), batch(SMALL, 6, 50)
    model.loss_and_gradient(tokens, targets)
    whole = {name: p.grad.clone() for name, p in model.named_parameters() if p.grad is not None}
    model.zero_gradients()
    total, addresses = int((targets != -100).sum()), []
    for part in (slice(0, 2), slice(2, 3), slice(3, 6)):
        share = int((targets[part] != -100).sum()) / total
        model.loss_and_gradient(tokens[part], targets[part], share)
        addresses.append([p.grad.data_ptr() for p in model.parameters() if p.grad is not None])
    assert addresses[0] == addresses[1] == addresses[2]  # no second buffer
    for name, parameter in model.named_parameters():
        assert parameter.grad is not None
        assert worst(parameter.grad, whole[name]) < 1e-12, name


def test_two_steps_with_the_same_batch_have_the_same_bits_on_any_number_of_threads() -> None:
    config, threads = SMALL.model_copy(update={"dtype": "float32"}), torch.get_num_threads()
    results = []
    try:
        for num_threads in (1, 2, 2, 5):
            torch.set_num_threads(num_threads)
            model = made(config)
            loss, _ = model.loss_and_gradient(*batch(config, 5, 100))
            results.append([loss, *(p.grad.clone() for p in model.parameters() if p.grad is not None)])
    finally:
        torch.set_num_threads(threads)
    for other in results[1:]:
        assert all(torch.equal(a, b) for a, b in zip(results[0], other, strict=True))


def test_after_the_first_step_nothing_is_allocated() -> None:
    model = made(SMALL.model_copy(update={"dtype": "float32"}))
    data = batch(SMALL, 4, 100)
    fast = model.fast_path()
    assert fast is not None
    model.loss_and_gradient(*data)
    held, memory = fast.workspace.num_bytes, dict(fast.workspace._memory)
    for rows, time in ((4, 100), (2, 30), (1, 110), (4, 100)):
        model.loss_and_gradient(*batch(SMALL, rows, time))
    assert fast.workspace.num_bytes == held
    assert all(fast.workspace._memory[key] is tensor for key, tensor in memory.items())


def test_recomputing_holds_less() -> None:
    held = []
    for recompute in (False, True):
        config = SMALL.model_copy(update={"recompute_activations": recompute, "n_blocks": 6})
        model = made(config)
        model.loss_and_gradient(*batch(config, 4, 100))
        fast = model.fast_path()
        assert fast is not None
        held.append(fast.workspace.num_bytes)
    assert held[1] < 0.5 * held[0]


def test_the_logits_are_never_whole_in_memory() -> None:
    config = SMALL.model_copy(update={"vocab_size": 5000, "dtype": "float32"})
    model = made(config)
    model.loss_and_gradient(*batch(config, 20, 100))
    fast = model.fast_path()
    assert fast is not None
    assert fast.workspace.num_bytes < 20 * 100 * 5000 * 4


def test_evaluation_equals_the_references() -> None:
    fast, reference = made(SMALL), made(SMALL.model_copy(update={"kernels": "reference"}))
    data = batch(SMALL, 5, 70)
    for ours, expected in zip(fast.evaluate(*data), reference.evaluate(*data), strict=True):
        assert float(ours) == pytest.approx(float(expected), rel=1e-12)
    assert float(fast.loss(*data)[0]) == pytest.approx(float(reference.loss(*data)[0]), rel=1e-12)
    assert all(p.grad is None for p in fast.parameters())


@pytest.mark.parametrize("scale", [1.0, 0.0])
def test_a_batch_without_targets_has_loss_zero_and_no_gradient(scale: float) -> None:
    model = made(SMALL)
    model.loss_and_gradient(*batch(SMALL, 2, 20))  # leaves its numbers in the buffers
    model.zero_gradients()
    tokens, targets = batch(SMALL, 2, 20)
    loss, num_counted = model.loss_and_gradient(tokens, targets.fill_(-100), scale)
    assert (float(loss), num_counted) == (0.0, 0)
    assert all(p.grad is not None and not p.grad.any() for p in model.parameters())


def test_the_parameters_remain_what_others_hold_of_them() -> None:
    model = made(SMALL)
    before = {name: (id(p), p.clone()) for name, p in model.named_parameters()}
    data = batch(SMALL, 2, 20)
    model.loss_and_gradient(*data)
    assert all(
        before[name][0] == id(p) and torch.equal(before[name][1], p) for name, p in model.named_parameters()
    )
    other = made(SMALL, seed=9)
    model.load_state_dict(other.state_dict())
    model.zero_gradients()
    other.loss_and_gradient(*data)
    model.loss_and_gradient(*data)
    for ours, theirs in zip(model.parameters(), other.parameters(), strict=True):
        assert torch.equal(ours, theirs)
        assert ours.grad is not None
        assert theirs.grad is not None
        assert torch.equal(ours.grad, theirs.grad)


def test_a_parameter_whose_data_was_replaced_is_taken_in_again() -> None:
    model, data = made(SMALL), batch(SMALL, 2, 20)
    model.loss_and_gradient(*data)
    model.zero_gradients()
    doubled = 2.0 * model.blocks[0].up.weight.data
    model.blocks[0].up.weight.data = doubled.clone()
    model.loss_and_gradient(*data)
    assert torch.equal(model.blocks[0].up.weight, doubled)
    expected = twin_gradients(model, smoothing=0.0, data=data)
    for name, parameter in model.named_parameters():
        assert parameter.grad is not None
        assert worst(parameter.grad, expected[name]) < 1e-11, name


def test_parameters_that_were_replaced_as_objects_are_trained() -> None:
    model, other, data = made(SMALL), made(SMALL, seed=9), batch(SMALL, 2, 20)
    model.loss_and_gradient(*data)
    model.load_state_dict(other.state_dict(), assign=True)
    model.loss_and_gradient(*data)
    expected = twin_gradients(other, smoothing=0.0, data=data)
    for name, parameter in model.named_parameters():
        assert parameter.grad is not None
        assert worst(parameter.grad, expected[name]) < 1e-11, name


def test_a_copy_of_the_model_shares_nothing_with_it() -> None:
    model, data = made(SMALL), batch(SMALL, 2, 20)
    model.loss_and_gradient(*data)
    copied = copy.deepcopy(model)
    copied.zero_gradients()
    copied.loss_and_gradient(*data)
    for ours, theirs in itertools.zip_longest(model.parameters(), copied.parameters()):
        assert ours.data_ptr() != theirs.data_ptr()
        assert ours.grad is not None
        assert torch.equal(ours.grad, theirs.grad)
        theirs.add_(1.0)
        assert not torch.equal(ours, theirs)


@pytest.mark.parametrize(("kernels", "expected"), [("reference", False), ("fast", True), ("auto", True)])
def test_the_config_chooses_the_path(kernels: str, expected: bool) -> None:
    model = made(SMALL.model_copy(update={"kernels": kernels}))
    assert (model.fast_path() is not None) is expected


def test_dropout_is_left_to_the_ops_and_refused_where_fast_was_asked_for() -> None:
    auto = made(SMALL.model_copy(update={"kernels": "auto", "dropout": 0.1}))
    assert auto.train().fast_path() is None
    assert auto.eval().fast_path() is not None
    with pytest.raises(ValueError, match="dropout"):
        made(SMALL.model_copy(update={"dropout": 0.1})).train().fast_path()


def test_without_the_library_auto_warns_once_and_goes_on_and_fast_says_why(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from mlmodels.native import load_library

    monkeypatch.setenv("MLMODELS_NATIVE", "off")
    load_library.cache_clear()
    try:
        auto = made(SMALL.model_copy(update={"kernels": "auto"}))
        with pytest.warns(UserWarning, match="reference ops are used, for MLMODELS_NATIVE is off"):
            auto.loss_and_gradient(*batch(SMALL, 2, 20))
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            auto.loss_and_gradient(*batch(SMALL, 2, 20))
        with pytest.raises(ValueError, match="not to be had here: MLMODELS_NATIVE is off"):
            made(SMALL).loss_and_gradient(*batch(SMALL, 2, 20))
    finally:
        load_library.cache_clear()


def test_no_tensor_of_the_fast_path_knows_autograd() -> None:
    model = made(SMALL)
    with torch.enable_grad():
        loss, _ = model.loss_and_gradient(*batch(SMALL, 2, 20))
    assert loss.grad_fn is None
    assert all(p.grad is not None and p.grad.grad_fn is None for p in model.parameters())
