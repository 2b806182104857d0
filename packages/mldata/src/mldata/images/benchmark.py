"""How fast images reach a model, beside torchvision's usual way: `python -m mldata.images.benchmark`.

The usual way is torchvision's MNIST class (a PIL image an item), its transforms and a DataLoader, with and
without workers. All sides of a comparison run in turns in one process on the same images; a ratio is that of
the medians, its range that of the single turns. torchvision is needed here and nowhere else in this package.
"""

import json
import statistics
import sys
import tempfile
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import numpy as np
import typer

from mldata.benchmark import in_turns
from mldata.command_line import run
from mldata.errors import DataError

if TYPE_CHECKING:
    import torch
    from torch.utils.data import DataLoader

    from mldata.images.augmentation import AugmentationConfig
    from mldata.images.batches import ImageBatches
    from mldata.images.dataset import ImageDataset

Sides = Mapping[str, "Iterable[tuple[torch.Tensor, torch.Tensor]]"]
_OURS = "image_batches"
# Goals of the ratios at batch 512: an epoch of the data alone, and of training.
_GOALS = {"data_path": 40.0, "training": 9.0}
_SHIFT = 2  # pixels


def compared(sides: Mapping[str, Callable[[], object]], num_images: int, repeats: int) -> dict[str, Any]:
    """Seconds, rates, and every other side's time over ours: of the medians, and the range of the turns."""
    seconds = in_turns(sides, repeats)
    medians = {name: statistics.median(times) for name, times in seconds.items()}
    others = [name for name in sides if name != _OURS]
    turns = {name: [a / b for a, b in zip(seconds[name], seconds[_OURS], strict=True)] for name in others}
    return {
        "num_images": num_images,
        "n": repeats,
        "median_seconds": medians,
        "images_per_s": {name: num_images / median for name, median in medians.items()},
        "ratio": {name: medians[name] / medians[_OURS] for name in others},
        "ratio_range": {name: [min(values), max(values)] for name, values in turns.items()},
        "seconds": seconds,
    }


def consume(batches: Iterable[object]) -> Callable[[], None]:
    """A run that takes every batch of an epoch and does nothing with it."""

    def take() -> None:
        for _ in batches:
            pass

    return take


def train(
    batches: "Iterable[tuple[torch.Tensor, torch.Tensor]]", inputs: int, classes: int
) -> Callable[[], float]:
    """A run that trains inputs-256-128-classes for an epoch with Adam, to the last batch's loss.

    The loop is the same for every loader.
    """
    import torch
    from torch import nn

    torch.manual_seed(0)
    layers = (nn.Linear(inputs, 256), nn.ReLU(), nn.Linear(256, 128), nn.ReLU(), nn.Linear(128, classes))
    model = nn.Sequential(nn.Flatten(), *layers)
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3, fused=True)

    def epoch() -> float:
        for images, labels in batches:
            loss = nn.functional.cross_entropy(model(images), labels)
            optimizer.zero_grad(set_to_none=True)
            loss.backward()
            optimizer.step()
        return float(loss.detach())

    return epoch


class TorchvisionFolder:
    """The images as torchvision's MNIST class wants to find them: IDX files under MNIST/raw."""

    def __init__(self, dataset: "ImageDataset", folder: Path) -> None:
        from mldata.images.idx import write_idx

        if dataset.image_shape[2] != 1:
            raise DataError(f"{dataset!r} is not grey: torchvision's MNIST class reads nothing else")
        self.folder = folder
        raw = folder / "MNIST" / "raw"
        raw.mkdir(parents=True)
        images, labels = dataset.images.squeeze(-1).numpy(), dataset.labels.numpy().astype(np.uint8)
        for part, count in (("train", len(dataset)), ("t10k", 1)):
            write_idx(raw / f"{part}-images-idx3-ubyte", images[:count])
            write_idx(raw / f"{part}-labels-idx1-ubyte", labels[:count])

    def loader(
        self, transforms: Iterable[Callable[..., Any]], batch_size: int, workers: int, *, shuffle: bool = True
    ) -> "DataLoader[Any]":
        """A DataLoader over torchvision's data set, an item at a time, as its tutorials do it."""
        from torch.utils.data import DataLoader
        from torchvision.datasets import MNIST
        from torchvision.transforms import Compose

        items = MNIST(str(self.folder), train=True, transform=Compose(list(transforms)), download=False)
        return DataLoader(items, batch_size=batch_size, shuffle=shuffle, num_workers=workers)


class Comparison:
    """One set of images, and the loaders over it that are compared."""

    def __init__(self, dataset: "ImageDataset", folder: Path, workers: int) -> None:
        self.dataset = dataset
        self.workers = workers
        self.mean, self.std = dataset.channel_statistics()
        self._files = TorchvisionFolder(dataset, folder)

    def ours(
        self,
        batch_size: int,
        augmentation: "AugmentationConfig | None" = None,
        *,
        threads: int = 0,
        shuffle: bool = True,
    ) -> "ImageBatches":
        """Batches out of memory."""
        from mldata.images.augmentation import build_augmentation
        from mldata.images.batches import ImageBatches

        return ImageBatches(
            self.dataset,
            batch_size=batch_size,
            mean=self.mean,
            std=self.std,
            shuffle=shuffle,
            augmentation=None if augmentation is None else build_augmentation(augmentation, seed=0),
            num_workers=threads,
        )

    def theirs(
        self,
        batch_size: int,
        workers: int,
        before: Iterable[Callable[..., Any]] = (),
        after: Iterable[Callable[..., Any]] = (),
        *,
        shuffle: bool = True,
    ) -> "DataLoader[Any]":
        """torchvision's way; `before` changes PIL images, `after` changes tensors in [0, 1]."""
        from torchvision.transforms import Normalize, ToTensor

        transforms = (*before, ToTensor(), *after, Normalize(self.mean, self.std))
        return self._files.loader(transforms, batch_size, workers, shuffle=shuffle)

    def plain(self, batch_size: int) -> Sides:
        """Without augmentation: torchvision's way without and with workers, and ours."""
        return {
            "torchvision": self.theirs(batch_size, 0),
            f"torchvision_{self.workers}_workers": self.theirs(batch_size, self.workers),
            _OURS: self.ours(batch_size),
        }

    def augmented(self, batch_size: int) -> dict[str, Sides]:
        """Affine with elastic changes, and whole shifts alone, of the same strength on all sides."""
        from torchvision.transforms import InterpolationMode, v2

        from mldata.images.augmentation import AugmentationConfig

        height, width, _ = self.dataset.image_shape
        bilinear, shift = InterpolationMode.BILINEAR, (_SHIFT / width, _SHIFT / height)
        affine = v2.RandomAffine(15, translate=shift, scale=(0.9, 1.1), shear=10, interpolation=bilinear)
        # torchvision's alpha counts half pixels: twice ours is the same bending.
        elastic = v2.ElasticTransform(alpha=68.0, sigma=4.0)
        full = AugmentationConfig(rotation=15, translation=_SHIFT, scale=0.1, shear=10, elastic_alpha=34)
        shifts = AugmentationConfig(translation=_SHIFT, whole_pixels=True)
        kinds = {
            "affine_elastic": (full, (affine,), (elastic,)),
            "whole_shifts": (shifts, (v2.RandomAffine(0, translate=shift),), ()),
        }
        return {
            kind: {
                f"torchvision_{self.workers}_workers": self.theirs(batch_size, self.workers, before, after),
                f"{_OURS}_2_threads": self.ours(batch_size, config, threads=2),
                _OURS: self.ours(batch_size, config),
            }
            for kind, (config, before, after) in kinds.items()
        }

    def largest_difference(self) -> float:
        """Largest difference between the first batches of both ways, unshuffled: they show the same images."""
        batches = (self.theirs(512, 0, shuffle=False), self.ours(512, shuffle=False))
        (theirs, _), (ours, _) = (next(iter(batch)) for batch in batches)
        return float((theirs - ours).abs().max())


def measure_plain(comparison: Comparison, batch_sizes: Iterable[int], repeats: int) -> dict[str, Any]:
    """Data alone and an epoch of training, at every batch size."""
    dataset = comparison.dataset
    height, width, channels = dataset.image_shape
    inputs, classes = height * width * channels, dataset.num_classes
    data_path: dict[str, Any] = {"goal_at_512": _GOALS["data_path"]}
    training: dict[str, Any] = {"goal_at_512": _GOALS["training"]}
    for batch_size in batch_sizes:
        sides = comparison.plain(batch_size)
        loading = {name: consume(batches) for name, batches in sides.items()}
        learning = {name: train(batches, inputs, classes) for name, batches in sides.items()}
        data_path[f"batch_{batch_size}"] = compared(loading, len(dataset), repeats)
        training[f"batch_{batch_size}"] = compared(learning, len(dataset), repeats)
    return {"data_path": data_path, "training": training}


def measure_augmentation(comparison: Comparison, batch_size: int, repeats: int) -> dict[str, Any]:
    """Loading with augmentation, an image at a time and in batches."""
    return {
        kind: compared(
            {name: consume(batches) for name, batches in sides.items()}, len(comparison.dataset), repeats
        )
        for kind, sides in comparison.augmented(batch_size).items()
    }


def measure(dataset: "ImageDataset", num_augmented: int, workers: int, repeats: int) -> dict[str, Any]:
    """All figures for one set of images."""
    import torch

    with tempfile.TemporaryDirectory() as scratch:
        whole = Comparison(dataset, Path(scratch) / "whole", workers)
        few = dataset.subset(range(min(num_augmented, len(dataset))))
        part = Comparison(few, Path(scratch) / "part", workers)
        return {
            "dataset": dataset.name,
            "num_images": len(dataset),
            "repeats": repeats,
            "workers": workers,
            "torch_threads": torch.get_num_threads(),
            "largest_difference": whole.largest_difference(),
            **measure_plain(whole, (512, 64), repeats),
            "augmentation": measure_augmentation(part, 512, repeats),
        }


app = typer.Typer(add_completion=False)


@app.command()
def main(
    dataset: Annotated[str, typer.Option(help="A grey image data set.")] = "mnist",
    data_dir: Annotated[Path | None, typer.Option(help="The folder with its four IDX files.")] = None,
    repeats: Annotated[int, typer.Option(min=1, help="Timed runs of each side.")] = 5,
    workers: Annotated[int, typer.Option(min=1, help="Workers of torchvision's loader.")] = 2,
    num_images: Annotated[int | None, typer.Option(min=1, help="Only so many images.")] = None,
    num_augmented: Annotated[int, typer.Option(min=1, help="Images augmented a run.")] = 6000,
    output: Annotated[Path | None, typer.Option(help="Write the figures to this JSON file.")] = None,
) -> None:
    """Measure loading, training and augmentation beside torchvision's way, and print JSON."""
    from mldata.images.loading import load_images

    images = load_images(dataset, "train", data_dir=data_dir)
    if num_images is not None:
        images = images.subset(range(min(num_images, len(images))))
    text = json.dumps(measure(images, num_augmented, workers, repeats), indent=2)
    if output is not None:
        output.write_text(text + "\n", encoding="utf-8")
    print(text)


if __name__ == "__main__":
    sys.exit(run(app, None, "python -m mldata.images.benchmark"))
