"""Train, validation and test: seeded, disjoint, whole; folds; the closed test split; hashes that find leaks."""

import random
import threading
from collections.abc import Iterator
from pathlib import Path

import mldata
import numpy as np
import pytest
import torch
from mldata import load_images
from mldata.errors import DataError
from mldata.images import duplicates, hashes_of, image_hashes, k_fold
from mldata.images.hashes import duplicate_positions
from mldata.images.splits import seeded_order, train_validation_positions
from mldata.test_guard import ClosedSplitError
from mldata.test_guard import test_split_closed as closed
from numpy.testing import assert_array_equal


@pytest.mark.data
def test_mnist_has_its_counts_and_the_known_mean_and_deviation(data_dir: Path) -> None:
    whole = load_images("mnist", "train", data_dir=data_dir, train_fraction=1.0)
    assert (len(whole), whole.image_shape, whole.num_classes) == (60_000, (28, 28, 1), 10)
    means, deviations = whole.channel_statistics()
    assert means == pytest.approx([0.1307], abs=5e-5)
    assert deviations == pytest.approx([0.3081], abs=5e-5)
    floats = whole.images.double() / 255
    assert means[0] == pytest.approx(float(floats.mean()), abs=1e-9)
    assert deviations[0] == pytest.approx(float(floats.std(correction=0)), abs=1e-9)
    # LeCun's page: these are the labels of the first ten, and how often each class occurs.
    assert whole.labels[:10].tolist() == [5, 0, 4, 1, 9, 2, 1, 3, 1, 4]
    assert whole.class_counts() == [5923, 6742, 5958, 6131, 5842, 5421, 5918, 6265, 5851, 5949]
    assert whole.indices.tolist() == list(range(60_000))


@pytest.mark.data
def test_mnists_parts_are_disjoint_and_whole(data_dir: Path) -> None:
    parts = {
        split: load_images("mnist", split, data_dir=data_dir) for split in ("train", "validation", "test")
    }
    assert [len(part) for part in parts.values()] == [48_000, 12_000, 10_000]
    whole = load_images("mnist", "train", data_dir=data_dir, train_fraction=1.0)
    both = torch.cat([parts["train"].indices, parts["validation"].indices])
    assert sorted(both.tolist()) == list(range(60_000))
    for split in ("train", "validation"):
        assert torch.equal(parts[split].images, whole.images[parts[split].indices])
        assert torch.equal(parts[split].labels, whole.labels[parts[split].indices])
    hashes = {split: hashes_of(part.images) for split, part in parts.items()}
    assert not duplicates(hashes["train"], hashes["test"] + hashes["validation"])
    assert not duplicates(hashes["validation"], hashes["test"])


def test_the_split_depends_on_its_seed_alone() -> None:
    torch.manual_seed(1)
    np.random.seed(1)
    random.seed(1)
    states = torch.get_rng_state(), np.random.get_state()[1].tolist(), random.getstate()
    first = load_images("digits", "train")
    assert torch.equal(torch.get_rng_state(), states[0])
    assert np.random.get_state()[1].tolist() == states[1]
    assert random.getstate() == states[2]
    torch.manual_seed(2)
    np.random.seed(2)
    assert load_images("digits", "train").fingerprint == first.fingerprint
    other = load_images("digits", "train", split_seed=43)
    assert other.indices.tolist() != first.indices.tolist()
    assert len(other) == len(first)


def pcg64(count: int, seeds: np.random.SeedSequence) -> Iterator[int]:
    """PCG XSL-RR 128/64 (O'Neill, 2014), seeded as NumPy documents it."""
    words = [int(word) for word in seeds.generate_state(4, np.uint64)]
    multiplier, mask = 0x2360ED051FC65DA44385DF649FCCF645, (1 << 128) - 1
    increment = ((words[2] << 64 | words[3]) << 1 | 1) & mask
    state = ((words[0] << 64 | words[1]) + increment) * multiplier + increment & mask
    for _ in range(count):
        state = state * multiplier + increment & mask
        folded, turn = (state >> 64) ^ (state & (1 << 64) - 1), state >> 122
        yield (folded >> turn | folded << (64 - turn)) & (1 << 64) - 1


def test_the_seeded_order_never_changes_and_is_pcg64s_raw_output_sorted() -> None:
    assert seeded_order(10, 42).tolist() == [4, 8, 1, 9, 3, 6, 0, 7, 2, 5]
    assert seeded_order(10, 42).tolist() == np.argsort(list(pcg64(10, np.random.SeedSequence(42)))).tolist()
    assert seeded_order(10, 42, 1).tolist() != seeded_order(10, 42).tolist()
    assert sorted(seeded_order(1000, 7)) == list(range(1000))
    assert_array_equal(seeded_order(50, 3, 4), seeded_order(50, 3, 4))


def test_orders_are_uniform() -> None:
    first = np.array([seeded_order(4, seed) for seed in range(4000)])
    counts = np.array([np.bincount(column, minlength=4) for column in first.T])
    assert np.abs(counts - 1000).max() < 150  # five standard deviations


@pytest.mark.parametrize(
    ("count", "fraction", "num_train"), [(60_000, 0.8, 48_000), (7, 0.5, 4), (3, 1.0, 3)]
)
def test_the_fraction_is_rounded_to_the_nearest_image(count: int, fraction: float, num_train: int) -> None:
    train, validation = train_validation_positions(count, fraction, 0)
    assert len(train) == num_train
    assert sorted([*train, *validation]) == list(range(count))
    assert (np.diff(train) > 0).all()


def test_more_training_images_are_those_of_before_and_others() -> None:
    less, more = (set(load_images("digits", train_fraction=f).indices.tolist()) for f in (0.5, 0.9))
    assert less < more


def test_mistakes_with_splits_are_named() -> None:
    with pytest.raises(DataError, match="no split 'valid'; did you mean 'validation'"):
        load_images("digits", "valid")
    with pytest.raises(DataError, match="leaves none of the 1437 images of 'digits' for validation"):
        load_images("digits", "validation", train_fraction=1.0)
    with pytest.raises(DataError, match="leaves none of 1437 images to train on"):
        load_images("digits", train_fraction=1e-9)
    for fraction in (0.0, -0.1, 1.1, float("nan")):
        with pytest.raises(ValueError, match="must be above 0 and at most 1"):
            load_images("digits", train_fraction=fraction)
    with pytest.raises(ValueError, match="split_seed is -1"):
        load_images("digits", split_seed=-1)


def test_folds_are_stratified_disjoint_and_whole() -> None:
    whole = load_images("digits", train_fraction=1.0)
    seen: list[int] = []
    for fold in range(5):
        train, validation = k_fold(whole, 5, fold, seed=3)
        assert (train.split, validation.split) == ("train", "validation")
        assert sorted([*train.indices.tolist(), *validation.indices.tolist()]) == whole.indices.tolist()
        shares = np.array(validation.class_counts()) - np.array(whole.class_counts()) / 5
        assert np.abs(shares).max() <= 1
        assert torch.equal(validation.images, whole.subset(validation.indices).images)
        seen += validation.indices.tolist()
    assert sorted(seen) == whole.indices.tolist()
    again, other = k_fold(whole, 5, 0, seed=3)[1], k_fold(whole, 5, 0, seed=4)[1]
    assert again.indices.tolist() != other.indices.tolist()
    assert again.fingerprint == k_fold(whole, 5, 0, seed=3)[1].fingerprint


def test_folds_that_cannot_be_are_refused() -> None:
    whole = load_images("digits", train_fraction=1.0)
    with pytest.raises(ValueError, match="num_folds is 1; 2 is the least"):
        k_fold(whole, 1, 0)
    with pytest.raises(ValueError, match="fold is 5; with 5 folds it is 0 to 4"):
        k_fold(whole, 5, 5)
    with pytest.raises(DataError, match="is for the final evaluation"):
        k_fold(load_images("digits", "test"), 5, 0)
    few = whole.subset([whole.labels.tolist().index(label) for label in range(10)] * 2)
    with pytest.raises(DataError, match="3 folds need as many images of each class; one class has 2"):
        k_fold(few, 3, 0)


def test_the_test_split_is_closed_inside_and_open_again_behind() -> None:
    with closed():
        with pytest.raises(ClosedSplitError, match="test split of 'digits' is closed here"):
            load_images("digits", "test")
        with closed():
            pass
        with pytest.raises(ClosedSplitError):
            mldata.load_images("digits", "test")
        assert len(load_images("digits", "validation")) == 287
        assert len(image_hashes("digits", "test")) == 360
    assert len(load_images("digits", "test")) == 360


def test_the_test_split_opens_again_after_an_error_and_is_closed_in_every_thread() -> None:
    caught: list[BaseException] = []

    def open_it() -> None:
        try:
            load_images("digits", "test")
        except ClosedSplitError as error:
            caught.append(error)

    def fail_inside() -> None:
        with closed():
            thread = threading.Thread(target=open_it)
            thread.start()
            thread.join()
            raise KeyError

    with pytest.raises(KeyError):
        fail_inside()
    assert len(caught) == 1
    assert len(load_images("digits", "test")) == 360


def test_an_image_that_is_in_two_splits_is_found_by_its_hash_alone() -> None:
    train, test = load_images("digits", "train"), load_images("digits", "test")
    clean = hashes_of(train.images)
    assert clean == image_hashes("digits", "train")
    assert len(clean[0]) == 32
    assert duplicates(clean, image_hashes("digits", "test")) == 0
    planted = train.images.clone()
    planted[[5, 900]] = test.images[[10, 11]]
    assert duplicate_positions(hashes_of(planted), image_hashes("digits", "test")) == [5, 900]
    nearly = train.images.clone()
    nearly[5] = test.images[10]
    nearly[5, 0, 0, 0] += 1
    assert duplicates(hashes_of(nearly), image_hashes("digits", "test")) == 0


def test_hashes_know_the_shape() -> None:
    images = torch.zeros(1, 4, 4, 1, dtype=torch.uint8)
    assert hashes_of(images) != hashes_of(images.reshape(1, 2, 8, 1))
    assert hashes_of(images[:0]) == []
