"""The whole transformer on a GPU: gradients by name against autograd, equal bits, and graphs against both."""

from typing import Any

import pytest
import torch
from mlmodels.custom_transformer.config import CustomTransformerConfig
from mlmodels.custom_transformer.fast.cuda_graph import GraphedPath
from mlmodels.custom_transformer.fast.kernels import choose_kernels
from mlmodels.custom_transformer.fast.torch_kernels import TorchKernels
from mlmodels.custom_transformer.model import CustomTransformer
from mlmodels.custom_transformer.twin import AutogradTransformer
from torch import Tensor

needs_gpu = pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
DEVICE = torch.device("cuda")
SMALL = CustomTransformerConfig(
    vocab_size=509, d_model=96, n_blocks=2, n_heads=3, d_ffn=160, max_seq_len=150, dtype="float32", kernels="fast"
)  # fmt: skip
VARIANTS: list[dict[str, Any]] = [
    {},
    {"tie_weights": True, "head_bias": False},
    {"activation": "relu"},
    {"elementwise_affine": False, "recompute_activations": True},
    {"d_model": 39},  # 13 features a head: no fused attention
]
SHAPES = [(1, 1), (3, 47), (9, 150)]  # the last: 1,350 rows, more than two chunks


def made(config: CustomTransformerConfig) -> CustomTransformer:
    model, generator = CustomTransformer(config), torch.Generator().manual_seed(0)
    for name, parameter in model.named_parameters():
        noise = torch.randn(parameter.shape, generator=generator, dtype=torch.float64).to(parameter.dtype)
        centre = 1.0 if "norm" in name and name.endswith("weight") else 0.0
        parameter.copy_(centre + 0.1 * noise)
    return model.to(DEVICE)


def batch(rows: int, time: int, seed: int = 1) -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(seed)
    tokens, targets = torch.randint(0, SMALL.vocab_size, (2, rows, time), generator=generator)
    targets[torch.rand(targets.shape, generator=generator) < 0.2] = -100
    targets[0, 0] = 3
    return tokens.to(DEVICE), targets.to(DEVICE)


def twin_gradients(
    model: CustomTransformer, dtype: str, data: tuple[Tensor, Tensor], smoothing: float
) -> dict[str, Tensor]:
    wide = torch.float64 if dtype == "float64" else torch.float32
    twin = AutogradTransformer(model.config.model_copy(update={"dtype": dtype})).to(DEVICE)
    twin.load_state_dict({name: tensor.to(wide) for name, tensor in model.state_dict().items()})
    with torch.enable_grad():
        twin.loss(*data, smoothing).backward()
    return {name: p.grad for name, p in twin.named_parameters() if p.grad is not None}


def error(found: Tensor, expected: Tensor) -> float:
    return float((found.double() - expected.double()).abs().max() / (1e-12 + expected.double().abs().max()))


def test_a_gpu_without_triton_gets_the_plain_kernels(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    assert isinstance(choose_kernels(DEVICE, torch.float32), TorchKernels)


def test_products_into_float32_take_the_arguments_they_are_given() -> None:
    # By torch's own description of them, without data: the CPU has no such products.
    pytest.importorskip("triton")
    from mlmodels.custom_transformer.fast.triton_kernels import TritonKernels, widening_products

    meta = torch.device("meta")
    assert widening_products(meta, torch.bfloat16) == (True, True)
    assert widening_products(meta, torch.float32) == (False, False)
    assert widening_products(torch.device("cpu"), torch.bfloat16) == (False, False)
    dy, x = (torch.empty(5, size, dtype=torch.bfloat16, device=meta) for size in (3, 7))
    for add in (False, True):
        TritonKernels(meta, torch.bfloat16).linear_weight_gradient(
            dy, x, torch.empty(3, 7, device=meta), add=add
        )


@needs_gpu
@pytest.mark.parametrize("variant", VARIANTS, ids=str)
@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize(("rows", "time"), SHAPES)
def test_every_gradient_equals_autograds(dtype: str, variant: dict[str, Any], rows: int, time: int) -> None:
    model, data = made(SMALL.model_copy(update={"dtype": dtype, **variant})), batch(rows, time)
    loss, num_counted = model.loss_and_gradient(*data, label_smoothing=0.1)
    fast = model.fast_path()
    assert fast is not None
    assert fast.kernels.name == "triton"
    assert num_counted == int((data[1] != -100).sum())
    expected, by_autograd = (twin_gradients(model, kind, data, 0.1) for kind in ("float64", dtype))
    least = {"float64": 1e-11, "float32": 1e-5}[dtype]
    for name, parameter in model.named_parameters():
        assert parameter.grad is not None, name
        found, goal = error(parameter.grad, expected[name]), error(by_autograd[name], expected[name])
        assert found < max(least, 2.0 * goal), f"{name}: {found}, by autograd {goal}"
    assert loss.isfinite()


# Without ReLU: a rounding that carries a hidden unit over its kink changes its gradient as a whole.
@needs_gpu
@pytest.mark.parametrize("variant", [v for v in VARIANTS if "activation" not in v], ids=str)
@pytest.mark.parametrize(("rows", "time"), SHAPES[1:])
def test_bfloat16_errs_no_more_than_twice_autograds_bfloat16(
    variant: dict[str, Any], rows: int, time: int
) -> None:
    model, data = made(SMALL.model_copy(update={"dtype": "bfloat16", **variant})), batch(rows, time)
    model.loss_and_gradient(*data)
    exact, by_autograd = (twin_gradients(model, dtype, data, 0.0) for dtype in ("float64", "bfloat16"))
    for name, parameter in model.named_parameters():
        assert parameter.grad is not None, name
        found, goal = error(parameter.grad, exact[name]), error(by_autograd[name], exact[name])
        assert found <= 2.0 * goal + 1e-3, f"{name}: {found}, by autograd {goal}"


@needs_gpu
@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
def test_every_run_has_the_same_bits(dtype: str) -> None:
    runs = []
    for _ in range(5):
        model = made(SMALL.model_copy(update={"dtype": dtype}))
        loss, _ = model.loss_and_gradient(*batch(9, 150))
        runs.append([loss, *(p.grad for p in model.parameters())])
    for run in runs[1:]:
        assert all(torch.equal(a, b) for a, b in zip(run, runs[0], strict=True))


@needs_gpu
@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
@pytest.mark.parametrize("variant", VARIANTS[:2], ids=str)
def test_a_graph_equals_the_path_and_the_reference(dtype: str, variant: dict[str, Any]) -> None:
    config = SMALL.model_copy(update={"dtype": dtype, **variant})
    by_graph, by_path = made(config), made(config)
    reference = made(config.model_copy(update={"kernels": "reference"}))
    fast = by_graph.fast_path()
    assert fast is not None
    graphed = GraphedPath(fast)
    for seed in range(4):
        models = (by_graph, by_path, reference)
        for model in models:
            model.zero_gradients()
        for part, scale in ((0, 0.25), (1, 0.75)):
            data = batch(4, 60 if seed < 3 else 33, seed=seed + 10 * part)
            losses = [
                graphed.loss_and_gradient(*data, scale, 0.1),
                by_path.loss_and_gradient(*data, scale, label_smoothing=0.1),
                reference.loss_and_gradient(*data, scale, label_smoothing=0.1),
            ]
            assert len({num_counted for _, num_counted in losses}) == 1
            assert torch.equal(losses[0][0], losses[1][0])
            torch.testing.assert_close(losses[0][0], losses[2][0], rtol=1e-2, atol=1e-4)
        for parameters in zip(*(model.named_parameters() for model in models), strict=True):
            name, gradients = parameters[0][0], [parameter.grad for _, parameter in parameters]
            assert torch.equal(gradients[0], gradients[1]), name
            assert error(gradients[0], gradients[2]) < (1e-4 if dtype == "float32" else 5e-2), name
            for _, parameter in parameters:
                parameter -= 0.05 * gradients[1]
    assert graphed._steps  # recording did not fail


@needs_gpu
def test_the_loss_of_a_validation_batch_equals_the_references() -> None:
    model = made(SMALL)
    reference = made(SMALL.model_copy(update={"kernels": "reference"}))
    for data in (batch(9, 150), batch(1, 1)):
        found, expected = model.evaluate(*data), reference.evaluate(*data)
        torch.testing.assert_close(found[0], expected[0], rtol=1e-5, atol=1e-5)
        assert found[1] == expected[1]
        assert float(found[2]) == pytest.approx(float(expected[2]), abs=2 / found[1])
