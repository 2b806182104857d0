"""Scikit-learn's digits at 28 x 28: torch's interpolation, MNIST's centring, a test part of their own."""

import subprocess
import sys
from importlib import util
from pathlib import Path

import numpy as np
import pytest
import torch
from mldata import load_images
from mldata.images import digits
from sklearn.datasets import load_digits


def originals() -> np.ndarray:
    """(1797, 8, 8) counts of 0 to 16."""
    return load_digits().images


def all_digits() -> tuple[np.ndarray, np.ndarray]:
    """Ours, in scikit-learn's order."""
    images, labels = np.empty((1797, 28, 28), np.uint8), np.empty(1797, np.int64)
    for part in ("train", "test"):
        drawn, named = digits.read_digits(part)
        images[digits.part_positions(part)], labels[digits.part_positions(part)] = drawn[..., 0], named
    return images, labels


def test_enlarging_is_the_cubic_interpolation_of_torch() -> None:
    cells = originals()
    padded = torch.nn.functional.pad(torch.tensor(cells / 16)[:, None], (3, 5, 3, 5))
    # With antialiasing torch uses Keys' kernel, a = -0.5. One cell is 2.5 pixels; ours begin 2 cells in.
    theirs = torch.nn.functional.interpolate(padded, size=(40, 40), mode="bicubic", antialias=True)
    expected = (theirs[:, 0].clamp(0, 1) * 255).numpy()[:, 5:30, 5:30]
    assert np.abs(digits.enlarged(cells.astype(np.int64)) - expected).max() <= 0.5 + 1e-6


def test_each_digit_is_scikit_learns_with_its_label() -> None:
    images, labels = all_digits()
    assert labels.tolist() == load_digits().target.tolist()
    field = torch.nn.functional.pad(torch.tensor(images, dtype=torch.float64), (4, 4, 4, 4))
    cells = torch.nn.functional.pad(torch.tensor(originals()), (1, 1, 1, 1)).flatten(1)
    for number in range(0, len(images), 7):
        # All places of a drawing of 10 x 10 cells; at one of them the cells' means are the original.
        places = field[number].unfold(0, 25, 1).unfold(1, 25, 1).reshape(-1, 1, 25, 25)
        halves = places.repeat_interleave(2, 2).repeat_interleave(2, 3)  # a cell is 2.5 pixels
        means = torch.nn.functional.avg_pool2d(halves, 5).flatten(1)
        both = torch.cat([cells[number][None], means])
        assert both.corrcoef()[0, 1:].nan_to_num().max() > 0.97


def test_the_centre_of_mass_is_in_the_middle_as_in_mnist() -> None:
    images, _ = all_digits()
    ink = images.astype(np.float64)
    at = np.arange(28) + 0.5
    for axis in (1, 2):
        profile = ink.sum(axis=axis)
        centre = (profile * at).sum(axis=1) / profile.sum(axis=1)
        inked = profile > 0
        free = ~(inked[:, 0] | inked[:, -1])  # at an edge it could not go on
        assert free.mean() > 0.7
        assert np.abs(centre - 14)[free].max() <= 0.5 + 1e-9
        assert np.abs(centre - 14).max() < 1.5


def test_nothing_is_cut_off() -> None:
    cells = originals().astype(np.int64)
    enlarged = digits.enlarged(cells)
    assert digits.centred(enlarged).sum(dtype=np.int64) == enlarged.sum(dtype=np.int64)
    corner = np.zeros((1, 25, 25), np.uint8)
    corner[0, 0, 0], corner[0, 24, 23:] = 9, 200  # its mass lies in a corner: it can only go so far
    moved = digits.centred(corner)
    assert moved.sum() == corner.sum()
    assert moved[0, :3].max() == 9
    assert moved.shape == (1, 28, 28)


def test_the_test_part_is_a_fifth_of_each_class_and_never_trains() -> None:
    train, test = digits.part_positions("train"), digits.part_positions("test")
    assert (len(train), len(test)) == (1437, 360)
    assert sorted([*train, *test]) == list(range(1797))
    _, labels = digits.read_digits("test")
    shares = np.bincount(labels) / np.bincount(load_digits().target)
    assert np.abs(shares - 0.2).max() < 0.006
    seen = {split: set(load_images("digits", split).indices.tolist()) for split in ("train", "validation")}
    assert seen["train"] | seen["validation"] == set(range(1437))
    assert not seen["train"] & seen["validation"]
    sources = [train[sorted(positions)] for positions in seen.values()]
    assert not set(np.concatenate(sources)) & set(test)


def test_the_pixels_and_the_test_part_never_change() -> None:
    test = load_images("digits", "test")
    assert test.fingerprint == "d86a4a5e12d1c91ba37135098905dcfc6cc6079e84940a917c78f62235a513eb"
    assert digits.part_positions("test")[:6].tolist() == [2, 5, 6, 10, 20, 21]


def test_images_are_bytes_of_paper_and_ink() -> None:
    images, _ = all_digits()
    assert images.min() == 0
    assert images.max() == 255
    assert (images == 0).mean() > 0.5
    assert load_images("digits").image_shape == (28, 28, 1)


def test_without_the_librarys_table_its_loader_gives_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    cells, labels = digits._source()
    monkeypatch.setattr(digits, "_TABLE", "datasets/data/moved.csv.gz")
    for ours, theirs in zip((cells, labels), digits._source(), strict=True):
        np.testing.assert_array_equal(ours, theirs)


def test_the_embedded_set_needs_neither_network_nor_the_import_of_scikit_learn(tmp_path: Path) -> None:
    assert util.find_spec("sklearn") is not None
    program = (
        "import sys; from mldata import load_images; print(len(load_images('digits', 'test')), "
        "'sklearn' in sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True, cwd=tmp_path
    )
    assert done.stdout.split() == ["360", "False"]
