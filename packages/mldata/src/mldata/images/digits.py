"""Scikit-learn's handwritten digits, real ones and inside the library, in MNIST's form: 28 x 28 bytes.

1,797 digits of 13 people (Alpaydin and Kaynak, 1998: Optical Recognition of Handwritten Digits). The source
has 8 x 8 cells that count the ink of 4 x 4 dots each, 0 to 16, and every digit fills their height. As in
MNIST (LeCun et al., 1998) a digit is scaled to a box of 20 x 20, with grey levels between, and its centre
of mass is put into the middle of 28 x 28. All is done in integers: the bytes are the same on every machine.
"""

from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mldata.images.idx_folder import Part
from mldata.images.splits import seeded_order

CLASSES = tuple("0123456789")
SIZE = 28
_TABLE = "datasets/data/digits.csv.gz"
_INK = 16  # the largest count of a cell
_MARGIN = 1  # cells of white paper around the 8 x 8, so that strokes at the edge fade out
_UPSCALE = (5, 2)  # 20 / 8: five pixels for two cells
_TEST_EVERY = 5
_SPLIT_SEED = 0


def read_digits(part: Part) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """Images (N, 28, 28, 1) and labels (N,): 1,437 to train and validate with, 360 to test."""
    images, labels = _all_digits()
    chosen = part_positions(part)
    return images[chosen, :, :, None], labels[chosen]


def part_positions(part: Part) -> NDArray[np.int64]:
    """The positions in scikit-learn's order that make the part: every fifth of each class, in a fixed seeded
    order, is for the test.
    """
    _, labels = _all_digits()
    shuffled = seeded_order(len(labels), _SPLIT_SEED)
    by_class = shuffled[np.argsort(labels[shuffled], kind="stable")]
    test = np.sort(by_class[::_TEST_EVERY])
    return test if part == "test" else np.setdiff1d(np.arange(len(labels)), test)


@lru_cache(maxsize=1)
def _all_digits() -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    cells, labels = _source()
    return centred(enlarged(cells)), labels


def _source() -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Counts (1797, 8, 8) and labels. The library's own file is read where it is known: its import takes
    seconds.
    """
    library = find_spec("sklearn")
    table = Path(library.origin).parent / _TABLE if library is not None and library.origin else Path(_TABLE)
    if table.is_file():
        values = np.loadtxt(table, delimiter=",", dtype=np.int64)
        cells, labels = values[:, :-1], values[:, -1]
    else:
        from sklearn.datasets import load_digits

        cells, labels = load_digits(return_X_y=True)
    return cells.astype(np.int64).reshape(-1, 8, 8), labels.astype(np.int64)


def enlarged(cells: NDArray[np.int64]) -> NDArray[np.uint8]:
    """(N, 8, 8) counts of 0 to 16 -> (N, 25, 25) bytes: cubic interpolation (Keys, 1981), 2.5 pixels a cell,
    one cell of white margin on each side.
    """
    weights, unit = _cubic_weights(cells.shape[1])
    scaled = np.einsum("yi,nij,xj->nyx", weights, cells, weights, optimize=True)
    whole = _INK * unit**2
    return np.clip((scaled * 255 * 2 + whole) // (2 * whole), 0, 255).astype(np.uint8)


def _cubic_weights(num_cells: int) -> tuple[NDArray[np.int64], int]:
    """(pixels, cells) the weights of each pixel's cells, and the integer that stands for 1."""
    up, down = _UPSCALE
    num_pixels = (num_cells + 2 * _MARGIN) * up // down
    # Distances between centres, in units of 1 / (2 * up) cells: whole numbers.
    pixels = (2 * np.arange(num_pixels) + 1) * down - up
    cells = 2 * up * (np.arange(num_cells) + _MARGIN)
    step = 2 * up
    distance = np.abs(pixels[:, None] - cells[None, :])
    near = 3 * distance**3 - 5 * distance**2 * step + 2 * step**3
    far = -(distance**3) + 5 * distance**2 * step - 8 * distance * step**2 + 4 * step**3
    weights = np.where(distance <= step, near, np.where(distance < 2 * step, far, 0))
    return weights.astype(np.int64), 2 * step**3


def centred(drawn: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """(N, h, w) -> (N, 28, 28): the centre of mass as near the middle as whole pixels allow, no ink cut off."""
    height, width = drawn.shape[1:]
    ink = drawn.astype(np.int64)
    tops = _offsets(ink.sum(axis=2), height)
    lefts = _offsets(ink.sum(axis=1), width)
    field = np.zeros((len(drawn), SIZE, SIZE), dtype=np.uint8)
    for image, digit, top, left in zip(field, drawn, tops, lefts, strict=True):
        rows = slice(max(0, top), min(SIZE, top + height))
        columns = slice(max(0, left), min(SIZE, left + width))
        image[rows, columns] = digit[
            rows.start - top : rows.stop - top, columns.start - left : columns.stop - left
        ]
    return field


def _offsets(profile: NDArray[np.int64], length: int) -> NDArray[np.int64]:
    """(N,) where each drawing begins in the field, along one axis; `profile` (N, length) is the ink there."""
    mass = profile.sum(axis=1)
    moment = (profile * (2 * np.arange(length) + 1)).sum(axis=1)  # twice the centre, in pixels from the edge
    wanted = (SIZE * mass - moment + mass) // (2 * mass)  # nearest whole number to SIZE / 2 - centre
    first = (profile > 0).argmax(axis=1)
    last = length - 1 - (profile[:, ::-1] > 0).argmax(axis=1)
    return np.clip(wanted, -first, SIZE - 1 - last)
