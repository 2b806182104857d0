"""The whole augmentation: reproducible by (seed, epoch, index), kept in range, and identical where it is off."""

import math
from typing import Any

import pytest
import torch
from drawn_images import noise_images, stroke_images
from hypothesis import given, settings
from hypothesis import strategies as st
from mldata.images.augmentation.config import AugmentationConfig
from mldata.images.augmentation.parameters import draw_parameters
from mldata.images.augmentation.pipeline import Augmentation, build_augmentation, unit_floats
from scipy import stats
from torchvision.transforms import functional as vision

FULL: dict[str, Any] = {
    "rotation": 15,
    "translation": 2,
    "scale": 0.1,
    "shear": 10,
    "elastic_alpha": 34,
    "erasing": 0.3,
    "erasing_fill": "noise",
}
KINDS: dict[str, dict[str, Any]] = {
    "full": FULL,
    "half": {**FULL, "probability": 0.5, "padding": "reflection"},
    "affine": {"rotation": 20, "padding": "border"},
    "elastic": {"elastic_alpha": 20, "elastic_sigma": 3},
    "shift": {"translation": 3, "whole_pixels": True},
    "shift and flip": {
        "translation": 4,
        "whole_pixels": True,
        "horizontal_flip": 0.5,
        "padding": "reflection",
    },
    "flip": {"horizontal_flip": 0.5, "probability": 0.8},
    "erasing": {"erasing": 0.7},
    "colours and cutout": {"brightness": 0.4, "contrast": 0.5, "saturation": 0.6, "cutout": 5},
    "rand_augment": {"rand_augment_ops": 2, "rand_augment_magnitude": 0.4},
    "auto_augment": {"auto_augment": True},
}


def augmentation(kind: str, seed: int = 5) -> Augmentation:
    built = build_augmentation(AugmentationConfig(**KINDS[kind]), seed=seed)
    assert built is not None
    return built


def test_plain_conversion_is_torchvisions() -> None:
    images = noise_images(4, 7, 9, 3)
    expected = torch.stack([vision.to_tensor(image.numpy()) for image in images])
    found = unit_floats(images)
    assert torch.equal(found, expected)
    assert found.is_contiguous()


@pytest.mark.parametrize("kind", KINDS)
@settings(deadline=None, max_examples=15)
@given(data=st.data())
def test_an_image_comes_out_the_same_to_the_bit_in_any_batch_and_order(
    kind: str, data: st.DataObject
) -> None:
    images, change = noise_images(40), augmentation(kind)
    order = torch.tensor(data.draw(st.permutations(range(40))))
    cuts = sorted(data.draw(st.lists(st.integers(0, 40), max_size=4)))
    whole = change(images, torch.arange(40), 3)
    parts = [change(images[rows], rows, 3) for rows in order.tensor_split(cuts)]
    assert torch.equal(torch.cat(parts), whole[order])


@pytest.mark.parametrize("kind", ["full", "shift and flip"])
def test_large_batches_threads_and_chunks_change_no_bit(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    images, indices, change = noise_images(700), torch.arange(700), augmentation(kind)
    whole = change(images, indices, 0)
    alone = [change(images[i : i + 1], indices[i : i + 1], 0) for i in range(0, 700, 97)]
    assert torch.equal(torch.cat(alone), whole[::97])
    threads = torch.get_num_threads()
    try:
        torch.set_num_threads(3)
        assert torch.equal(change(images, indices, 0), whole)
    finally:
        torch.set_num_threads(threads)
    monkeypatch.setattr("mldata.images.augmentation.pipeline._PIXELS_A_CHUNK", 10_000)
    assert torch.equal(change(images, indices, 0), whole)


@pytest.mark.parametrize("kind", KINDS)
def test_epochs_seeds_and_indices_give_other_images(kind: str) -> None:
    images = noise_images(1).expand(60, -1, -1, -1)
    base = augmentation(kind)(images, torch.arange(60), 0)
    assert torch.equal(base, augmentation(kind)(images, torch.arange(60), 0))
    others = [
        augmentation(kind)(images, torch.arange(60), 1),
        augmentation(kind, seed=6)(images, torch.arange(60), 0),
        augmentation(kind)(images, torch.arange(60) + 60, 0),
    ]
    for other in others:
        same = (base == other).flatten(1).all(dim=1).float().mean()
        assert float(same) < 0.8
    assert len(base.flatten(1).unique(dim=0)) > 1


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("shape", [(28, 28, 1), (32, 32, 3), (9, 17, 2)])
def test_pixels_stay_in_range_and_the_callers_bytes_as_they_are(
    kind: str, shape: tuple[int, int, int]
) -> None:
    images = noise_images(30, *shape)
    before = images.clone()
    found = augmentation(kind)(images, torch.arange(30), 2)
    assert found.dtype == torch.float32
    assert found.shape == (30, shape[2], *shape[:2])
    assert found.is_contiguous()
    assert bool(found.isfinite().all())
    assert float(found.min()) >= 0.0
    assert float(found.max()) <= 1.0
    assert torch.equal(images, before)


def test_images_that_are_not_chosen_keep_every_bit() -> None:
    images, indices = noise_images(300), torch.arange(300)
    config = AugmentationConfig(rotation=20, elastic_alpha=30, probability=0.4)
    found, plain = Augmentation(config, seed=2)(images, indices, 0), unit_floats(images)
    same = (found == plain).flatten(1).all(dim=1)
    enabled = draw_parameters(config, 2, 0, indices).enabled
    assert torch.equal(same, ~enabled)
    assert stats.binomtest(int(enabled.sum()), 300, 0.4).pvalue > 1e-5


def test_an_augmentation_without_strength_is_the_plain_conversion() -> None:
    images = noise_images(5)
    found = Augmentation(AugmentationConfig(), seed=0)(images, torch.arange(5), 0)
    assert torch.equal(found, unit_floats(images))


def test_copied_shifts_and_flips_are_the_resampled_ones() -> None:
    images, indices = noise_images(60, 20, 26, 3), torch.arange(60)
    for padding in ("zeros", "border", "reflection"):
        changes = {"translation": 4, "whole_pixels": True, "horizontal_flip": 0.5, "padding": padding}
        copied = Augmentation(AugmentationConfig(**changes), seed=1)
        resampled = Augmentation(AugmentationConfig(**changes, rotation=1e-9), seed=1)
        assert not copied.config.resamples
        assert resampled.config.resamples
        torch.testing.assert_close(
            copied(images, indices, 0), resampled(images, indices, 0), atol=2e-5, rtol=0
        )


def test_all_channels_are_changed_alike() -> None:
    grey = noise_images(20)
    config = AugmentationConfig(**{**FULL, "erasing_fill": 0.3})
    found = Augmentation(config, seed=0)(grey.expand(-1, -1, -1, 3), torch.arange(20), 1)
    expected = Augmentation(config, seed=0)(grey, torch.arange(20), 1)
    assert torch.equal(found, expected.expand(-1, 3, -1, -1))


def test_parameters_follow_their_distributions() -> None:
    config = AugmentationConfig(rotation=30, translation=2.5, scale=0.2, shear=10, horizontal_flip=0.3)
    drawn = draw_parameters(config, 9, 0, torch.arange(10_000))
    ranges = {
        "angles": math.radians(30),
        "shears": math.radians(10),
        "shifts_x": 2.5,
        "shifts_y": 2.5,
    }
    for name, reach in ranges.items():
        values = getattr(drawn, name).numpy()
        assert stats.kstest(values, stats.uniform(-reach, 2 * reach).cdf).pvalue > 1e-5, name
    assert stats.kstest(drawn.scales.numpy(), stats.uniform(0.8, 0.4).cdf).pvalue > 1e-5
    assert stats.binomtest(int(drawn.flipped.sum()), 10_000, 0.3).pvalue > 1e-5
    names = [*ranges, "scales"]
    for i, one in enumerate(names):
        for other in names[:i]:
            pair = stats.pearsonr(getattr(drawn, one).numpy(), getattr(drawn, other).numpy())
            assert pair.pvalue > 1e-5, (one, other)


def test_whole_shifts_are_whole_and_equally_probable() -> None:
    config = AugmentationConfig(translation=2, whole_pixels=True)
    drawn = draw_parameters(config, 9, 0, torch.arange(10_000))
    for shifts in (drawn.shifts_x, drawn.shifts_y):
        values, counts = shifts.unique(return_counts=True)
        assert values.tolist() == [-2.0, -1.0, 0.0, 1.0, 2.0]
        assert stats.chisquare(counts.numpy()).pvalue > 1e-5


def test_switching_one_change_on_leaves_the_draws_of_the_others_alone() -> None:
    alone = draw_parameters(AugmentationConfig(rotation=10), 1, 2, torch.arange(50))
    config = AugmentationConfig(rotation=10, shear=5, translation=3, horizontal_flip=0.5)
    assert torch.equal(draw_parameters(config, 1, 2, torch.arange(50)).angles, alone.angles)


def test_the_mass_of_a_digit_is_roughly_kept() -> None:
    images = stroke_images(400)
    config = AugmentationConfig(rotation=15, translation=1, shear=10, elastic_alpha=34)
    found = Augmentation(config, seed=0)(images, torch.arange(400), 0)
    ratios = found.flatten(1).sum(1) / unit_floats(images).flatten(1).sum(1)
    assert float(ratios.mean()) == pytest.approx(1.0, abs=0.02)
    assert float(ratios.min()) > 0.6
    assert float(ratios.max()) < 1.5


def test_scaling_changes_the_mass_by_the_square_of_the_factor() -> None:
    images = stroke_images(200)
    config = AugmentationConfig(scale=0.3)
    found = Augmentation(config, seed=3)(images, torch.arange(200), 0)
    scales = draw_parameters(config, 3, 0, torch.arange(200)).scales.float()
    ratios = found.flatten(1).sum(1) / unit_floats(images).flatten(1).sum(1)
    torch.testing.assert_close(ratios, scales.square(), atol=0.02, rtol=0.03)


def test_shifts_move_the_centre_of_mass_right_and_down() -> None:
    images = stroke_images(100)
    config = AugmentationConfig(translation=2.5)
    found = Augmentation(config, seed=3)(images, torch.arange(100), 0).squeeze(1)
    drawn = draw_parameters(config, 3, 0, torch.arange(100))
    places = torch.arange(28.0) - 13.5
    mass = found.sum((1, 2))
    x, y = found.sum(1) @ places / mass, found.sum(2) @ places / mass
    torch.testing.assert_close(x, drawn.shifts_x.float(), atol=0.05, rtol=0)
    torch.testing.assert_close(y, drawn.shifts_y.float(), atol=0.05, rtol=0)


def test_an_empty_batch_stays_empty() -> None:
    for kind in KINDS:
        assert augmentation(kind)(noise_images(0), torch.arange(0), 0).shape == (0, 1, 28, 28)


@pytest.mark.parametrize(
    ("images", "indices", "message"),
    [
        (torch.zeros(2, 28, 28, 1), torch.arange(2), "expected uint8"),
        (torch.zeros(2, 28, 28, dtype=torch.uint8), torch.arange(2), r"expected uint8 \(B, H, W, C\)"),
        (torch.zeros(2, 28, 28, 1, dtype=torch.uint8), torch.arange(3), "one an image"),
    ],
)
def test_what_is_no_batch_of_bytes_is_refused(
    images: torch.Tensor, indices: torch.Tensor, message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        augmentation("full")(images, indices, 0)


def test_its_description_names_what_is_on() -> None:
    assert repr(augmentation("affine", seed=7)) == "Augmentation(rotation=20.0, padding=border, seed=7)"
