"""Colours, cutout, alternating flips, RandAugment and mixing, against torchvision, SciPy and closed forms."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from drawn_images import noise_images
from mldata.images.augmentation.colour import blend, grey, mean_grey
from mldata.images.augmentation.config import AugmentationConfig
from mldata.images.augmentation.cutout import GREY
from mldata.images.augmentation.mixing import Mixing, beta_quantiles
from mldata.images.augmentation.pipeline import build_augmentation, build_mixing, unit_floats
from mldata.images.augmentation.rand_augment import (
    ALL_NAMES,
    NAMES,
    SIGNED,
    apply_op,
    apply_ops,
    rand_augment,
)
from mldata.images.normalising import Normalisation
from pydantic import ValidationError
from scipy import stats
from torchvision.transforms.v2 import functional as vision

ALL = torch.arange(400)


def photographs(num: int = 6) -> torch.Tensor:
    """(N, 32, 32, 3) smooth images with some noise: real ones are not white noise."""
    coarse = torch.rand(num, 3, 5, 5, generator=torch.Generator().manual_seed(1))
    smooth = torch.nn.functional.interpolate(coarse, size=32, mode="bilinear")
    noise = 0.05 * torch.randn(smooth.shape, generator=torch.Generator().manual_seed(2))
    return (255 * (smooth + noise).clamp(0, 1)).round().to(torch.uint8).permute(0, 2, 3, 1).contiguous()


def test_colour_changes_are_torchvisions() -> None:
    images = unit_floats(photographs())
    for factor in (0.6, 1.0, 1.4):
        each = torch.full((6, 1, 1, 1), factor)
        torch.testing.assert_close((images * each).clamp(0, 1), vision.adjust_brightness(images, factor))
        ours = blend(images, mean_grey(images), each)
        torch.testing.assert_close(ours, vision.adjust_contrast(images, factor), atol=2e-6, rtol=0)
        ours = blend(images, grey(images), each)
        torch.testing.assert_close(ours, vision.adjust_saturation(images, factor), atol=2e-6, rtol=0)


def test_factors_of_colours_fill_their_range_evenly() -> None:
    flat = torch.full((400, 4, 4, 1), 100, dtype=torch.uint8)
    change = build_augmentation(AugmentationConfig(brightness=0.4), seed=0)
    assert change is not None
    factors = change(flat, ALL, 0)[:, 0, 0, 0] / (100 / 255)
    assert stats.kstest(factors.numpy(), stats.uniform(0.6, 0.8).cdf).pvalue > 1e-4


def test_cutout_hides_one_square_whose_centre_is_uniform() -> None:
    images = torch.full((4000, 20, 16, 1), 7, dtype=torch.uint8)
    change = build_augmentation(AugmentationConfig(cutout=6), seed=1, as_bytes=True)
    assert change is not None
    hidden = (change(images, torch.arange(4000), 0) == GREY).all(dim=1)
    rows, columns = hidden.any(dim=2).sum(dim=1), hidden.any(dim=1).sum(dim=1)
    assert torch.equal(hidden.sum(dim=(1, 2)), rows * columns)  # a rectangle
    assert int(rows.max()) == int(columns.max()) == 6
    # Of 20 rows 3 + 2 centres cut the square: on average 6 - (1+2+3 + 1+2) / 20.
    assert float(rows.float().mean()) == pytest.approx(6 - 9 / 20, abs=0.06)
    assert float(columns.float().mean()) == pytest.approx(6 - 9 / 16, abs=0.06)


def test_alternating_flips_show_every_image_both_ways_in_two_epochs() -> None:
    images = noise_images(400, 4, 5, 3)
    change = build_augmentation(AugmentationConfig(alternating_flip=True), seed=2, as_bytes=True)
    assert change is not None
    as_it_is = images.permute(0, 3, 1, 2)
    flipped = [(change(images, ALL, epoch) == as_it_is.flip(3)).flatten(1).all(dim=1) for epoch in range(4)]
    assert torch.equal(flipped[0], ~flipped[1])
    assert torch.equal(flipped[0], flipped[2])
    assert torch.equal(flipped[1], flipped[3])
    assert stats.binomtest(int(flipped[0].sum()), 400, 0.5).pvalue > 1e-4
    with pytest.raises(ValidationError, match="give one of them"):
        AugmentationConfig(alternating_flip=True, horizontal_flip=0.5)


def test_bytes_and_floats_come_to_the_same_after_normalising() -> None:
    images, indices = photographs(), torch.arange(6)
    config = AugmentationConfig(translation=4, whole_pixels=True, horizontal_flip=0.5, cutout=8)
    normalise = Normalisation([0.5, 0.4, 0.3], [0.2, 0.25, 0.3], 3)
    found = []
    for as_bytes in (True, False):
        change = build_augmentation(config, seed=0, as_bytes=as_bytes)
        assert change is not None
        found.append(normalise(change(images, indices, 1), channels_last=True))
    torch.testing.assert_close(found[0], found[1], atol=3e-6, rtol=0)


Oracle = Callable[[torch.Tensor, float], torch.Tensor]
LARGEST = 0.9
ORACLES: dict[str, Oracle] = {
    "identity": lambda image, _: image,
    "brightness": lambda image, s: vision.adjust_brightness(image, 1 + LARGEST * s),
    "saturation": lambda image, s: vision.adjust_saturation(image, 1 + LARGEST * s),
    "contrast": lambda image, s: vision.adjust_contrast(image, 1 + LARGEST * s),
    "sharpness": lambda image, s: vision.adjust_sharpness(image, 1 + LARGEST * s),
    "posterize": lambda image, s: vision.posterize(image, 8 - round(4 * abs(s))),
    "solarize": lambda image, s: vision.solarize(image, 255 * (1 - abs(s))),
    "autocontrast": lambda image, _: vision.autocontrast(image),
    "equalize": lambda image, _: vision.equalize(image),
}


@pytest.mark.parametrize("name", ORACLES)
@pytest.mark.parametrize("strength", [0.3, -0.7])
def test_changes_of_colour_are_torchvisions(name: str, strength: float) -> None:
    images = photographs()
    images[0] = 77  # a single value: nothing to stretch or to spread
    strengths = torch.full((6,), strength, dtype=torch.float64)
    ours = images if name == "identity" else apply_op(name, images, strengths)
    planes = images.permute(0, 3, 1, 2)
    if name in SIGNED:  # theirs on bytes cuts fractions off, ours rounds: floats are compared
        theirs = ORACLES[name](planes.float() / 255, strength) * 255
        assert float((ours.permute(0, 3, 1, 2).float() - theirs).abs().max()) <= 0.501
    else:
        theirs = ORACLES[name](planes, strength)
        allowed = 1 if name == "autocontrast" else 0
        assert int((ours.permute(0, 3, 1, 2).int() - theirs.int()).abs().max()) <= allowed
    assert name in ("identity", "autocontrast", "equalize") or not torch.equal(ours, images)


GEOMETRY: dict[str, dict[str, Any]] = {
    "shear_x": {"shear": [-np.degrees(np.arctan(0.15)), 0.0]},
    "shear_y": {"shear": [0.0, -np.degrees(np.arctan(0.15))]},
    "translate_x": {"translate": [-2, 0]},
    "translate_y": {"translate": [0, -2]},
    "rotate": {"angle": 15.0},
}


@pytest.mark.parametrize("name", GEOMETRY)
def test_changes_of_place_are_torchvisions_affine_maps(name: str) -> None:
    """At half strength; shifts at the strength that makes them two whole pixels."""
    images = photographs()
    half = 2 / (150 / 331 * 32) if name.startswith("translate") else 0.5
    ours = apply_op(name, images, torch.full((6,), half, dtype=torch.float64))
    keys: dict[str, Any] = {
        "angle": 0.0,
        "translate": [0, 0],
        "scale": 1.0,
        "shear": [0.0, 0.0],
        **GEOMETRY[name],
    }
    floats = images.permute(0, 3, 1, 2).float()
    candidates = [
        vision.affine(floats, interpolation=vision.InterpolationMode.BILINEAR, **signed(keys, sign))
        for sign in (1, -1)
    ]
    inner = (slice(None), slice(None), slice(4, -4), slice(4, -4))
    distances = [float((ours.permute(0, 3, 1, 2).float() - c)[inner].abs().mean()) for c in candidates]
    assert min(distances) < 0.6
    assert max(distances) > 3.0  # the other direction is another image


def signed(keys: dict[str, Any], sign: int) -> dict[str, Any]:
    turned = {"angle": sign * keys["angle"], "translate": [sign * v for v in keys["translate"]]}
    return {**keys, **turned, "shear": [sign * v for v in keys["shear"]]}


@pytest.mark.parametrize("name", ALL_NAMES)
def test_a_change_gives_an_image_the_same_bytes_alone_as_in_a_batch(name: str) -> None:
    """Sharpening by a convolution of floats did not, in one pixel of some hundreds."""
    images, chosen = noise_images(30), torch.full((30,), ALL_NAMES.index(name))
    for strength in (5 / 9, -1.0):
        strengths = torch.full((30,), strength, dtype=torch.float64)
        alone = [apply_ops(images[i : i + 1], chosen[:1], strengths[:1]) for i in range(30)]
        assert torch.equal(torch.cat(alone), apply_ops(images, chosen, strengths))


def test_every_change_is_drawn_equally_often_in_both_directions() -> None:
    flat = torch.full((400, 2, 2, 3), 100, dtype=torch.uint8)
    from mldata.counter_random import uniform
    from mldata.images.augmentation.parameters import RAND_AUGMENT_STREAM

    draws = uniform(3, 0, ALL, 2, stream=RAND_AUGMENT_STREAM)
    counts = torch.bincount((draws[:, 0] * len(NAMES)).long(), minlength=len(NAMES))
    assert stats.chisquare(counts.numpy()).pvalue > 1e-4
    brighter = rand_augment(flat, 1, 0.5, 3, 0, ALL)[:, 0, 0, 0].int() - 100
    bright = (draws[:, 0] * len(NAMES)).long() == NAMES.index("brightness")
    assert set(brighter[bright].tolist()) == {45, -45}


@pytest.mark.parametrize("alpha", [0.2, 1.0, 4.0])
def test_shares_have_the_beta_distribution(alpha: float) -> None:
    draws = torch.rand(4000, generator=torch.Generator().manual_seed(0))
    assert stats.kstest(beta_quantiles(draws, alpha).numpy(), stats.beta(alpha, alpha).cdf).pvalue > 1e-3


def mixing(**keys: float) -> Mixing:
    built = build_mixing(AugmentationConfig(**keys), seed=5, num_classes=4)
    assert built is not None
    return built


def test_mixup_gives_images_and_targets_the_same_shares() -> None:
    images = torch.zeros(400, 1, 3, 3)
    images[:, 0] = ALL.view(-1, 1, 1).float() / 400
    labels = ALL % 4
    mixed, targets = mixing(mixup=1.0)(images, labels, ALL, 0)
    own = targets.gather(1, labels[:, None])[:, 0]
    other = targets.gather(1, labels.roll(1)[:, None])[:, 0]
    torch.testing.assert_close(own + other, torch.ones(400))
    expected = own * images[:, 0, 0, 0] + other * images.roll(1, 0)[:, 0, 0, 0]
    torch.testing.assert_close(mixed[:, 0, 1, 1], expected)
    assert float(own.std()) > 0.2


def test_mixups_loss_is_the_mean_of_both_labels_losses_with_these_shares() -> None:
    images, labels = torch.rand(16, 3, 4, 4), torch.arange(16) % 4
    _, targets = mixing(mixup=0.7)(images, labels, ALL[:16], 0)
    logits = torch.randn(16, 4, dtype=torch.float64)
    entropies = torch.nn.functional.cross_entropy
    shares = targets.double().gather(1, labels[:, None])[:, 0]
    separate = shares * entropies(logits, labels, reduction="none")
    separate += (1 - shares) * entropies(logits, labels.roll(1), reduction="none")
    torch.testing.assert_close(entropies(logits, targets.double()), separate.mean(), atol=1e-6, rtol=0)


def test_cutmix_pastes_a_box_and_counts_its_pixels() -> None:
    images = torch.zeros(400, 2, 12, 10)
    images[:] = ALL.view(-1, 1, 1, 1).float() / 400
    labels = ALL % 4
    mixed, targets = mixing(cutmix=1.0)(images, labels, ALL, 1)
    pasted = mixed[:, 0] == images.roll(1, 0)[:, 0]
    assert torch.equal(pasted | (mixed[:, 0] == images[:, 0]), torch.ones_like(pasted))
    rows, columns = pasted.any(dim=2).sum(dim=1), pasted.any(dim=1).sum(dim=1)
    assert torch.equal(pasted.sum(dim=(1, 2)), rows * columns)
    shares = pasted.float().mean(dim=(1, 2))
    torch.testing.assert_close(targets.gather(1, labels.roll(1)[:, None])[:, 0], shares)
    assert float(shares.std()) > 0.15


def test_mixing_depends_on_seed_epoch_and_index() -> None:
    images, labels = torch.rand(8, 3, 6, 6), torch.arange(8) % 4
    both = mixing(mixup=1.0, cutmix=1.0)
    first = both(images, labels, ALL[:8], 0)
    assert all(torch.equal(a, b) for a, b in zip(first, both(images, labels, ALL[:8], 0), strict=True))
    assert not torch.equal(first[0], both(images, labels, ALL[:8], 1)[0])
    assert not torch.equal(first[0], both(images, labels, ALL[8:16], 0)[0])
