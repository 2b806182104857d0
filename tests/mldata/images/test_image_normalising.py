"""Normalised images: torchvision's values, in either order of memory, the same bits always."""

from typing import Any

import numpy as np
import pytest
import torch
from mldata.images.normalising import Normalisation
from torchvision import transforms


def pictures(count: int, channels: int) -> torch.Tensor:
    """(N, H, W, C) bytes."""
    generator = torch.Generator().manual_seed(count)
    return torch.randint(0, 256, (count, 5, 6, channels), dtype=torch.uint8, generator=generator)


@pytest.mark.parametrize("channels_last", [False, True])
@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("as_floats", [False, True])
def test_values_are_torchvisions(channels: int, channels_last: bool, as_floats: bool) -> None:
    mean, std = [0.1307, 0.5, 0.9][:channels], [0.3081, 0.25, 0.01][:channels]
    images = pictures(10, channels)
    theirs = transforms.Compose([transforms.ToTensor(), transforms.Normalize(mean, std)])
    expected = torch.stack([theirs(image) for image in images.numpy()])
    given = images.permute(0, 3, 1, 2)
    given = given.float() / 255 if as_floats else given
    before = given.clone()
    ours = Normalisation(mean, std, channels)(given, channels_last=channels_last)
    torch.testing.assert_close(ours, expected, rtol=3e-6, atol=3e-6)
    assert torch.equal(given, before), "what was given is not changed"
    layout = torch.channels_last if channels_last else torch.contiguous_format
    assert ours.dtype == torch.float32
    assert ours.is_contiguous(memory_format=layout)
    if channels_last:
        assert ours.stride()[1] == 1


def test_one_number_serves_all_channels() -> None:
    images = pictures(4, 3).permute(0, 3, 1, 2)
    assert torch.equal(Normalisation(0.5, 0.2, 3)(images), Normalisation([0.5] * 3, [0.2] * 3, 3)(images))


def test_bits_are_those_of_two_roundings_whatever_the_number_of_threads() -> None:
    images = pictures(600, 1).permute(0, 3, 1, 2)
    expected = images.numpy().astype(np.float32) * np.float32(1 / (255 * 0.3081))
    expected += np.float32(-0.1307 / 0.3081)
    before = torch.get_num_threads()
    try:
        for threads in (1, 2):
            torch.set_num_threads(threads)
            seen = Normalisation(0.1307, 0.3081, 1)(images)
            np.testing.assert_array_equal(seen.numpy(), expected)
    finally:
        torch.set_num_threads(before)


@pytest.mark.parametrize(
    ("mean", "std", "message"),
    [
        (0.5, 0.0, "std is 0.0; every value must be above 0"),
        (0.5, [0.1, -0.1, 0.1], "every value must be above 0"),
        (0.5, float("nan"), "std is nan; every value must be finite"),
        (float("inf"), 0.5, "mean is inf"),
        ([0.1, 0.2], 0.5, "mean has 2 values; the images have 3 channel"),
    ],
)
def test_mistakes_are_named(mean: Any, std: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Normalisation(mean, std, 3)
