"""The hand-written gradients against autograd and central differences in float64, and bugs planted in them.

The oracle is written with torch's own functions and autograd and shares no line with the NumPy code. Dropout masks are
drawn again from a copy of the model's generator.
"""

import copy
import inspect
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
import pytest
import torch
from mlmodels.image_classifiers import fc_numpy
from mlmodels.image_classifiers.config import FcScratchConfig
from mlmodels.image_classifiers.fc_scratch import FcScratch
from torch import Tensor
from torch.nn import functional

CONFIG = FcScratchConfig(input_size=12, hidden_sizes=(9, 7), num_classes=5, dropout=0.0, dtype="float64")
TOLERANCE = 1e-9


class Options(NamedTuple):
    """What a case changes, and what the loss is told."""

    hidden_sizes: tuple[int, ...] = (9, 7)
    dropout: float = 0.0
    label_smoothing: float = 0.0
    l2: float = 0.0
    scale: float = 1.0


CASES = [
    Options(),
    Options(hidden_sizes=()),
    Options(hidden_sizes=(8, 7, 6, 5)),
    Options(dropout=0.4),
    Options(label_smoothing=0.1),
    Options(l2=0.03),
    Options(scale=0.37),
    Options(dropout=0.25, label_smoothing=0.2, l2=0.05, scale=1.7),
]


def model_for(options: Options, seed: int = 0) -> FcScratch:
    changes = {"hidden_sizes": options.hidden_sizes, "dropout": options.dropout, "l2": options.l2}
    model = FcScratch(CONFIG.model_copy(update=changes))
    model.init_weights(torch.Generator().manual_seed(seed))
    return model


def batch(size: int = 6, seed: int = 0) -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(seed)
    images = torch.randn(size, 1, 3, 4, generator=generator, dtype=torch.float64)
    return images, torch.randint(0, 5, (size,), generator=generator)


class Oracle(NamedTuple):
    loss: Tensor
    logits: Tensor
    gradients: dict[str, Tensor]


def autograd(model: FcScratch, images: Tensor, labels: Tensor, options: Options) -> Oracle:
    """Loss, logits and gradients by torch, with the masks that the model's generator is about to draw."""
    generator = copy.deepcopy(model.generator)
    parameters = {name: p.detach().clone().requires_grad_() for name, p in model.named_parameters()}
    x = images.reshape(len(images), -1)
    for i in range(len(options.hidden_sizes)):
        x = torch.relu(functional.linear(x, parameters[f"hidden.{i}.weight"], parameters[f"hidden.{i}.bias"]))
        if options.dropout:
            keep = torch.from_numpy(generator.random(tuple(x.shape), dtype=np.float32) >= options.dropout)
            x = torch.where(keep, x / (1 - options.dropout), 0.0)
    logits = functional.linear(x, parameters["head.weight"], parameters["head.bias"])
    loss = functional.cross_entropy(logits, labels, label_smoothing=options.label_smoothing)
    weights = [value for name, value in parameters.items() if name.endswith("weight")]
    loss = loss + options.l2 / 2 * sum((weight**2).sum() for weight in weights)
    gradients = torch.autograd.grad(options.scale * loss, list(parameters.values()))
    return Oracle(loss.detach(), logits.detach(), dict(zip(parameters, gradients, strict=True)))


def disagreement(options: Options, seed: int = 0) -> float:
    """The largest absolute difference from autograd in loss, logits and gradients."""
    model, (images, labels) = model_for(options, seed), batch(seed=seed)
    expected = autograd(model, images, labels, options)
    loss, logits = model.loss_and_gradient(
        images, labels, options.scale, label_smoothing=options.label_smoothing
    )
    differences = [abs(float(loss - expected.loss)), float((logits - expected.logits).abs().max())]
    for name, parameter in model.named_parameters():
        assert parameter.grad.shape == parameter.shape
        differences.append(float((parameter.grad - expected.gradients[name]).abs().max()))
    return max(differences)


@pytest.mark.parametrize("options", CASES)
def test_loss_logits_and_every_gradient_equal_autograd(options: Options) -> None:
    assert max(disagreement(options, seed) for seed in range(5)) < TOLERANCE


def test_the_published_network_equals_autograd() -> None:
    model = FcScratch(FcScratchConfig(dtype="float64"))
    generator = torch.Generator().manual_seed(3)
    images = torch.randn(32, 1, 28, 28, generator=generator, dtype=torch.float64)
    labels = torch.randint(0, 10, (32,), generator=generator)
    options = Options(hidden_sizes=(256, 128), dropout=0.2)
    expected = autograd(model, images, labels, options)
    model.loss_and_gradient(images, labels)
    for name, parameter in model.named_parameters():
        torch.testing.assert_close(parameter.grad, expected.gradients[name], rtol=0, atol=TOLERANCE)


def test_float32_is_the_same_to_its_own_precision() -> None:
    options = Options(dropout=0.25, label_smoothing=0.1, l2=0.01)
    wide, (images, labels) = model_for(options), batch()
    narrow = FcScratch(wide.config.model_copy(update={"dtype": "float32"}))
    narrow.load_state_dict(wide.state_dict())
    for model in (wide, narrow):
        loss, logits = model.loss_and_gradient(images.to(model.dtype), labels, label_smoothing=0.1)
        assert logits.dtype == loss.dtype == model.dtype
    for parameter, other in zip(narrow.parameters(), wide.parameters(), strict=True):
        assert parameter.grad.dtype == torch.float32
        torch.testing.assert_close(parameter.grad.double(), other.grad, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("options", [Options(), Options(dropout=0.3, label_smoothing=0.1, l2=0.05)])
def test_every_gradient_is_the_slope_of_the_loss(options: Options) -> None:
    model, (images, labels) = model_for(options), batch()
    generator = copy.deepcopy(model.generator)

    def loss() -> float:
        model.generator = copy.deepcopy(generator)  # the same masks every time
        return float(model.loss_and_gradient(images, labels, label_smoothing=options.label_smoothing)[0])

    loss()
    gradients = {name: p.grad.clone() for name, p in model.named_parameters()}
    step = 1e-6
    for name, parameter in model.named_parameters():
        values = parameter.detach().view(-1)
        for index in range(values.numel()):
            original = float(values[index])
            values[index] = original + step
            above = loss()
            values[index] = original - step
            slope = (above - loss()) / (2 * step)
            values[index] = original
            assert float(gradients[name].view(-1)[index]) == pytest.approx(slope, abs=1e-8)


def test_gradients_of_parts_add_up_to_those_of_the_whole() -> None:
    options = Options(label_smoothing=0.1, l2=0.05)
    whole, parts, (images, labels) = model_for(options), model_for(options), batch(size=10)
    loss, _ = whole.loss_and_gradient(images, labels, label_smoothing=0.1)
    mean = 0.0
    for part in (slice(0, 3), slice(3, 9), slice(9, 10)):
        share = len(labels[part]) / 10
        part_loss, _ = parts.loss_and_gradient(images[part], labels[part], share, label_smoothing=0.1)
        mean += share * float(part_loss)
    assert mean == pytest.approx(float(loss), abs=1e-12)
    for parameter, other in zip(parts.parameters(), whole.parameters(), strict=True):
        torch.testing.assert_close(parameter.grad, other.grad, rtol=0, atol=1e-12)


def test_huge_logits_overflow_nothing() -> None:
    logits = np.array([[1e4, 0.0, -1e4], [3.0, 3.0, 3.0]], dtype=np.float32)
    labels = np.array([2, 0])
    with np.errstate(all="raise", under="ignore"):
        loss, cache = fc_numpy.cross_entropy_forward(logits, labels)
        gradient = fc_numpy.cross_entropy_backward(1.0, cache)
    reference = torch.tensor(logits, requires_grad=True)
    expected = functional.cross_entropy(reference, torch.tensor(labels))
    expected.backward()
    assert float(loss) == pytest.approx(expected.item(), rel=1e-6)
    torch.testing.assert_close(torch.tensor(gradient), reference.grad, rtol=0, atol=1e-6)


MUTATIONS = {
    "the weight is not transposed": (
        "dy_BO.T @ cache.x_BI",
        "(cache.x_BI.T @ dy_BO).reshape(dy_BO.shape[1], -1)",
    ),
    "the bias is averaged": ("dbias_O = dy_BO.sum(axis=0)", "dbias_O = dy_BO.mean(axis=0)"),
    "the gradient passes where x is negative": ("return dy * cache.is_positive", "return dy"),
    "the mask is not applied": ("return dy * cache.mask * cache.scale", "return dy * cache.scale"),
    "the mask's scale is not applied": ("return dy * cache.mask * cache.scale", "return dy * cache.mask"),
    "the loss is not divided by the batch": ("dlosses = dloss / len(cache.target_BK)", "dlosses = dloss"),
    "the softmax's sum is forgotten": (" + cache.probability_BK * dlog_sum_B1", ""),
    "smoothing assumes a sum of one too few": (
        "label_smoothing / num_classes",
        "label_smoothing / (num_classes - 1)",
    ),
    "the penalty's half is forgotten": ("[dloss * strength *", "[dloss * 0.5 * strength *"),
    "the penalty is not scaled": ("[dloss * strength *", "[strength *"),
    "dropout is missing in backward": ("        dx = dropout_backward(dx, cache.dropout)\n", ""),
    "ReLU is missing in backward": ("        dx = relu_backward(dx, cache.relu)\n", ""),
    "hidden layers run forwards in backward": ("reversed(caches.hidden)", "caches.hidden"),
    "gradients come in the order of backward": ("return gradients[::-1]", "return gradients"),
}


def planted(old: str, new: str) -> Iterator[tuple[str, object]]:
    """The module's own functions, compiled from its source with the bug in it."""
    source = inspect.getsource(fc_numpy)
    assert source.count(old) == 1, f"{old!r} occurs {source.count(old)} times"
    namespace: dict[str, object] = {"__name__": fc_numpy.__name__}
    exec(compile(source.replace(old, new), fc_numpy.__file__, "exec"), namespace)
    return ((name, value) for name, value in namespace.items() if inspect.isfunction(value))


def is_noticed() -> bool:
    try:
        return not max(disagreement(options) for options in CASES) < TOLERANCE
    except (AssertionError, RuntimeError, ValueError):  # a shape that does not fit is noticed as well
        return True


@pytest.mark.parametrize("bug", MUTATIONS)
def test_a_planted_bug_is_noticed(bug: str, monkeypatch: pytest.MonkeyPatch) -> None:
    assert not is_noticed()
    for name, function in planted(*MUTATIONS[bug]):
        monkeypatch.setattr(fc_numpy, name, function)
    assert is_noticed(), f"nothing noticed that {bug}"


def test_recompiling_unchanged_source_changes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, function in planted("all of backpropagation", "all there is to it"):
        monkeypatch.setattr(fc_numpy, name, function)
    assert not is_noticed()
