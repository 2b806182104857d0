"""The benchmark of augmentation: both sides make the same changes of the same images."""

import pytest
import torch
from mldata.errors import DataError
from mldata.images.colour_benchmark import measure, our_configs, ours, their_transforms, theirs
from mldata.images.dataset import ImageDataset


def some_images(num: int = 60, channels: int = 3) -> ImageDataset:
    coarse = torch.rand(num, channels, 4, 4, generator=torch.Generator().manual_seed(0))
    smooth = torch.nn.functional.interpolate(coarse, size=32, mode="bilinear").permute(0, 2, 3, 1)
    images = (255 * smooth).to(torch.uint8).contiguous()
    labels = torch.arange(num) % 10
    return ImageDataset("smooth", "train", images, labels, tuple("0123456789"), torch.arange(num))


@pytest.mark.parametrize("kind", ["crop_flip", "crop_flip_cutout", "crop_flip_colour"])
def test_both_sides_give_every_image_once_with_the_same_distribution(kind: str) -> None:
    images = some_images()
    sides = (
        theirs(images, their_transforms(images)[kind], 30, 0),
        ours(images, our_configs()[kind], 30),
    )
    moments = []
    for side in sides:
        pixels, labels = (torch.cat(parts) for parts in zip(*side, strict=True))
        assert pixels.shape == (60, 3, 32, 32)
        assert labels.sort().values.tolist() == images.labels.sort().values.tolist()
        moments.append(torch.stack((pixels.mean(), pixels.std())))
    torch.testing.assert_close(*moments, atol=0.12, rtol=0)


def test_ratios_are_measured_for_every_kind_that_is_asked_for() -> None:
    found = measure(some_images(20), kinds=["rand_augment"], batch_size=10, workers=0, repeats=1)
    ratio = found["rand_augment"]["ratio"]["torchvision_0_workers"]
    assert found["table"][2].startswith("| rand augment | ")
    assert found["table"][2].endswith(f"| {ratio:.1f} | {ratio:.1f} to {ratio:.1f} |")
    seconds = found["rand_augment"]["median_seconds"]
    assert ratio == pytest.approx(seconds["torchvision_0_workers"] / seconds["image_batches"])
    with pytest.raises(DataError, match="not in colour"):
        measure(some_images(20, channels=1), kinds=[], batch_size=10, workers=0, repeats=1)
