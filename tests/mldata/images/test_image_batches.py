"""Batches of images: each image once an epoch, whatever stops and resumes; ranks, threads, augmentation."""

import itertools
import random
import threading
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from mldata import load_images
from mldata.errors import DataError
from mldata.images import ImageBatches, ImageDataset
from mldata.images.config import ProgressiveResizingConfig
from pydantic import ValidationError

Batches = list[tuple[torch.Tensor, torch.Tensor]]


def pictures(count: int, channels: int = 1, split: str = "train") -> ImageDataset:
    """Random images; the label of image i is i: it shows which image a row is."""
    generator = torch.Generator().manual_seed(count)
    images = torch.randint(0, 256, (count, 5, 6, channels), dtype=torch.uint8, generator=generator)
    positions = torch.arange(count)
    return ImageDataset("random", split, images, positions, tuple(map(str, range(count))), positions * 10)


def batches_of(dataset: ImageDataset, **options: Any) -> ImageBatches:
    return ImageBatches(dataset, **{"batch_size": 4, "mean": 0.1307, "std": 0.3081, **options})


def rows(batches: Batches) -> list[int]:
    return [label for _, labels in batches for label in labels.tolist()]


def assert_equal(one: Batches, two: Batches) -> None:
    assert len(one) == len(two)
    for a, b in zip(one, two, strict=True):
        assert torch.equal(a[0], b[0])
        assert torch.equal(a[1], b[1])


def test_the_normalised_train_set_has_mean_0_and_deviation_1() -> None:
    dataset = load_images("digits")
    mean, std = dataset.channel_statistics()
    images = torch.cat([images for images, _ in batches_of(dataset, mean=mean, std=std)]).double()
    assert float(images.mean()) == pytest.approx(0, abs=1e-5)
    assert float(images.std(correction=0)) == pytest.approx(1, abs=1e-5)


@given(
    st.integers(1, 40), st.integers(1, 9), st.booleans(), st.booleans(), st.integers(0, 9), st.integers(0, 5)
)
@settings(max_examples=150, deadline=None)
def test_an_epoch_holds_each_image_once(
    count: int, batch_size: int, shuffle: bool, drop_last: bool, seed: int, epoch: int
) -> None:
    options = {"batch_size": min(batch_size, count), "shuffle": shuffle, "drop_last": drop_last, "seed": seed}
    batches = batches_of(pictures(count), **options)
    batches.set_epoch(epoch)
    seen = list(batches)
    assert len(seen) == len(batches)
    labels = rows(seen)
    assert len(set(labels)) == len(labels)
    kept = count - count % options["batch_size"] if drop_last else count
    assert len(labels) == kept
    if not shuffle:
        assert labels == list(range(kept))


def test_images_keep_their_labels() -> None:
    dataset = pictures(50, 3)
    for images, labels in batches_of(dataset, mean=0.0, std=1.0, shuffle=True):
        expected = dataset.images[labels].permute(0, 3, 1, 2)
        assert torch.equal((images * 255).round().to(torch.uint8), expected)


def test_order_is_a_function_of_seed_and_epoch_alone() -> None:
    torch.manual_seed(0)
    state = torch.get_rng_state()
    one = batches_of(pictures(30), shuffle=True, seed=5)
    first = rows(list(one))
    assert torch.equal(torch.get_rng_state(), state)
    torch.manual_seed(1)
    again = batches_of(pictures(30), shuffle=True, seed=5, batch_size=7)
    assert rows(list(again)) == first
    assert rows(list(again)) != first, "the second epoch has an order of its own"
    assert rows(list(batches_of(pictures(30), shuffle=True, seed=6))) != first
    again.set_epoch(0)
    assert rows(list(again)) == first


def test_a_thousand_stops_and_resumes_give_the_uninterrupted_epoch() -> None:
    chance = random.Random(3)
    for _ in range(1_000):
        dataset, epoch = pictures(chance.randint(8, 30)), chance.randint(0, 4)
        options = {
            "batch_size": chance.randint(1, 8),
            "seed": chance.randint(0, 99),
            "shuffle": chance.random() < 0.8,
            "drop_last": chance.random() < 0.5,
        }
        whole = batches_of(dataset, **options)
        whole.set_epoch(epoch)
        expected = list(whole)
        stop = chance.randint(0, len(expected))
        first = batches_of(dataset, **options)
        first.set_epoch(epoch)
        before = list(itertools.islice(first, stop))
        state = first.state_dict()
        assert state == {"epoch": epoch, "position": stop}
        second = batches_of(dataset, **options)
        second.load_state_dict({**state, "of_someone_else": 1})
        second.set_epoch(epoch)
        assert_equal(before + list(second), expected)


def test_position_counts_batches_handed_out_and_an_ended_epoch_leads_to_the_next() -> None:
    batches = batches_of(pictures(30), shuffle=True)
    list(batches)
    assert batches.state_dict() == {"epoch": 1, "position": 0}
    batches.load_state_dict({"epoch": 1, "position": 3})
    assert len(list(batches)) == len(batches) - 3
    batches.set_epoch(1)
    assert len(list(batches)) == len(batches)


def test_a_look_at_the_first_batch_does_not_take_it_away() -> None:
    batches = batches_of(pictures(30), shuffle=True)
    looked_at = next(iter(batches))
    assert torch.equal(next(iter(batches))[0], looked_at[0])
    assert len(list(batches)) == len(batches)


def shifted_by_index(images: torch.Tensor, indices: torch.Tensor, epoch: int) -> torch.Tensor:
    """An augmentation that shows what it was called with."""
    offset = (indices + 1000 * epoch).float()[:, None, None, None] / 1e5
    return images.permute(0, 3, 1, 2).float() / 255 + offset


@pytest.mark.parametrize("augmentation", [None, shifted_by_index])
@pytest.mark.parametrize("workers", [1, 3])
def test_workers_change_no_bit_and_no_position(workers: int, augmentation: Any) -> None:
    options = {"shuffle": True, "seed": 2, "augmentation": augmentation}
    expected = list(batches_of(pictures(90), **options))
    threaded = batches_of(pictures(90), num_workers=workers, **options)
    for stop in (0, 1, 5, len(expected)):
        threaded.load_state_dict({"epoch": 0, "position": 0})
        taken = list(itertools.islice(threaded, stop))
        assert threaded.state_dict() == {"epoch": 0, "position": stop}
        threaded.load_state_dict(threaded.state_dict())
        assert_equal(taken + list(threaded), expected)


def test_an_iteration_given_up_leaves_no_thread_behind() -> None:
    before = threading.active_count()
    iterator = iter(batches_of(pictures(90), num_workers=3))
    next(iterator)
    iterator.close()  # type: ignore[attr-defined]
    assert threading.active_count() == before


def test_an_error_in_the_augmentation_reaches_the_consumer() -> None:
    def broken(images: torch.Tensor, indices: torch.Tensor, epoch: int) -> torch.Tensor:
        raise RuntimeError("broken")

    for workers in (0, 2):
        with pytest.raises(RuntimeError, match="broken"):
            list(batches_of(pictures(30), augmentation=broken, num_workers=workers))


def test_augmentation_gets_bytes_indices_and_epoch_and_is_normalised_after() -> None:
    dataset = pictures(9, 3)
    batches = batches_of(dataset, augmentation=shifted_by_index, mean=0.25, std=0.5)
    for epoch in range(2):
        for images, labels in batches:
            bytes_ = dataset.images[labels]
            expected = (shifted_by_index(bytes_, labels * 10, epoch) - 0.25) / 0.5
            torch.testing.assert_close(images, expected, rtol=1e-5, atol=1e-6)


def test_an_augmentation_may_give_bytes() -> None:
    def turned(images: torch.Tensor, _indices: torch.Tensor, _epoch: int) -> torch.Tensor:
        return images.flip(2).permute(0, 3, 1, 2)

    dataset = pictures(8)
    plain = torch.cat([images for images, _ in batches_of(dataset)])
    flipped = torch.cat([images for images, _ in batches_of(dataset, augmentation=turned)])
    assert torch.equal(flipped, plain.flip(3))


def test_the_packages_own_augmentation_changes_an_image_the_same_way_in_any_batch_and_thread() -> None:
    from mldata.images.augmentation import AugmentationConfig, build_augmentation

    dataset = load_images("digits").subset(range(60))
    augmentation = build_augmentation(AugmentationConfig(rotation=10, translation=2), seed=1)
    one = batches_of(dataset, augmentation=augmentation, batch_size=60)
    many = batches_of(dataset, augmentation=augmentation, batch_size=7, shuffle=True, num_workers=2)
    for _ in range(2):
        images, _ = next(iter(one))
        list(one)
        shuffled = torch.cat([batch for batch, _ in many])
        assert torch.equal(shuffled, images[torch.from_numpy(many.order(many.state_dict()["epoch"] - 1))])
    plain, _ = next(iter(batches_of(dataset, batch_size=60)))
    assert not torch.equal(plain, images)


def test_a_batch_is_the_consumers_own() -> None:
    dataset = pictures(8)
    fingerprint = ImageDataset(**{**vars(dataset), "images": dataset.images.clone()}).fingerprint
    kept = torch.ones(4, 1, 5, 6)

    def always_the_same(_images: torch.Tensor, _indices: torch.Tensor, _epoch: int) -> torch.Tensor:
        return kept

    for augmentation in (None, always_the_same):
        first, second = batches_of(dataset, augmentation=augmentation)
        before = second[0].clone()
        first[0].zero_()
        first[1].zero_()
        assert torch.equal(second[0], before)
    assert torch.equal(kept, torch.ones(4, 1, 5, 6))
    assert dataset.fingerprint == fingerprint


@given(st.integers(1, 5), st.integers(1, 4), st.integers(5, 60), st.booleans())
@settings(max_examples=100, deadline=None)
def test_ranks_share_each_epoch_without_overlap_or_gap(
    world_size: int, batch_size: int, count: int, shuffle: bool
) -> None:
    options = {"batch_size": batch_size, "shuffle": shuffle, "world_size": world_size}
    ranks = [batches_of(pictures(count), rank=rank, **options) for rank in range(world_size)]
    seen = [list(rank) for rank in ranks]
    assert [len(batches) for batches in seen] == [len(rank) for rank in ranks]
    labels = [label for batches in seen for label in rows(batches)]
    assert len(labels) == len(set(labels))
    if shuffle:
        assert len({len(rank) for rank in ranks}) == 1, "unequal ranks would wait for one another for ever"
        assert count - len(labels) < world_size
    else:
        assert sorted(labels) == list(range(count))


def test_ranks_together_see_the_batches_of_one_process_with_the_large_batch() -> None:
    large = batches_of(pictures(48), batch_size=8, shuffle=True)
    ranks = [batches_of(pictures(48), batch_size=4, shuffle=True, rank=r, world_size=2) for r in range(2)]
    for whole, left, right in zip(large, *ranks, strict=True):
        assert torch.equal(whole[0], torch.cat([left[0], right[0]]))


def test_nobody_trains_on_the_test_split() -> None:
    test = load_images("digits", "test")
    with pytest.raises(DataError, match=r"'test', 360 images of 28 x 28 x 1.* nothing trains on it"):
        batches_of(test, shuffle=True)
    with pytest.raises(DataError, match="nothing trains on it"):
        batches_of(test.subset(range(10)), shuffle=True)
    assert sum(len(labels) for _, labels in batches_of(test, batch_size=64)) == 360


@pytest.mark.parametrize(
    ("changes", "error", "message"),
    [
        ({"batch_size": 0}, ValueError, "batch_size is 0; 1 is the least"),
        ({"num_workers": -1}, ValueError, "num_workers is -1; 0 is the least"),
        ({"seed": -1}, ValueError, "seed is -1"),
        ({"rank": 2, "world_size": 2}, ValueError, "with world_size 2 it is 0 to 1"),
        ({"mean": [0.1, 0.2]}, ValueError, r"mean has 2 values; the images have 1 channel"),
        ({"batch_size": 11, "drop_last": True}, DataError, "no full batch of 11"),
        ({"world_size": 11, "shuffle": True}, DataError, r"no batch to 11 rank"),
    ],
)
def test_mistakes_are_named(changes: dict[str, Any], error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        batches_of(pictures(10), **changes)


def test_an_empty_set_and_a_position_of_other_data_are_refused() -> None:
    with pytest.raises(DataError, match="gives no batch"):
        batches_of(pictures(10).subset([]))
    batches = batches_of(pictures(10))
    for state in ({"epoch": 0, "position": 4}, {"epoch": -1, "position": 0}, {"epoch": 0, "position": -1}):
        with pytest.raises(DataError, match=r"cannot continue at epoch .*: an epoch has 3 batches"):
            batches.load_state_dict(state)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
@pytest.mark.parametrize("channels_last", [False, True])
def test_a_set_on_a_gpu_gives_the_same_bits_there(channels_last: bool) -> None:
    options = {
        "shuffle": True,
        "channels_last": channels_last,
        "mean": [0.1, 0.2, 0.3],
        "std": [0.3, 0.2, 0.1],
    }
    here = list(batches_of(pictures(50, 3), **options))
    there = list(batches_of(pictures(50, 3).to("cuda"), **options))
    assert all(images.is_cuda and labels.is_cuda for images, labels in there)
    assert_equal(here, [(images.cpu(), labels.cpu()) for images, labels in there])


def test_further_labels_stay_with_their_images() -> None:
    dataset = pictures(30)
    batches = batches_of(dataset, shuffle=True, attributes={"tens": dataset.labels * 10})
    for _, labels in batches:
        assert torch.equal(labels["tens"], labels["class"] * 10)
    with pytest.raises(ValueError, match="mixing mixes one label"):
        batches_of(dataset, attributes={"tens": dataset.labels}, mixing=lambda *arguments: arguments)


@pytest.mark.parametrize("channels_last", [False, True])
def test_small_epochs_hold_means_of_the_pixels_they_cover(channels_last: bool) -> None:
    """Halving the edge is the mean of what a triangle covers; a dense product of matrices is the oracle."""
    dataset = square_pictures(6)
    sizes = ProgressiveResizingConfig(sizes=(16, 20), epochs=(1, 2))
    assert [sizes.size(epoch) for epoch in range(5)] == [16, 20, 20, None, None]
    options = {"shuffle": True, "channels_last": channels_last, "num_workers": 2}
    whole, resized = batches_of(dataset, **options), batches_of(dataset, resizing=sizes.size, **options)
    for epoch in range(4):
        edge = sizes.size(epoch) or 32
        weights = triangle_weights(32, edge)
        for (full, labels), (small, same) in zip(whole, resized, strict=True):
            assert torch.equal(labels, same)
            assert small.shape[2:] == (edge, edge)
            expected = full if edge == 32 else weights @ full.double() @ weights.T
            torch.testing.assert_close(small.double(), expected.double(), rtol=0, atol=1e-5)


def square_pictures(count: int) -> ImageDataset:
    images = torch.randint(
        0, 256, (count, 32, 32, 3), dtype=torch.uint8, generator=torch.Generator().manual_seed(1)
    )
    positions = torch.arange(count)
    return ImageDataset("random", "train", images, positions, tuple(map(str, range(count))), positions)


def triangle_weights(length: int, edge: int) -> torch.Tensor:
    """(edge, length) rows of a triangle as wide as two new pixels, centred on each of them, that add up to 1."""
    ratio = length / edge
    centres = (torch.arange(edge, dtype=torch.float64) + 0.5) * ratio
    places = torch.arange(length, dtype=torch.float64) + 0.5
    weights = (1 - (places - centres[:, None]).abs() / ratio).clamp(min=0)
    return weights / weights.sum(dim=1, keepdim=True)


def test_a_resumed_small_epoch_goes_on_small() -> None:
    sizes = ProgressiveResizingConfig(sizes=(16,), epochs=(2,))
    whole = batches_of(square_pictures(12), shuffle=True, resizing=sizes.size)
    every = [[images for images, _ in whole] for _ in range(3)]
    begun = batches_of(square_pictures(12), shuffle=True, resizing=sizes.size)
    list(begun)
    next(iter(begun))
    resumed = batches_of(square_pictures(12), shuffle=True, resizing=sizes.size)
    resumed.load_state_dict(begun.state_dict())
    assert [torch.equal(a, b) for (a, _), b in zip(resumed, every[1][1:], strict=True)] == [True, True]
    assert next(iter(resumed))[0].shape[2:] == (32, 32)


def test_stages_without_a_size_are_refused() -> None:
    with pytest.raises(ValidationError, match="one number a stage in both"):
        ProgressiveResizingConfig(sizes=(16, 20), epochs=(1,))
