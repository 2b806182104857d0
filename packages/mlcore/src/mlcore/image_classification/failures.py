"""What `visualize_failures` does: the most confident mistakes, what they have in common, what the model looked at."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

from mlcore.cli import Options
from mlcore.device import choose_device
from mlcore.image_classification.classifier import ImageClassifier
from mlcore.image_classification.wiring import ImageSet, Wiring
from mlcore.interpretation import (
    Failures,
    activation_maps,
    cluster_failures,
    draw_activation_maps,
    draw_confusion,
    draw_failure_clusters,
    draw_failures,
    draw_heat_maps,
    draw_neighbours,
    find_failures,
    grad_cam,
    input_gradient,
    nearest_neighbours,
    saliency_map,
)
from mlcore.report import build_report
from mlcore.report.figures import save_figure
from mlcore.training_run import checkpoint_to_evaluate

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Drawing = tuple["Figure", str, str]  # the figure, its title and its caption
NUM_EXPLAINED = 8  # of these: heat maps and neighbours
NUM_NEIGHBOURS = 6


@dataclass(frozen=True)
class Judged:
    """A classifier with its predictions on some images."""

    classifier: ImageClassifier
    images: ImageSet
    logits: Tensor
    num: int

    @cached_property
    def failures(self) -> Failures:
        """The most confident mistakes."""
        return find_failures(self.logits, self.images.labels, self.num)

    @cached_property
    def wrong(self) -> Tensor:
        """(M,) positions of all mistakes."""
        return (self.logits.argmax(dim=1) != self.images.labels).nonzero().squeeze(1)

    def inputs(self, positions: Tensor) -> Tensor:
        """(B, C, H, W) normalised images, as the model takes them."""
        batches = self.classifier.batches(self.images.subset(positions), len(positions))
        return next(iter(batches))[0].to(self.classifier.device)

    def features(self, images: ImageSet) -> Tensor:
        """(N, D) what the last layer sees."""
        with torch.inference_mode():
            batches = self.classifier.batches(images)
            model, device = self.classifier.model, self.classifier.device
            return torch.cat([model.features(batch.to(device)).cpu() for batch, _ in batches])


def visualize_failures(config: Any, options: Options, wiring: Wiring) -> None:
    """Draw a run's mistakes into its report."""
    run, checkpoint = options.run_folder, checkpoint_to_evaluate(options)
    classifier = wiring.read_classifier(checkpoint, choose_device(config.device)).differentiable()
    images = wiring.load_split(config.data, options.extra["split"])
    logits = classifier.predict(images)
    judged = Judged(classifier, images, logits, options.extra["num"])
    num_wrong = len(judged.wrong)
    print(f"{num_wrong} of {len(images):,} {images.split} images are taken for another class")
    path = checkpoint.parent.parent if run is None else run.path
    train, _ = wiring.training_splits(config.data)
    for name, draw in DRAWINGS.items():
        if num_wrong:
            figure, title, caption = draw(judged, train)
            print(f"  {save_figure(path, name, figure, title=title, caption=caption)}")
    print(f"report  {build_report(path)}")


def gallery(judged: Judged, train: ImageSet) -> Drawing:
    """The most confident mistakes."""
    failures = judged.failures
    figure = draw_failures(judged.images.images[failures.positions], failures, judged.images.classes)
    return figure, "The most confident mistakes", "True class, predicted class and its probability."


def confusion(judged: Judged, train: ImageSet) -> Drawing:
    """Which classes are taken for which."""
    classes = judged.images.classes
    counts = torch.zeros(len(classes), len(classes), dtype=torch.int64)
    counts.index_put_((judged.images.labels, judged.logits.argmax(dim=1)), torch.tensor(1), accumulate=True)
    return draw_confusion(counts, classes), "Confusion matrix", "Rows are the true classes."


def clusters(judged: Judged, train: ImageSet) -> Drawing:
    """All mistakes, grouped by what the last layer saw in them."""
    wrong = judged.wrong
    images = judged.images.subset(wrong)
    predicted = judged.logits[wrong].argmax(dim=1)
    found = cluster_failures(judged.features(images), predicted, images.labels)
    figure = draw_failure_clusters(images.images, found, predicted, images.labels, images.classes)
    caption = (
        "Mistakes with similar features in the last hidden layer; the medoid of each cluster comes first."
    )
    return figure, "Clusters of mistakes", caption


def heat_maps(judged: Judged, train: ImageSet) -> Drawing:
    """Where the evidence for the predicted and for the true class lies."""
    failures, model = judged.failures, judged.classifier.model
    positions = failures.positions[:NUM_EXPLAINED]
    inputs = judged.inputs(positions)
    classes = {"predicted": failures.predicted[:NUM_EXPLAINED], "true": failures.true[:NUM_EXPLAINED]}
    layer = list(model.layers_to_show.values())[-1]
    if hasattr(model, "evidence_layer"):
        maps = {
            f"for the {kind}": grad_cam(model, model.evidence_layer, inputs, of, as_maps=model.as_maps)
            for kind, of in classes.items()
        }
        title, caption = (
            "Grad-CAM of mistakes",
            "Patches before the last block; bright ones speak for the class.",
        )
    elif isinstance(layer, nn.Conv2d):
        maps = {f"for the {kind}": grad_cam(model, layer, inputs, of) for kind, of in classes.items()}
        title, caption = "Grad-CAM of mistakes", "Last convolution; bright places speak for the class."
    else:
        maps = {
            f"for the {kind}": saliency_map(input_gradient(model, inputs, of)) for kind, of in classes.items()
        }
        title, caption = "Saliency of mistakes", "Pixels whose change would move the class's score most."
    names = judged.images.classes
    captions = [
        f"{names[true]} → {names[predicted]}"
        for true, predicted in zip(classes["true"].tolist(), classes["predicted"].tolist(), strict=True)
    ]
    return draw_heat_maps(judged.images.images[positions], maps, captions, title=title), title, caption


def neighbours(judged: Judged, train: ImageSet) -> Drawing:
    """The training images that look most like a mistake to the model."""
    failures = judged.failures
    positions = failures.positions[:NUM_EXPLAINED]
    queries = judged.images.subset(positions)
    found = nearest_neighbours(judged.features(queries), judged.features(train), NUM_NEIGHBOURS)
    figure = draw_neighbours(
        queries.images,
        queries.labels,
        failures.predicted[:NUM_EXPLAINED],
        train.images[found.indices.flatten()],
        train.labels[found.indices],
        found,
        train.classes,
    )
    return figure, "Nearest training images", "Euclidean distance between features of the last hidden layer."


def activations(judged: Judged, train: ImageSet) -> Drawing:
    """What each layer makes of the most confident mistake."""
    position = judged.failures.positions[:1]
    model = judged.classifier.model
    maps = activation_maps(model, model.layers_to_show, judged.inputs(position))
    figure = draw_activation_maps(
        judged.images.images[int(position)], {name: layer[0] for name, layer in maps.items()}
    )
    return figure, "Activation maps", "Of the most confident mistake, before the ReLU."


DRAWINGS: Mapping[str, Callable[[Judged, ImageSet], Drawing]] = {
    "failures": gallery,
    "confusion": confusion,
    "failure_clusters": clusters,
    "heat_maps": heat_maps,
    "neighbours": neighbours,
    "activation_maps": activations,
}
