"""The command `explore`: how many images of which class, what they look like, how they are normalised and augmented."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from mlcore.cli import Options
from mlcore.interpretation import (
    class_means,
    draw_class_distribution,
    draw_class_means,
    draw_contact_sheet,
    examples_of_classes,
)
from mldata.images.augmentation import build_augmentation
from mldata.images.augmentation.sheet import augmentation_sheet
from mldata.images.dataset import ImageDataset

from mnist_classifier import build
from mnist_classifier.config import ExperimentConfig

if TYPE_CHECKING:
    from matplotlib.figure import Figure
    from rich.table import Table

NUM_EXAMPLES = 12  # of each class on the contact sheet


@dataclass(frozen=True)
class Exploration:
    """The splits of a data set, to be looked at. The test images are counted, not shown."""

    config: ExperimentConfig
    splits: dict[str, ImageDataset]

    @property
    def train(self) -> ImageDataset:
        """The training images."""
        return self.splits["train"]

    def table(self) -> "Table":
        """Images, classes and pixel statistics of every split."""
        from rich.table import Table

        table = Table(
            "split", "images", "shape", "smallest and largest class", "mean", "deviation", "SHA-256"
        )
        for name, images in self.splits.items():
            counts = dict(zip(images.classes, images.class_counts(), strict=True))
            few, many = min(counts, key=counts.__getitem__), max(counts, key=counts.__getitem__)
            means, deviations = images.channel_statistics()
            table.add_row(
                name,
                f"{len(images):,}",
                " × ".join(map(str, images.image_shape)),
                f"{few}: {counts[few]:,}; {many}: {counts[many]:,}",
                ", ".join(f"{value:.4f}" for value in means),
                ", ".join(f"{value:.4f}" for value in deviations),
                images.fingerprint[:12],
            )
        return table

    def figures(self) -> Iterator[tuple[str, "Figure"]]:
        """Name and figure: class distribution, mean images, examples, augmented examples."""
        train, classes = self.train, self.train.classes
        counts = {name: images.class_counts() for name, images in self.splits.items()}
        yield "class_distribution", draw_class_distribution(counts, classes)
        means = class_means(train.images, train.labels, train.num_classes)
        yield "mean_images", draw_class_means(means, classes)
        chosen = examples_of_classes(train.labels, train.num_classes, NUM_EXAMPLES)
        shown = train.subset([int(position) for positions in chosen for position in positions])
        yield "examples", draw_contact_sheet(shown.images, shown.labels, classes)
        augmentation = build_augmentation(self.config.data.augmentation, seed=self.config.seed)
        if augmentation is not None:
            few = train.subset([int(positions[0]) for positions in chosen if len(positions)])
            names = [classes[int(label)] for label in few.labels]
            yield (
                "augmentation",
                augmentation_sheet(few.images, augmentation, indices=few.indices, names=names),
            )


def explore(config: ExperimentConfig) -> Exploration:
    """The data of an experiment, ready to be looked at."""
    train, validation = build.training_splits(config.data)
    splits = {"train": train, "validation": validation, "test": build.load_split(config.data, "test")}
    return Exploration(config, {name: images for name, images in splits.items() if images is not None})


def explore_command(config: ExperimentConfig, options: Options) -> None:
    """Print the table and write the figures as PNG."""
    from rich.console import Console

    exploration = explore(config)
    Console().print(exploration.table())
    folder: Path = options.extra["output"] or options.runs_dir / "exploration" / config.data.dataset
    folder.mkdir(parents=True, exist_ok=True)
    for name, figure in exploration.figures():
        path = folder / f"{name}.png"
        figure.savefig(path, dpi=144)
        print(f"figure  {path}")
