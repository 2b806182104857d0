"""A scene of real digits with an unsure classifier, and every figure drawn of it."""

from collections.abc import Callable
from typing import Any

import torch
from matplotlib.figure import Figure
from mlcore.interpretation import (
    class_means,
    cluster_failures,
    draw_activation_maps,
    draw_class_distribution,
    draw_class_means,
    draw_confusion,
    draw_contact_sheet,
    draw_failure_clusters,
    draw_failures,
    draw_filters,
    draw_heat_maps,
    draw_maximal_activations,
    draw_neighbours,
    examples_of_classes,
    filter_images,
    find_failures,
    maximal_activations,
    nearest_neighbours,
)
from torch import Tensor, nn

NAMES = [str(number) for number in range(10)]
LONG = [f"handwritten numeral {number} of ten" for number in range(10)]


class Scene:
    """Digits, in grey or in three colours, with the logits of an unsure classifier."""

    def __init__(self, images: Tensor, labels: Tensor, channels: int) -> None:
        generator = torch.Generator().manual_seed(0)
        self.labels = labels
        tint = torch.tensor([1.0, 0.7, 0.4])[:channels]
        self.images = (images[..., None] * tint).to(torch.uint8)
        self.logits = 5 * torch.eye(10)[labels] + 2 * torch.randn(len(labels), 10, generator=generator)
        self.failures = find_failures(self.logits, labels)
        every = self.every = find_failures(self.logits, labels, len(labels))
        features = self.images[every.positions].flatten(1).float()
        self.clusters = cluster_failures(features, every.predicted, every.true, num_clusters=(4, 4))


def gallery(scene: Scene, names: list[str]) -> Figure:
    return draw_failures(scene.images[scene.failures.positions], scene.failures, names)


def clusters(scene: Scene, names: list[str]) -> Figure:
    every = scene.every
    images = scene.images[every.positions]
    return draw_failure_clusters(images, scene.clusters, every.predicted, every.true, names)


def neighbours(scene: Scene, names: list[str]) -> Figure:
    positions = scene.failures.positions[:4]
    pixels = scene.images.flatten(1)
    found = nearest_neighbours(pixels[positions], pixels, 6, exclude=positions)
    return draw_neighbours(
        scene.images[positions],
        scene.failures.true[:4],
        scene.failures.predicted[:4],
        scene.images[found.indices.flatten()],
        scene.labels[found.indices],
        found,
        names,
    )


def heat_maps(scene: Scene, names: list[str]) -> Figure:
    maps = {"Grad-CAM": torch.rand(7, 8, 8), "attributions": torch.randn(7, 8, 8)}
    captions = [names[label][:14] for label in scene.labels[:7].tolist()]
    return draw_heat_maps(scene.images[:7], maps, captions, title="What the model looks at")


def activations(scene: Scene, names: list[str]) -> Figure:
    maps = {"conv1": torch.randn(6, 8, 8), "conv2": torch.rand(32, 4, 4), "fc1": torch.rand(70)}
    return draw_activation_maps(scene.images[0], maps, caption=names[0][:14])


def confusion(scene: Scene, names: list[str]) -> Figure:
    return draw_confusion(counts_of(scene), names)


def counts_of(scene: Scene) -> Tensor:
    pairs = zip(scene.labels.tolist(), scene.logits.argmax(1).tolist(), strict=True)
    counts = torch.zeros(10, 10, dtype=torch.int64)
    for true, predicted in pairs:
        counts[true, predicted] += 1
    return counts


def distribution(scene: Scene, names: list[str]) -> Figure:
    counts = scene.labels.bincount()
    return draw_class_distribution({"train": counts, "validation": counts // 4, "test": counts // 5}, names)


def one_distribution(scene: Scene, names: list[str]) -> Figure:
    return draw_class_distribution({"train": scene.labels.bincount()}, names)


def means(scene: Scene, names: list[str]) -> Figure:
    return draw_class_means(class_means(scene.images, scene.labels, 10), names)


def contact_sheet(scene: Scene, names: list[str]) -> Figure:
    positions = torch.cat(examples_of_classes(scene.labels, 10, 12))
    return draw_contact_sheet(scene.images[positions], scene.labels[positions], names)


def filters(scene: Scene, names: list[str]) -> Figure:
    return draw_filters(
        filter_images(torch.randn(32, scene.images.shape[3], 3, 3)), title="The 32 filters of conv1"
    )


def strongest(scene: Scene, names: list[str]) -> Figure:
    conv = nn.Conv2d(scene.images.shape[3], 9, 3)
    inputs = scene.images.permute(0, 3, 1, 2).float() / 255
    found = maximal_activations(conv, conv, inputs.split(200), num=4)
    pictures = filter_images(conv.weight)
    return draw_maximal_activations(pictures, scene.images[found.positions.flatten()], found)


Drawing = Callable[[Scene, list[str]], Figure]
DRAWINGS: dict[str, tuple[Drawing, int]] = {
    "gallery": (gallery, 25),
    "clusters": (clusters, 4 * 8),
    "neighbours": (neighbours, 4 * (1 + 6)),
    "heat maps": (heat_maps, 7 * 3),
    "activations": (activations, 1 + 3),
    "confusion": (confusion, 1),
    "distribution": (distribution, 1),
    "one distribution": (one_distribution, 1),
    "means": (means, 2 * 10),
    "contact sheet": (contact_sheet, 10),
    "filters": (filters, 1),
    "strongest": (strongest, 9 * (1 + 4)),
}


def words_of(figure: Figure) -> list[Any]:
    """Every visible text that is not empty, wherever it stands."""
    from matplotlib.text import Text

    return [text for text in figure.findobj(Text) if text.get_text().strip() and text.get_visible()]


def text_of(figure: Figure) -> str:
    return "\n".join(text.get_text() for text in words_of(figure))
