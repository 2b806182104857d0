"""Whole shifts and flips by copying bytes, against torch.roll and NumPy's padding."""

import numpy as np
import pytest
import torch
from drawn_images import noise_images
from hypothesis import given, settings
from hypothesis import strategies as st
from mldata.images.augmentation.config import Padding
from mldata.images.augmentation.shifting import flip_images, pad_images, shift_images

NUMPY_MODE = {"zeros": "constant", "border": "edge", "reflection": "symmetric"}


@pytest.mark.parametrize("padding", NUMPY_MODE)
@pytest.mark.parametrize("reach", [1, 4, 7])
@pytest.mark.parametrize("shape", [(2, 9, 12, 3), (1, 28, 28, 1), (3, 5, 5, 1)])
def test_padding_is_numpys(padding: Padding, reach: int, shape: tuple[int, int, int, int]) -> None:
    images = noise_images(*shape)
    around = ((0, 0), (reach, reach), (reach, reach), (0, 0))
    expected = np.pad(images.numpy(), around, mode=NUMPY_MODE[padding])  # type: ignore[call-overload]
    np.testing.assert_array_equal(pad_images(images, reach, padding).numpy(), expected)


@settings(deadline=None, max_examples=40)
@given(
    shifts=st.lists(st.tuples(st.integers(-3, 3), st.integers(-3, 3)), min_size=1, max_size=6),
    channels=st.sampled_from([1, 3]),
    padding=st.sampled_from(sorted(NUMPY_MODE)),
)
def test_every_image_is_shifted_by_its_own_pixels(
    shifts: list[tuple[int, int]], channels: int, padding: Padding
) -> None:
    images = noise_images(len(shifts), 10, 13, channels)
    x, y = torch.tensor(shifts).unbind(1)
    found = shift_images(images, x, y, 3, padding)
    padded = pad_images(images, 3, padding)
    for image, frame, (right, down) in zip(found, padded, shifts, strict=True):
        assert torch.equal(image, frame.roll((down, right), (0, 1))[3:-3, 3:-3])


def test_shifts_agree_with_roll_inside_the_image() -> None:
    images = noise_images(1, 28, 28, 1)
    found = shift_images(images, torch.tensor([2]), torch.tensor([-1]), 2, "zeros")
    assert torch.equal(found[:, 2:-2, 2:-2], images.roll((-1, 2), (1, 2))[:, 2:-2, 2:-2])
    assert int(found[:, :, :2].sum()) == int(found[:, -1:].sum()) == 0


def test_only_the_chosen_images_are_flipped() -> None:
    images = noise_images(4, 5, 6, 3)
    found = flip_images(images, torch.tensor([True, False, False, True]))
    expected = torch.stack([images[0].flip(1), images[1], images[2], images[3].flip(1)])
    assert torch.equal(found, expected)
