"""How fast colour images are augmented, beside torchvision's usual way: `python -m mldata.images.colour_benchmark`.

The usual way is that of torchvision's CIFAR10 class: a PIL image an item, `transforms.v2`, a DataLoader with workers.
Both sides make the same changes to the same images and run in turns in one process; a ratio is that of the medians.
torchvision is needed here and in `benchmark`, and nowhere else in this package.
"""

import json
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from mldata.command_line import run
from mldata.errors import DataError
from mldata.images.benchmark import compared, consume

if TYPE_CHECKING:
    import torch
    from torch.utils.data import DataLoader

    from mldata.images.augmentation import AugmentationConfig
    from mldata.images.batches import ImageBatches
    from mldata.images.dataset import ImageDataset

_OURS = "image_batches"
_GOAL = 15.0  # times the images a second, at crop and flip
_PAD, _HOLE, _JITTER = 4, 12, 0.2


class PictureItems:
    """The images an item at a time, each as a PIL image with its label: torchvision's CIFAR10 class in memory."""

    def __init__(self, images: "ImageDataset", transform: Callable[[Any], "torch.Tensor"]) -> None:
        self._pixels, self._labels = images.images.numpy(), images.labels.tolist()
        self._transform = transform

    def __len__(self) -> int:
        return len(self._labels)

    def __getitem__(self, position: int) -> tuple["torch.Tensor", int]:
        from PIL import Image

        return self._transform(Image.fromarray(self._pixels[position])), self._labels[position]


def their_transforms(images: "ImageDataset") -> dict[str, "Callable[[Any], torch.Tensor]"]:
    """torchvision's transforms by kind of augmentation, normalisation included."""
    import torch
    from torchvision.transforms import v2

    means, deviations = images.channel_statistics()
    size = images.image_shape[0]
    moves = (v2.RandomCrop(size, padding=_PAD, padding_mode="reflect"), v2.RandomHorizontalFlip())
    floats = (v2.ToImage(), v2.ToDtype(torch.float32, scale=True))
    share = (_HOLE / size) ** 2
    hole = v2.RandomErasing(p=1.0, scale=(share, share), ratio=(1.0, 1.0), value=0.5)
    colours = v2.ColorJitter(brightness=_JITTER, contrast=_JITTER, saturation=_JITTER)
    normalised = v2.Normalize(means, deviations)
    return {
        "crop_flip": v2.Compose([*moves, *floats, normalised]),
        "crop_flip_cutout": v2.Compose([*moves, *floats, hole, normalised]),
        "crop_flip_colour": v2.Compose([*moves, *floats, colours, normalised]),
        "rand_augment": v2.Compose([*moves, v2.RandAugment(), *floats, normalised]),
    }


def our_configs() -> dict[str, "AugmentationConfig"]:
    """The same changes for whole batches. Our RandAugment comes before crop and flip; its work is the same."""
    from mldata.images.augmentation import AugmentationConfig

    moves: dict[str, Any] = {
        "translation": _PAD,
        "whole_pixels": True,
        "padding": "reflection",
        "horizontal_flip": 0.5,
    }
    jitter = {"brightness": _JITTER, "contrast": _JITTER, "saturation": _JITTER}
    return {
        "crop_flip": AugmentationConfig(**moves),
        "crop_flip_cutout": AugmentationConfig(**moves, cutout=_HOLE),
        "crop_flip_colour": AugmentationConfig(**moves, **jitter),
        "rand_augment": AugmentationConfig(**moves, rand_augment_ops=2, rand_augment_magnitude=0.3),
    }


def ours(images: "ImageDataset", config: "AugmentationConfig", batch_size: int) -> "ImageBatches":
    """Whole batches out of memory, on this thread."""
    from mldata.images.augmentation import build_augmentation
    from mldata.images.batches import ImageBatches

    means, deviations = images.channel_statistics()
    return ImageBatches(
        images,
        batch_size=batch_size,
        mean=means,
        std=deviations,
        shuffle=True,
        augmentation=build_augmentation(config, seed=0, as_bytes=True),
        channels_last=True,
    )


def theirs(
    images: "ImageDataset", transform: "Callable[[Any], torch.Tensor]", batch_size: int, workers: int
) -> "DataLoader[Any]":
    """An item at a time, in worker processes that live on from epoch to epoch."""
    from torch.utils.data import DataLoader

    items = PictureItems(images, transform)
    return DataLoader(
        items,  # type: ignore[arg-type]  # it wants no more than length and items
        batch_size=batch_size,
        shuffle=True,
        num_workers=workers,
        persistent_workers=workers > 0,
    )


def measure(
    images: "ImageDataset", *, kinds: Sequence[str], batch_size: int, workers: int, repeats: int
) -> dict[str, Any]:
    """Both sides of every kind of augmentation.

    Raises:
        DataError: images that are not in colour.
    """
    import torch

    if images.image_shape[2] != 3:
        raise DataError(f"{images!r} is not in colour; python -m mldata.images.benchmark takes grey sets")
    transforms, configs = their_transforms(images), our_configs()
    found: dict[str, Any] = {
        "dataset": images.name,
        "num_images": len(images),
        "batch_size": batch_size,
        "workers": workers,
        "torch_threads": torch.get_num_threads(),
        "goal_at_crop_flip": _GOAL,
    }
    for kind in kinds:
        sides: dict[str, Iterable[object]] = {
            f"torchvision_{workers}_workers": theirs(images, transforms[kind], batch_size, workers),
            _OURS: ours(images, configs[kind], batch_size),
        }
        found[kind] = compared({name: consume(side) for name, side in sides.items()}, len(images), repeats)
    return {**found, "repeats": repeats, "table": table_of(found)}


def table_of(found: Mapping[str, Any]) -> list[str]:
    """The kinds in Markdown, a line an entry: images a second of both sides, and the range of the rounds' ratios."""
    peer = f"torchvision_{found['workers']}_workers"
    lines = [
        f"| augmentation | ours, images/s | torchvision.transforms.v2, {found['workers']} workers | times | range |",
        "|---|---:|---:|---:|---:|",
    ]
    for kind, part in found.items():
        if isinstance(part, Mapping):
            rates, (low, high) = part["images_per_s"], part["ratio_range"][peer]
            ratio = f"{part['ratio'][peer]:.1f} | {low:.1f} to {high:.1f}"
            lines.append(f"| {kind.replace('_', ' ')} | {rates[_OURS]:,.0f} | {rates[peer]:,.0f} | {ratio} |")
    return lines


app = typer.Typer(add_completion=False)


@app.command()
def main(
    dataset: Annotated[str, typer.Option(help="An image data set in colour.")] = "cifar10",
    data_dir: Annotated[Path | None, typer.Option(help="The folder with its files.")] = None,
    num_images: Annotated[int, typer.Option(min=1, help="So many images an epoch.")] = 10_000,
    batch_size: Annotated[int, typer.Option(min=1, help="Images a batch.")] = 500,
    workers: Annotated[int, typer.Option(min=0, help="Workers of torchvision's loader.")] = 2,
    repeats: Annotated[int, typer.Option(min=1, help="Timed epochs of each side.")] = 5,
    output: Annotated[Path | None, typer.Option(help="Write the figures to this JSON file.")] = None,
) -> None:
    """Measure augmentation of colour images beside torchvision's way, and print JSON."""
    from mldata.images.loading import load_images

    images = load_images(dataset, "train", data_dir=data_dir)
    images = images.subset(range(min(num_images, len(images))))
    kinds = list(our_configs())
    figures = measure(images, kinds=kinds, batch_size=batch_size, workers=workers, repeats=repeats)
    text = json.dumps(figures, indent=2)
    if output is not None:
        output.write_text(text + "\n", encoding="utf-8")
    print(text)


if __name__ == "__main__":
    sys.exit(run(app, None, "python -m mldata.images.colour_benchmark"))
