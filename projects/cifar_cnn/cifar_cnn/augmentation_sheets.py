"""The command `augmentations`: what every kind of augmentation makes of some training images, as PNG to look at."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from mlcore.cli import Options
from mlcore.errors import ConfigError
from mlcore.report import build_report
from mlcore.report.figures import save_figure
from mlcore.runs import RunFolder
from mldata.images.augmentation import build_augmentation, build_mixing
from mldata.images.augmentation.config import AugmentationConfig
from mldata.images.augmentation.sheet import augmentation_sheet
from mldata.images.dataset import ImageDataset

from cifar_cnn import build
from cifar_cnn.config import ExperimentConfig

if TYPE_CHECKING:
    from matplotlib.figure import Figure

KINDS: Mapping[str, dict[str, Any]] = {
    "crop": {"translation": 4, "whole_pixels": True, "padding": "reflection"},
    "alternating_flip": {"alternating_flip": True},
    "cutout": {"cutout": 12},
    "colour": {"brightness": 0.4, "contrast": 0.4, "saturation": 0.4},
    "rand_augment": {"rand_augment_ops": 2, "rand_augment_magnitude": 0.3},
    "auto_augment": {"auto_augment": True},
    "mixup": {"mixup": 1.0},
    "cutmix": {"cutmix": 1.0},
}


def draw_augmentations(config: ExperimentConfig, options: Options) -> None:
    """A contact sheet of the configuration's own augmentation, and one of each kind by itself."""
    train, _ = build.training_splits(config.data)
    few = first_of_each_class(train)
    folder: Path = options.extra["output"] or options.runs_dir / "augmentations" / config.data.dataset
    folder.mkdir(parents=True, exist_ok=True)
    own = {} if config.data.augmentation == AugmentationConfig() else {"configured": config.data.augmentation}
    kinds = own | {name: AugmentationConfig(**keys) for name, keys in KINDS.items()}
    for name in options.extra["kind"] or kinds:
        if name not in kinds:
            raise ConfigError(f"command line: --kind: no sheet {name!r}; there are: {', '.join(kinds)}")
        augmentation = kinds[name]
        path = folder / f"{name}.png"
        sheet_of(augmentation, few, config.seed).savefig(path, dpi=144)
        print(f"figure  {path}")


def show_in_report(config: ExperimentConfig, run: RunFolder) -> None:
    """The sheet of what the run was trained on, into its report."""
    few = first_of_each_class(build.training_splits(config.data)[0])
    title, caption = "Augmentation", "An image a class, and what the first epochs made of it."
    sheet = sheet_of(config.data.augmentation, few, config.seed)
    save_figure(run.path, "augmentation", sheet, title=title, caption=caption)
    build_report(run.path)


def sheet_of(augmentation: AugmentationConfig, images: ImageDataset, seed: int) -> "Figure":
    """Each image, and what it becomes in eight epochs."""
    names = [images.classes[int(label)] for label in images.labels]
    changes = Changes(augmentation, images, seed)
    return augmentation_sheet(images.images, changes, indices=images.indices, names=names)


def first_of_each_class(images: ImageDataset) -> ImageDataset:
    """One image a class."""
    positions = [int((images.labels == label).nonzero()[0]) for label in images.labels.unique()]
    return images.subset(positions)


class Changes:
    """Augmentation and mixing of some images in turn, without the labels."""

    def __init__(self, config: AugmentationConfig, images: ImageDataset, seed: int) -> None:
        self._change = build_augmentation(config, seed=seed)
        self._mix = build_mixing(config, seed=seed, num_classes=images.num_classes)
        self._labels = images.labels

    def __call__(self, images: torch.Tensor, indices: torch.Tensor, epoch: int) -> torch.Tensor:
        """(B, C, H, W) float32 in [0, 1]."""
        changed = images.permute(0, 3, 1, 2).float() / 255
        if self._change is not None:
            changed = self._change(images, indices, epoch)
        return changed if self._mix is None else self._mix(changed, self._labels, indices, epoch)[0]
