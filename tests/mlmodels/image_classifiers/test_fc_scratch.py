"""The NumPy classifier as a model: shared memory, torch's optimizers, state dict, resume, learning."""

import copy
import io
import subprocess
import sys

import numpy as np
import pytest
import torch
from mlmodels.image_classifiers import FcClassifier, FcConfig, FcScratch, FcScratchConfig, fc_numpy
from sklearn.datasets import load_digits
from torch import Tensor
from torch.nn import functional
from torch.optim.swa_utils import AveragedModel

SMALL = FcScratchConfig(input_size=64, hidden_sizes=(32, 16), dropout=0.2)


@pytest.fixture(scope="module")
def digits() -> tuple[Tensor, Tensor]:
    """scikit-learn's handwritten digits: 1,797 images (B, 1, 8, 8), normalised, and their labels."""
    images, labels = load_digits(return_X_y=True)
    order = np.random.default_rng(0).permutation(len(labels))
    images = ((images - images.mean()) / images.std())[order]
    return torch.tensor(images, dtype=torch.float32).view(-1, 1, 8, 8), torch.tensor(labels[order])


def seeded(config: FcScratchConfig = SMALL, seed: int = 0) -> FcScratch:
    model = FcScratch.from_config(config)
    model.init_weights(torch.Generator().manual_seed(seed))
    return model


def train(model: FcScratch, optimizer: torch.optim.Optimizer, images: Tensor, labels: Tensor) -> float:
    """One update, as the shared loop makes it."""
    loss, _ = model.loss_and_gradient(images, labels)
    optimizer.step()
    optimizer.zero_grad(set_to_none=True)
    return float(loss)


def parameters_of(model: torch.nn.Module) -> list[Tensor]:
    return [parameter.detach().clone() for parameter in model.parameters()]


def test_the_defaults_have_exactly_the_published_number_of_parameters() -> None:
    with torch.device("meta"):
        model = FcScratch(FcScratchConfig())
    assert sum(parameter.numel() for parameter in model.parameters()) == 235_146


def test_the_mathematics_import_no_torch(repository) -> None:
    folder = repository / "packages/mlmodels/src/mlmodels/image_classifiers"
    code = "import sys, fc_numpy; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], cwd=folder, check=False).returncode == 0


def test_numpy_and_torch_share_one_memory() -> None:
    model = seeded()
    with torch.no_grad():
        model.head.bias.fill_(3.0)
    assert (model.head.arrays().bias_O == 3.0).all()
    model.hidden[0].arrays().weight_OI[0, 0] = 5.0
    assert float(model.hidden[0].weight[0, 0]) == 5.0


def test_nothing_is_left_for_autograd(digits) -> None:
    model, (images, labels) = seeded(), digits
    loss, logits = model.loss_and_gradient(images[:4].requires_grad_(), labels[:4])
    results = [loss, logits, model(images[:4]), model.logits(images[:4]), model.features(images[:4])]
    assert not any(tensor.requires_grad for tensor in [*results, *model.parameters()])


@pytest.mark.parametrize("hidden_sizes", [(), (32, 16)])
def test_inference_equals_the_torch_model_with_the_same_weights(digits, hidden_sizes) -> None:
    images = digits[0][:20]
    model = seeded(SMALL.model_copy(update={"hidden_sizes": hidden_sizes}))
    twin = FcClassifier(FcConfig(input_size=64, hidden_sizes=hidden_sizes)).eval()
    twin.load_state_dict(dict(model.named_parameters()))
    before = model.get_extra_state()
    torch.testing.assert_close(model.logits(images), twin(images))
    torch.testing.assert_close(model.features(images), twin.features(images))
    assert torch.equal(model.logits(images), model.logits(images.flatten(1)))
    assert torch.equal(model.get_extra_state(), before)  # drew nothing, although it is in training mode
    assert torch.equal(model.eval()(images), model.logits(images))
    assert model.dim == twin.dim
    assert model.layers_to_show["fc1"].weight.shape == twin.layers_to_show["fc1"].weight.shape


def test_features_are_not_a_view_of_the_images(digits) -> None:
    model = seeded(SMALL.model_copy(update={"hidden_sizes": ()}))
    images = digits[0][:2].clone()
    model.features(images).zero_()
    assert images.any()


def test_dropout_is_active_in_training_mode_only(digits) -> None:
    images, labels = digits[0][:20], digits[1][:20]
    model = seeded()
    assert not torch.equal(model(images), model(images))
    assert not torch.equal(model.loss_and_gradient(images, labels)[1], model.logits(images))
    model.eval()
    assert torch.equal(model.loss_and_gradient(images, labels)[1], model.logits(images))


def test_dropout_drops_the_share_it_says_and_keeps_the_mean() -> None:
    x = np.ones((500, 400), dtype=np.float32)
    y, _ = fc_numpy.dropout_forward(x, 0.3, np.random.default_rng(0))
    assert y.dtype == np.float32
    assert float((y == 0).mean()) == pytest.approx(0.3, abs=0.005)
    assert float(y.mean()) == pytest.approx(1.0, abs=0.01)


def test_the_loss_series_is_that_of_the_autograd_twin(digits) -> None:
    config = FcScratchConfig(input_size=64, hidden_sizes=(32, 16), dropout=0.0, dtype="float64")
    model, twin = (
        seeded(config),
        FcClassifier(FcConfig(input_size=64, hidden_sizes=(32, 16), dropout=0.0)).double(),
    )
    twin.load_state_dict(dict(model.named_parameters()))
    ours, theirs = (
        torch.optim.Adam(network.parameters(), lr=0.003, weight_decay=1e-4) for network in (model, twin)
    )
    for step in range(60):
        part = slice(20 * step, 20 * step + 20)
        images, labels = digits[0][part].double(), digits[1][part]
        loss = functional.cross_entropy(twin(images), labels)
        loss.backward()
        theirs.step()
        theirs.zero_grad()
        assert train(model, ours, images, labels) == pytest.approx(loss.item(), abs=1e-9)
    assert loss.item() < 1.0


def test_training_is_a_function_of_the_seed(digits) -> None:
    results = []
    for seed in (1, 1, 2):
        model = seeded(seed=seed)
        optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
        results.append([train(model, optimizer, digits[0][:64], digits[1][:64]) for _ in range(5)])
    assert results[0] == results[1] != results[2]


def test_an_interrupted_training_goes_on_bit_for_bit(digits) -> None:
    images, labels = digits[0][:64], digits[1][:64]
    model = seeded()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
    for _ in range(3):
        train(model, optimizer, images, labels)
    file = io.BytesIO()
    torch.save({"model": model.state_dict(), "optimizer": optimizer.state_dict()}, file)
    file.seek(0)
    state = torch.load(file, weights_only=True)
    resumed = seeded(seed=99)
    resumed.load_state_dict(state["model"])
    other = torch.optim.SGD(resumed.parameters(), lr=0.1, momentum=0.9)
    other.load_state_dict(state["optimizer"])
    for network, its_optimizer in ((model, optimizer), (resumed, other)):
        for _ in range(3):
            train(network, its_optimizer, images, labels)
    assert all(torch.equal(*pair) for pair in zip(parameters_of(model), parameters_of(resumed), strict=True))


def test_a_state_dict_holds_tensors_only_and_is_not_changed_by_later_masks(digits) -> None:
    model = seeded()
    state = model.state_dict()
    assert all(isinstance(value, Tensor) for value in state.values())
    first = model(digits[0][:8])
    assert not torch.equal(model(digits[0][:8]), first)
    model.load_state_dict(state)
    assert torch.equal(model(digits[0][:8]), first)


def test_copies_and_averages_have_a_memory_and_a_generator_of_their_own(digits) -> None:
    model = seeded()
    average = AveragedModel(model)
    twin = copy.deepcopy(model)
    before = parameters_of(twin)
    train(model, torch.optim.SGD(model.parameters(), lr=0.1), digits[0][:8], digits[1][:8])
    assert all(torch.equal(*pair) for pair in zip(parameters_of(twin), before, strict=True))
    average.update_parameters(model)
    expected = model.logits(digits[0][:8])
    assert torch.equal(average.module.logits(digits[0][:8]), expected)  # the first update copies
    assert not torch.equal(twin.get_extra_state(), model.get_extra_state())


def test_it_learns_handwritten_digits(digits) -> None:
    images, labels = digits
    model = seeded()
    optimizer = torch.optim.Adam(model.parameters(), lr=0.003)
    generator = torch.Generator().manual_seed(0)
    for _ in range(10):
        for part in torch.randperm(1400, generator=generator).split(32):
            train(model, optimizer, images[part], labels[part])
    assert float((model.logits(images[1400:]).argmax(1) == labels[1400:]).float().mean()) > 0.93


@pytest.mark.parametrize("options", [{}, {"dropout": 0.2, "l2": 1e-4}])
def test_plain_gradient_descent_in_numpy_alone_learns_them_too(digits, options) -> None:
    images, labels = digits[0].flatten(1).numpy(), digits[1].numpy()
    layers, again = (
        fc_numpy.fit(images[:1400], labels[:1400], hidden_sizes=(32,), num_epochs=5, seed=3, **options)
        for _ in range(2)
    )
    assert all(np.array_equal(*pair) for pair in zip(layers[0], again[0], strict=True))
    logits, _ = fc_numpy.forward(images[1400:], layers)
    assert logits.dtype == np.float32
    assert float((logits.argmax(1) == labels[1400:]).mean()) > 0.9


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        ([0, -1], r"labels \[-1\] are no classes of the model, which has 10 \(0 to 9\)"),
        ([10, 3], r"labels \[10\] are no classes"),
        ([1, 2, 3], r"labels of shape \(3,\) for 2 images"),
        ([[1], [2]], r"labels of shape \(2, 1\) for 2 images"),
    ],
)
def test_labels_that_fit_no_class_or_no_image_are_refused(labels: list[int], message: str) -> None:
    model = seeded()
    with pytest.raises(ValueError, match=message):
        model.loss_and_gradient(torch.zeros(2, 64), torch.tensor(labels))
    assert all(parameter.grad is None for parameter in model.parameters())


def test_other_devices_and_sizes_are_refused_with_the_remedy() -> None:
    with pytest.raises(ValueError, match="images are on meta: choose device cpu, or model type fc"):
        seeded()(torch.zeros(2, 64, device="meta"))
    with pytest.raises(ValueError, match="parameters are on meta: choose device cpu"):
        seeded().to("meta")(torch.zeros(2, 64))
    with pytest.raises(ValueError, match="set input_size: 65"):
        seeded()(torch.zeros(2, 65))
