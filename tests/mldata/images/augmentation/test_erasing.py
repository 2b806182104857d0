"""Random erasing covers the configured area, with the configured aspect, and nothing else."""

import pytest
import torch
from drawn_images import noise_images
from mldata.images.augmentation.config import AugmentationConfig
from mldata.images.augmentation.erasing import draw_rectangles, erase_rectangles, rectangle_masks
from mldata.images.augmentation.pipeline import Augmentation, unit_floats
from scipy import stats


def erased(config: AugmentationConfig, images: torch.Tensor, epoch: int = 0) -> torch.Tensor:
    return erase_rectangles(unit_floats(images), config, 4, epoch, torch.arange(len(images)))


def test_each_erased_image_loses_one_rectangle_of_the_drawn_size_and_place() -> None:
    config = AugmentationConfig(erasing=0.5, erasing_fill=1.0)
    images = torch.zeros(400, 28, 28, 1, dtype=torch.uint8)
    found = erased(config, images).squeeze(1)
    chosen, rectangles = draw_rectangles(config, 4, 0, torch.arange(400), 28, 28)
    assert stats.binomtest(int(chosen.sum()), 400, 0.5).pvalue > 1e-5
    for image, is_chosen, (top, left, tall, wide) in zip(found, chosen, rectangles.tolist(), strict=True):
        expected = torch.zeros(28, 28)
        if is_chosen:
            expected[top : top + tall, left : left + wide] = 1.0
        assert torch.equal(image, expected)
        assert tall >= 1
        assert wide >= 1
        assert top + tall <= 28
        assert left + wide <= 28


@pytest.mark.parametrize(("height", "width"), [(32, 32), (28, 28), (40, 20), (64, 8)])
@pytest.mark.parametrize("area", [(0.02, 0.02), (0.1, 0.1), (0.4, 0.4), (0.9, 0.9), (1.0, 1.0)])
def test_the_erased_area_is_the_configured_one(height: int, width: int, area: tuple[float, float]) -> None:
    config = AugmentationConfig(erasing=1.0, erasing_area=area)
    _, rectangles = draw_rectangles(config, 0, 0, torch.arange(2000), height, width)
    tall, wide = rectangles[:, 2], rectangles[:, 3]
    covered = (tall * wide) / (height * width)
    # Rounding the sides moves an area by at most half a row or column of it.
    half_side = 0.5 * torch.maximum(tall, wide) / (height * width)
    assert bool(((covered - area[0]).abs() <= half_side + 1e-6).all())


def test_areas_are_uniform_and_aspects_log_uniform() -> None:
    config = AugmentationConfig(erasing=1.0, erasing_area=(0.02, 0.25), erasing_aspect=0.3)
    _, rectangles = draw_rectangles(config, 0, 0, torch.arange(5000), 2000, 2000)
    tall, wide = rectangles[:, 2].double(), rectangles[:, 3].double()
    areas = (tall * wide / 2000**2).numpy()
    aspects = (tall / wide).log().numpy()
    bound = -float(torch.tensor(0.3).log())
    assert stats.kstest(areas, stats.uniform(0.02, 0.23).cdf).pvalue > 1e-5
    assert stats.kstest(aspects, stats.uniform(-bound, 2 * bound).cdf).pvalue > 1e-5


def test_rectangles_reach_every_pixel() -> None:
    config = AugmentationConfig(erasing=1.0)
    _, rectangles = draw_rectangles(config, 0, 0, torch.arange(4000), 28, 28)
    hits = rectangle_masks(rectangles, 28, 28).sum(dim=0)
    assert int(hits.min()) > 0
    assert torch.equal(hits, rectangle_masks(rectangles, 28, 28).long().sum(0))


def test_all_channels_lose_the_same_rectangle_and_the_rest_keeps_every_bit() -> None:
    config = AugmentationConfig(erasing=1.0, erasing_fill=0.5)
    images = noise_images(50, 32, 32, 3)
    found, plain = erased(config, images), unit_floats(images)
    _, rectangles = draw_rectangles(config, 4, 0, torch.arange(50), 32, 32)
    inside = rectangle_masks(rectangles, 32, 32).unsqueeze(1).expand_as(plain)
    assert bool((found[inside] == 0.5).all())
    assert torch.equal(found[~inside], plain[~inside])


def test_noise_fills_every_pixel_and_channel_with_its_own_number() -> None:
    config = AugmentationConfig(erasing=1.0, erasing_fill="noise", erasing_area=(0.2, 0.3))
    found = erased(config, torch.zeros(60, 32, 32, 3, dtype=torch.uint8))
    values = found[found > 0].numpy()
    assert stats.kstest(values, "uniform").pvalue > 1e-5
    assert len(set(values.tolist())) > 0.99 * len(values)


def test_epochs_erase_other_rectangles() -> None:
    config = AugmentationConfig(erasing=1.0, erasing_fill=1.0)
    images = torch.zeros(20, 28, 28, 1, dtype=torch.uint8)
    assert not torch.equal(erased(config, images, 0), erased(config, images, 1))


def test_erasing_alone_leaves_the_callers_images_alone() -> None:
    images = noise_images(8)
    before = images.clone()
    Augmentation(AugmentationConfig(erasing=1.0), seed=0)(images, torch.arange(8), 0)
    assert torch.equal(images, before)
