"""AutoAugment's policy and changes against torchvision's; its draws against the policy's probabilities."""

import math

import pytest
import torch
from mldata.images.augmentation.auto_augment import POLICY, auto_augment
from mldata.images.augmentation.config import AugmentationConfig
from mldata.images.augmentation.rand_augment import GEOMETRIC, SIGNED, apply_op
from pydantic import ValidationError
from scipy import stats
from test_photograph_changes import photographs
from torchvision.transforms import AutoAugment, AutoAugmentPolicy, InterpolationMode
from torchvision.transforms.autoaugment import _apply_op
from torchvision.transforms.v2 import functional as vision

THEIRS = {
    "saturation": "Color",
    "autocontrast": "AutoContrast",
    "shear_y": "ShearY",
    "translate_x": "TranslateX",
    "translate_y": "TranslateY",
}
CHANGES = sorted({(name, strength) for pair in POLICY for name, _, strength in pair})


def their_name(name: str) -> str:
    return THEIRS.get(name, name.capitalize())


def test_the_policy_is_torchvisions() -> None:
    ours = [
        tuple((their_name(name), probability, strength) for name, probability, strength in pair)
        for pair in POLICY
    ]
    theirs = [
        tuple((name, probability, strength or 0) for name, probability, strength in pair)
        for pair in AutoAugment(AutoAugmentPolicy.CIFAR10).policies
    ]
    assert ours == theirs


def theirs(images: torch.Tensor, name: str, strength: int, sign: int) -> tuple[torch.Tensor, float]:
    """What torchvision makes of (N, C, H, W), and its magnitude."""
    space = AutoAugment(AutoAugmentPolicy.CIFAR10)._augmentation_space(10, (32, 32))
    magnitudes, is_signed = space[their_name(name)]
    magnitude = float(magnitudes[strength]) if magnitudes.ndim else 0.0
    magnitude = sign * magnitude if is_signed else magnitude
    if name == "shear_y":  # theirs is about a corner; the same map about the centre is their `affine`
        degrees = math.degrees(math.atan(magnitude))
        keys = {"angle": 0.0, "translate": [0, 0], "scale": 1.0, "shear": [0.0, degrees]}
        return vision.affine(images, interpolation=InterpolationMode.BILINEAR, **keys), magnitude
    return _apply_op(images, their_name(name), magnitude, InterpolationMode.BILINEAR, None), magnitude


def ours(images: torch.Tensor, name: str, share: float) -> torch.Tensor:
    """(N, C, H, W) floats of bytes."""
    changed = apply_op(name, images, torch.full((len(images),), share, dtype=torch.float64))
    return changed.permute(0, 3, 1, 2).float()


@pytest.mark.parametrize("sign", [1, -1])
@pytest.mark.parametrize(("name", "strength"), [change for change in CHANGES if change[0] not in GEOMETRIC])
def test_each_change_of_colour_is_torchvisions(name: str, strength: int, sign: int) -> None:
    images = photographs()
    planes, found = images.permute(0, 3, 1, 2), ours(images, name, sign * strength / 9)
    if name in SIGNED:  # theirs on bytes cuts fractions off, ours rounds: floats are compared
        expected, allowed = 255 * theirs(planes.float() / 255, name, strength, sign)[0], 0.501
    else:
        expected, allowed = theirs(planes, name, strength, sign)[0].float(), 1.0 * (name == "autocontrast")
    assert float((found - expected).abs().max()) <= allowed
    assert strength == 0 or not torch.equal(found, planes.float())


@pytest.mark.parametrize(("name", "strength"), [change for change in CHANGES if change[0] in GEOMETRIC])
def test_each_change_of_place_is_torchvisions_in_one_of_the_two_directions(name: str, strength: int) -> None:
    images = photographs()
    expected, magnitude = theirs(images.permute(0, 3, 1, 2).float(), name, strength, 1)
    # Theirs moves by whole pixels, ours by fractions: compared at theirs.
    share = strength / 9 * (int(magnitude) / magnitude if name.startswith("translate") else 1)
    inner = (slice(None), slice(None), slice(5, -5), slice(5, -5))
    distances = [float((ours(images, name, sign * share) - expected)[inner].abs().mean()) for sign in (1, -1)]
    assert min(distances) < 0.6
    assert max(distances) > 3.0


def test_pairs_and_their_changes_happen_as_often_as_the_policy_says() -> None:
    """In the middle of an even grey, brightness gives values that nothing else gives, inversion and one solarization
    another one.
    """
    count = 20_000
    flat = torch.full((count, 8, 8, 3), 100, dtype=torch.uint8)
    shown = auto_augment(flat, 3, 0, torch.arange(count))[:, 4, 4, 0].int()
    expected = {155: 0.1 + 0.1 + 0.2}
    for pair in POLICY:
        for name, probability, strength in pair:
            if name == "brightness":
                for sign in (1, -1):
                    value = round(100 * (1 + sign * 0.9 * strength / 9))
                    expected[value] = expected.get(value, 0.0) + probability / 2
    for value, rate in expected.items():
        hits = int((shown == value).sum())
        assert stats.binomtest(hits, count, rate / len(POLICY)).pvalue > 1e-4, (value, hits)


def test_what_happens_depends_on_seed_epoch_and_index_alone() -> None:
    images, indices = photographs(), torch.arange(6) + 100
    whole = auto_augment(images, 5, 2, indices)
    for position in range(6):
        alone = auto_augment(images[position : position + 1], 5, 2, indices[position : position + 1])
        assert torch.equal(alone[0], whole[position])
    assert not torch.equal(auto_augment(images, 5, 3, indices), whole)
    assert not torch.equal(auto_augment(images, 6, 2, indices), whole)
    assert not torch.equal(auto_augment(images, 5, 2, indices + 6), whole)


def test_one_of_the_two_policies_is_enough() -> None:
    with pytest.raises(ValidationError, match="give one of them"):
        AugmentationConfig(auto_augment=True, rand_augment_ops=2)
    assert not AugmentationConfig(auto_augment=True).is_off
