"""The vision transformer beside torchvision's, its size by formula, and what it learns of pictures in seconds."""

import pytest
import torch
from mlmodels.image_classifiers.flops import counted_flops, flops_per_image
from mlmodels.image_classifiers.vit import VitClassifier
from mlmodels.image_classifiers.vit_config import VitConfig, count_parameters
from mlmodels.transformer_eras.positions import sinusoids_2d
from pydantic import ValidationError
from torch import Tensor, nn
from torch.nn import functional

SHAPE = {"image_size": 12, "patch_size": 4, "d_model": 24, "n_layers": 2, "n_heads": 3, "d_ffn": 40}
SHAPE |= {"num_classes": 7, "pooling": "class_token"}
VARIANTS = [
    {},
    {"pooling": "class_token", "positions": "sine_2d", "in_channels": 1, "image_size": 28},
    {"pooling": "class_token", "feed_forward": "swiglu", "norm": "rms_norm", "bias": False},
]


def stirred(model: nn.Module) -> nn.Module:
    """Every parameter moved, so that each of them matters."""
    generator = torch.Generator().manual_seed(3)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter += 0.2 * torch.randn(parameter.shape, generator=generator)
    return model.eval()


def torchvision_names(model: VitClassifier) -> dict[str, str]:
    """Ours by torchvision's name; query, key and value, which it keeps as one, aside."""
    names = {
        "class_token": "class_token",
        "conv_proj": "patches",
        "encoder.pos_embedding": "positions",
        "encoder.ln": "encoder.norm",
        "heads.head": "head",
    }
    for number in range(model.config.n_layers):
        theirs, ours = f"encoder.layers.encoder_layer_{number}", f"encoder.blocks.{number}"
        names |= {
            f"{theirs}.ln_1": f"{ours}.norm_1",
            f"{theirs}.self_attention.out_proj": f"{ours}.attention.output",
            f"{theirs}.ln_2": f"{ours}.norm_2",
            f"{theirs}.mlp.0": f"{ours}.feed_forward.up",
            f"{theirs}.mlp.3": f"{ours}.feed_forward.output",
        }
    return names


def in_torchvisions_form(model: VitClassifier, of: dict[str, Tensor]) -> dict[str, Tensor]:
    """Our weights, or our gradients, under torchvision's names."""
    found = {}
    for theirs, ours in torchvision_names(model).items():
        for end in ("", ".weight", ".bias"):
            if ours + end in of:
                found[theirs + end] = of[ours + end]
    found["encoder.pos_embedding"] = found["encoder.pos_embedding"][None]
    for number in range(model.config.n_layers):
        parts = [f"encoder.blocks.{number}.attention.{part}" for part in ("query", "key", "value")]
        place = f"encoder.layers.encoder_layer_{number}.self_attention.in_proj"
        for kind in ("weight", "bias"):
            found[f"{place}_{kind}"] = torch.cat([of[f"{part}.{kind}"] for part in parts])
    return {name: tensor.detach().clone() for name, tensor in found.items()}


def test_logits_and_every_gradient_are_torchvisions(double: None) -> None:
    from torchvision.models import VisionTransformer

    model = stirred(VitClassifier(VitConfig(**SHAPE)))
    oracle = VisionTransformer(
        image_size=12, patch_size=4, num_layers=2, num_heads=3, hidden_dim=24, mlp_dim=40, num_classes=7
    ).eval()
    oracle.load_state_dict(in_torchvisions_form(model, dict(model.named_parameters())), strict=True)
    images = torch.randn(5, 3, 12, 12, generator=torch.Generator().manual_seed(1)).requires_grad_()
    labels = torch.tensor([0, 3, 6, 1, 1])
    gradients, of_images = [], []
    for network in (model, oracle):
        logits = network(images)
        torch.testing.assert_close(logits, model(images), rtol=0, atol=1e-12)
        functional.cross_entropy(logits, labels).backward()
        gradients.append({name: p.grad for name, p in network.named_parameters()})
        of_images.append(images.grad.clone())
        images.grad = None
    ours = in_torchvisions_form(model, gradients[0])
    assert ours.keys() == gradients[1].keys()
    for name, gradient in gradients[1].items():
        torch.testing.assert_close(ours[name], gradient, rtol=0, atol=1e-12, msg=name)
    torch.testing.assert_close(of_images[0], of_images[1], rtol=0, atol=1e-12)


@pytest.mark.parametrize("keys", VARIANTS)
def test_parameters_and_operations_are_those_of_the_formulas(keys: dict) -> None:
    config = VitConfig(**keys)
    model = VitClassifier(config)
    assert model.num_parameters() == count_parameters(config)["total"]
    with torch.device("meta"):
        counted = counted_flops(lambda: VitClassifier(config), (config.in_channels, *[config.image_size] * 2))
    assert flops_per_image(config) == counted


def test_the_defaults_have_the_parameters_that_they_state() -> None:
    assert count_parameters(VitConfig())["total"] == 207_946
    assert f"{207_946:,}" in (VitConfig.__doc__ or "")


def test_sines_of_row_and_column_tell_every_place_apart(double: None) -> None:
    table = sinusoids_2d(3, 5, 16)
    row, column, frequencies = 2, 3, 10_000.0 ** -(torch.arange(4) / 3)
    angles = [place * frequencies for place in (column, row)]
    expected = torch.cat([wave for angle in angles for wave in (angle.sin(), angle.cos())])
    torch.testing.assert_close(table[row * 5 + column], expected)
    distances = torch.cdist(table, table) + 9 * torch.eye(15)
    assert float(distances.min()) > 0.5
    with pytest.raises(ValueError, match="multiple of 4 features, not 6"):
        sinusoids_2d(2, 2, 6)


@pytest.mark.parametrize("positions", ["learned", "sine_2d"])
def test_it_knows_where_a_patch_stands(positions: str) -> None:
    model = stirred(VitClassifier(VitConfig(**{**SHAPE, "positions": positions}))).requires_grad_(False)
    image = torch.randn(1, 3, 12, 12, generator=torch.Generator().manual_seed(2))
    moved = image.roll(4, dims=3)
    assert float((model(image) - model(moved)).abs().max()) > 1e-3
    if positions == "learned":
        model.positions.zero_()
        torch.testing.assert_close(model(image), model(moved), rtol=0, atol=1e-5)


@pytest.mark.parametrize("pooling", ["class_token", "mean"])
def test_maps_for_grad_cam_show_each_patch_where_it_stands(pooling: str) -> None:
    model = stirred(VitClassifier(VitConfig(**{**SHAPE, "pooling": pooling}))).requires_grad_(False)
    seen = []
    handle = model.encoder.blocks[0].register_forward_pre_hook(lambda block, inputs: seen.append(inputs[0]))
    image = torch.zeros(1, 3, 12, 12)
    model(image)
    image[..., 4:8, 8:] = 1.0
    model(image)
    handle.remove()
    changed = model.as_maps(seen[1] - seen[0]).abs().sum(dim=1)[0] > 0
    assert changed.nonzero().tolist() == [[1, 2]]
    assert model.evidence_layer is model.encoder.blocks[1].norm_1


def test_weights_are_a_function_of_the_generator_and_begin_at_a_guess() -> None:
    model = VitClassifier(VitConfig(**SHAPE))
    states = []
    for seed in (1, 1, 2):
        model.init_weights(torch.Generator().manual_seed(seed))
        states.append(torch.cat([p.detach().flatten() for p in model.parameters()]))
    assert torch.equal(states[0], states[1])
    assert not torch.equal(states[0], states[2])
    logits = model(torch.randn(64, 3, 12, 12))
    assert float(functional.cross_entropy(logits, torch.arange(64) % 7)) == pytest.approx(1.946, rel=0.05)


@pytest.mark.parametrize(
    ("keys", "message"),
    [
        ({"n_heads": 5}, "n_heads 5 does not divide d_model 64; nearest that does: 4"),
        ({"image_size": 28, "patch_size": 5}, "does not divide images of 28 pixels; nearest that does: 4"),
        ({"positions": "sine_2d", "d_model": 66, "n_heads": 3}, "multiple of 4, not 66"),
        ({"norm_position": "post"}, "norm_position"),
    ],
)
def test_shapes_that_do_not_fit_are_refused_in_words(keys: dict, message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        VitConfig(**keys)


def test_images_of_another_shape_are_refused() -> None:
    with pytest.raises(ValueError, match=r"takes \(batch, 3, 12, 12\)"):
        VitClassifier(VitConfig(**SHAPE))(torch.zeros(2, 3, 16, 16))


def test_it_finds_what_no_linear_model_of_the_pixels_can() -> None:
    """Two equal or two different marks, anywhere: the classes' mean images are the same."""
    generator = torch.Generator().manual_seed(4)

    def draw(num: int) -> tuple[Tensor, Tensor]:
        marks = torch.tensor([[[1.0, 0.0], [0.0, 1.0]], [[0.0, 1.0], [1.0, 0.0]]])
        kinds = torch.randint(2, (num, 2), generator=generator)
        places = torch.rand(num, 9, generator=generator).argsort(dim=1)[:, :2]
        images = torch.zeros(num, 9, 2, 2)
        images[torch.arange(num)[:, None], places] = marks[kinds]
        images = images.view(num, 1, 3, 3, 2, 2).transpose(3, 4).reshape(num, 1, 6, 6)
        return images - images.mean(), (kinds[:, 0] == kinds[:, 1]).long()

    config = VitConfig(
        image_size=6, patch_size=2, in_channels=1, num_classes=2, d_model=32, n_layers=2, n_heads=4,
        d_ffn=64,
    )  # fmt: skip
    torch.manual_seed(0)
    model = VitClassifier(config)
    optimizer = torch.optim.AdamW(model.parameters(), lr=3e-3)
    for _ in range(150):
        images, labels = draw(128)
        loss = functional.cross_entropy(model(images), labels)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    images, labels = draw(1000)
    accuracy = float((model(images).argmax(dim=1) == labels).double().mean())
    from sklearn.linear_model import LogisticRegression

    train_images, train_labels = draw(4000)
    linear = LogisticRegression().fit(train_images.flatten(1), train_labels)
    assert linear.score(images.flatten(1), labels) < 0.6
    assert accuracy > 0.95
