"""Spoilt copies, against SciPy's filter, the standard library's HSV, and the noise's own distribution."""

import colorsys

import numpy as np
import pytest
import torch
from mldata.images.corruptions import SEVERITIES, blur, brighten, corrupted
from mldata.images.dataset import ImageDataset
from scipy import ndimage


def some_images(num: int = 6, shade: int | None = None) -> ImageDataset:
    pixels = torch.randint(0, 256, (num, 12, 10, 3), generator=torch.Generator().manual_seed(0)).to(
        torch.uint8
    )
    if shade is not None:
        pixels.fill_(shade)
    return ImageDataset("noise", "test", pixels, torch.arange(num) % 2, ("a", "b"), torch.arange(num))


@pytest.mark.parametrize("deviation", [0.4, 1.0])
def test_blur_is_scipys_gaussian_filter(deviation: float) -> None:
    floats = torch.rand(2, 12, 10, 3, dtype=torch.float64)
    expected = ndimage.gaussian_filter(
        floats.numpy(), (0, deviation, deviation, 0), mode="nearest", truncate=4.0
    )
    np.testing.assert_allclose(blur(floats, deviation).numpy(), expected, atol=1e-12)


def test_brightness_raises_the_value_of_hsv_and_nothing_else() -> None:
    floats = torch.rand(1, 4, 5, 3, dtype=torch.float64)
    found = brighten(floats, 0.2)
    for pixel, changed in zip(floats.reshape(-1, 3).tolist(), found.reshape(-1, 3).tolist(), strict=True):
        hue, saturation, value = colorsys.rgb_to_hsv(*pixel)
        assert changed == pytest.approx(colorsys.hsv_to_rgb(hue, saturation, min(1.0, value + 0.2)))
    assert brighten(torch.zeros(1, 1, 1, 3), 0.3).flatten().tolist() == pytest.approx([0.3] * 3)


def test_noise_has_its_deviation_and_depends_on_the_image_alone() -> None:
    images = some_images(300, shade=128)
    found = corrupted(images, "noise", 3)
    assert float(found.images.double().std() / 255) == pytest.approx(0.08, rel=0.02)
    part = corrupted(images.subset([7, 3]), "noise", 3)
    assert torch.equal(part.images, found.images[[7, 3]])


def test_contrast_keeps_the_mean_and_shrinks_the_spread() -> None:
    images = some_images()
    found = corrupted(images, "contrast", 2).images.double()
    before = images.images.double()
    torch.testing.assert_close(found.mean(dim=(1, 2)), before.mean(dim=(1, 2)), atol=0.5, rtol=0)
    torch.testing.assert_close(found.std(dim=(1, 2)), 0.5 * before.std(dim=(1, 2)), atol=0.5, rtol=0)


@pytest.mark.parametrize("kind", SEVERITIES)
def test_every_severity_is_worse_than_the_one_before(kind: str) -> None:
    images = some_images()
    distances = [
        float((corrupted(images, kind, severity).images.double() - images.images.double()).square().mean())
        for severity in range(1, 6)
    ]
    assert distances == sorted(distances)
    assert distances[0] > 0


def test_an_unknown_kind_or_severity_is_named() -> None:
    with pytest.raises(ValueError, match="did you mean 'noise'"):
        corrupted(some_images(), "nois", 1)
    with pytest.raises(ValueError, match="1 to 5"):
        corrupted(some_images(), "blur", 6)
