"""The contact sheet shows the originals and the very versions that training sees."""

import io

import numpy as np
import pytest
import torch
from drawn_images import noise_images
from mldata.images.augmentation import AugmentationConfig, augmentation_sheet, build_augmentation
from mldata.images.augmentation.pipeline import unit_floats


@pytest.mark.parametrize("channels", [1, 3])
def test_the_sheet_shows_originals_and_their_versions_of_successive_epochs(channels: int) -> None:
    images, indices = noise_images(3, 12, 16, channels), torch.tensor([7, 2, 40])
    augmentation = build_augmentation(AugmentationConfig(rotation=20), seed=1)
    assert augmentation is not None
    figure = augmentation_sheet(
        images, augmentation, indices=indices, num_versions=2, first_epoch=5, names=["a", "b", "c"]
    )
    shown = [axes.get_images()[0].get_array() for axes in figure.axes]
    expected = [unit_floats(images), augmentation(images, indices, 5), augmentation(images, indices, 6)]
    assert len(shown) == 9
    for row in range(3):
        for column in range(3):
            picture = expected[column][row].permute(1, 2, 0).numpy()
            np.testing.assert_array_equal(np.asarray(shown[3 * row + column]).reshape(picture.shape), picture)
    assert [axes.get_ylabel() for axes in figure.axes[::3]] == ["a", "b", "c"]
    assert [axes.get_title() for axes in figure.axes[:3]] == ["original", "epoch 5", "epoch 6"]
    figure.savefig(io.BytesIO(), format="png")


def test_without_an_augmentation_the_originals_are_shown() -> None:
    images = noise_images(2, 8, 8)
    figure = augmentation_sheet(images, None, num_versions=1)
    shown = [np.asarray(axes.get_images()[0].get_array()) for axes in figure.axes]
    np.testing.assert_array_equal(shown[0], shown[1])


@pytest.mark.parametrize(
    ("shape", "changes", "message"),
    [
        ((0, 8, 8, 1), {}, "cannot draw 0 images"),
        ((2, 8, 8, 2), {}, "2 channels"),
        ((2, 8, 8, 1), {"num_versions": 0}, "0 versions"),
        ((2, 8, 8, 1), {"names": ["a"]}, "1 names for 2 images"),
    ],
)
def test_what_cannot_be_drawn_is_refused(
    shape: tuple[int, int, int, int], changes: dict[str, object], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        augmentation_sheet(noise_images(*shape), None, **changes)  # type: ignore[arg-type]
