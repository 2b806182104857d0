"""The images that a data section means: its splits, its fold, the hashes that show a leak."""

from mldata.images.config import ImageDataConfig
from mldata.images.dataset import ImageDataset
from mldata.images.hashes import hashes_of, image_hashes
from mldata.images.loading import load_images
from mldata.images.splits import k_fold


def training_splits(data: ImageDataConfig) -> tuple[ImageDataset, ImageDataset | None]:
    """Training and validation images; a fold of all training images where one is asked for."""
    if data.num_folds is not None and data.fold is not None:
        everything = load_split(data, "train", train_split=1.0)
        return k_fold(everything, data.num_folds, data.fold, data.split_seed)
    if data.train_split == 1:
        return load_split(data, "train"), None
    return load_split(data, "train"), load_split(data, "validation")


def load_split(data: ImageDataConfig, split: str, *, train_split: float | None = None) -> ImageDataset:
    """One split as the data section divides them."""
    return load_images(
        data.dataset,
        split,
        data_dir=data.data_dir,
        train_fraction=data.train_split if train_split is None else train_split,
        split_seed=data.split_seed,
    )


def hashes_of_splits(
    data: ImageDataConfig, train: ImageDataset, validation: ImageDataset | None
) -> dict[str, list[str]]:
    """A hash of every image of every split; the test images themselves stay closed."""
    parts = {"train": train, "validation": validation}
    found = {name: hashes_of(part.images) for name, part in parts.items() if part is not None}
    return found | {"test": image_hashes(data.dataset, "test", data_dir=data.data_dir)}
