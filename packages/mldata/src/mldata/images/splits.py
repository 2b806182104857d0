"""Which images are for training and which for validation: seeded, and the same on every machine."""

import math
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from mldata.errors import DataError

if TYPE_CHECKING:
    from mldata.images.dataset import ImageDataset


def seeded_order(count: int, *key: int) -> NDArray[np.int64]:
    """(count,) the numbers 0 to `count - 1` in an order that is a function of `key` alone.

    They are sorted by the raw output of PCG64, whose stream NumPy promises never to change (NEP 19); it does
    not promise that for `Generator.permutation`. No global generator is read or moved.
    """
    drawn = np.random.PCG64(np.random.SeedSequence(key)).random_raw(count)
    return np.argsort(drawn, kind="stable").astype(np.int64)


def train_validation_positions(
    count: int, train_fraction: float, seed: int
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Positions of the source's train split that train, and those that validate, each in ascending order.

    The first `round(count * train_fraction)` of a seeded order train, the others validate: 48,000 and 12,000
    of MNIST with 0.8.

    Raises:
        ValueError: a fraction that is not above 0 and at most 1, a seed below 0.
        DataError: too few images: none would be left to train on.
    """
    if not 0.0 < train_fraction <= 1.0:
        raise ValueError(f"train_fraction is {train_fraction}; it must be above 0 and at most 1")
    if seed < 0:
        raise ValueError(f"split_seed is {seed}; 0 is the least")
    num_train = math.floor(count * train_fraction + 0.5)
    if num_train == 0:
        raise DataError(f"a train_fraction of {train_fraction} leaves none of {count} images to train on")
    order = seeded_order(count, seed)
    return np.sort(order[:num_train]), np.sort(order[num_train:])


def k_fold(
    dataset: "ImageDataset", num_folds: int, fold: int, seed: int = 42
) -> tuple["ImageDataset", "ImageDataset"]:
    """(train, validation) of one fold of a stratified k-fold cross-validation (scikit-learn's
    StratifiedKFold).

    The `num_folds` validation sets have no image in common and together are `dataset`; the classes' shares
    are equal up to one image. Take `load_images(…, "train", train_fraction=1.0)` to use all that may train.

    Raises:
        DataError: a test split, or a class with fewer images than folds.
        ValueError: fewer than two folds, or no such fold.
    """
    from dataclasses import replace

    from sklearn.model_selection import StratifiedKFold

    if dataset.split == "test":
        raise DataError(f"{dataset!r} is for the final evaluation; cross-validation takes the train split")
    if num_folds < 2:
        raise ValueError(f"num_folds is {num_folds}; 2 is the least")
    if not 0 <= fold < num_folds:
        raise ValueError(f"fold is {fold}; with {num_folds} folds it is 0 to {num_folds - 1}")
    smallest = min((count for count in dataset.class_counts() if count), default=0)
    if smallest < num_folds:
        raise DataError(f"{num_folds} folds need as many images of each class; one class has {smallest}")
    labels = dataset.labels.cpu().numpy()
    folds = StratifiedKFold(num_folds, shuffle=True, random_state=seed).split(np.zeros(len(labels)), labels)
    train, validation = list(folds)[fold]
    return (
        replace(dataset.subset(train), split="train"),
        replace(dataset.subset(validation), split="validation"),
    )
