"""What `visualize_filters` does: the weights of a run's first layers as pictures, and what they answer to."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from torch import Tensor, nn

from mlcore.cli import Options
from mlcore.device import choose_device
from mlcore.image_classification.classifier import ImageClassifier
from mlcore.image_classification.wiring import ImageSet, Wiring
from mlcore.interpretation import (
    draw_filters,
    draw_maximal_activations,
    filter_images,
    maximal_activations,
    strongest_filters,
)
from mlcore.interpretation.filters import MaximalActivations
from mlcore.report import build_report
from mlcore.report.figures import save_figure
from mlcore.training_run import checkpoint_to_evaluate

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Drawing = tuple["Figure", str, str]  # the figure, its title and its caption
NUM_PICTURES = 128  # of one layer: filters, or slices of filters
NUM_ANSWERING = 8  # filters whose favourite images are shown
NUM_FAVOURITES = 9


def visualize_filters(config: Any, options: Options, wiring: Wiring) -> None:
    """Draw a run's filters into its report."""
    run, checkpoint = options.run_folder, checkpoint_to_evaluate(options)
    classifier = wiring.read_classifier(checkpoint, choose_device(config.device)).differentiable()
    train, _ = wiring.training_splits(config.data)
    path = checkpoint.parent.parent if run is None else run.path
    for name, layer in classifier.model.layers_to_show.items():
        for kind, draw in (("filters", filters_of), ("favourites", favourites_of)):
            figure, title, caption = draw(classifier, train, name, layer)
            print(f"  {save_figure(path, f'{kind}_{name}', figure, title=title, caption=caption)}")
    print(f"report  {build_report(path)}")


def filters_of(classifier: ImageClassifier, train: ImageSet, name: str, layer: nn.Module) -> Drawing:
    """The layer's strongest filters as pictures."""
    weight = weight_of(layer)
    num = max(1, NUM_PICTURES // weight.shape[1]) if is_deep(weight) else NUM_PICTURES
    numbers = strongest_filters(weight, num).sort().values
    height, width, channels = train.image_shape
    shape = None if weight.dim() == 4 else (channels, height, width)
    title = f"{name}: {len(numbers)} of {len(weight)} filters"
    columns = weight.shape[1] if is_deep(weight) else 8
    figure = draw_filters(filter_images(weight[numbers], shape), title=title, num_columns=columns)
    rows = "A row is a filter, a column an input channel. " if is_deep(weight) else ""
    return figure, title, f"{rows}The filters with the largest weights, each on its own scale."


def favourites_of(classifier: ImageClassifier, train: ImageSet, name: str, layer: nn.Module) -> Drawing:
    """The training images that some filters answer to most."""
    weight = weight_of(layer)
    numbers = strongest_filters(weight, NUM_ANSWERING).sort().values
    found = maximal_activations(classifier.model, layer, classifier.batches(train), NUM_FAVOURITES)
    strongest = MaximalActivations(found.positions[numbers], found.values[numbers])
    height, width, channels = train.image_shape
    shape = None if weight.dim() == 4 else (channels, height, width)
    figure = draw_maximal_activations(
        None if is_deep(weight) else filter_images(weight[numbers], shape),
        train.images[strongest.positions.flatten()],
        strongest,
        numbers=numbers.tolist(),
    )
    return (
        figure,
        f"{name}: favourite images",
        "The training images with the largest outputs, filter by filter.",
    )


def weight_of(layer: nn.Module) -> Tensor:
    """(O, I, kh, kw) of a convolution, (O, inputs) of a linear layer."""
    weight = layer.weight
    assert isinstance(weight, Tensor)
    return weight.detach().cpu()


def is_deep(weight: Tensor) -> bool:
    """Whether a filter has more input channels than a picture can show as grey or colour."""
    return weight.dim() == 4 and weight.shape[1] not in (1, 3)
