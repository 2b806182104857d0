"""Look into an image classifier: its mistakes, what it looks at, what its filters hold; and the figures of all.

Tensors and modules go in, tensors or matplotlib figures come out. Names are loaded on first use, so that
importing this package imports neither torch nor matplotlib.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mlcore.interpretation.activations import activation_maps as activation_maps
    from mlcore.interpretation.class_activation import grad_cam as grad_cam
    from mlcore.interpretation.class_examples import examples_of_classes as examples_of_classes
    from mlcore.interpretation.clusters import FailureCluster as FailureCluster
    from mlcore.interpretation.clusters import FailureClusters as FailureClusters
    from mlcore.interpretation.clusters import cluster_failures as cluster_failures
    from mlcore.interpretation.drawing.activations import draw_activation_maps as draw_activation_maps
    from mlcore.interpretation.drawing.clusters import draw_failure_clusters as draw_failure_clusters
    from mlcore.interpretation.drawing.confusion import draw_confusion as draw_confusion
    from mlcore.interpretation.drawing.data_set import draw_class_distribution as draw_class_distribution
    from mlcore.interpretation.drawing.data_set import draw_class_means as draw_class_means
    from mlcore.interpretation.drawing.data_set import draw_contact_sheet as draw_contact_sheet
    from mlcore.interpretation.drawing.failures import draw_failures as draw_failures
    from mlcore.interpretation.drawing.filters import draw_filters as draw_filters
    from mlcore.interpretation.drawing.filters import draw_maximal_activations as draw_maximal_activations
    from mlcore.interpretation.drawing.heat_maps import draw_heat_maps as draw_heat_maps
    from mlcore.interpretation.drawing.neighbours import draw_neighbours as draw_neighbours
    from mlcore.interpretation.errors import InterpretationError as InterpretationError
    from mlcore.interpretation.failures import Failures as Failures
    from mlcore.interpretation.failures import find_failures as find_failures
    from mlcore.interpretation.failures import hardest as hardest
    from mlcore.interpretation.failures import least_confident_correct as least_confident_correct
    from mlcore.interpretation.filters import MaximalActivations as MaximalActivations
    from mlcore.interpretation.filters import filter_images as filter_images
    from mlcore.interpretation.filters import maximal_activations as maximal_activations
    from mlcore.interpretation.filters import strongest_filters as strongest_filters
    from mlcore.interpretation.mean_images import ClassMeans as ClassMeans
    from mlcore.interpretation.mean_images import class_means as class_means
    from mlcore.interpretation.neighbours import Neighbours as Neighbours
    from mlcore.interpretation.neighbours import nearest_neighbours as nearest_neighbours
    from mlcore.interpretation.saliency import IntegratedGradients as IntegratedGradients
    from mlcore.interpretation.saliency import input_gradient as input_gradient
    from mlcore.interpretation.saliency import integrated_gradients as integrated_gradients
    from mlcore.interpretation.saliency import saliency_map as saliency_map

_HOMES = {
    "ClassMeans": "mean_images",
    "FailureCluster": "clusters",
    "FailureClusters": "clusters",
    "Failures": "failures",
    "IntegratedGradients": "saliency",
    "InterpretationError": "errors",
    "MaximalActivations": "filters",
    "Neighbours": "neighbours",
    "activation_maps": "activations",
    "class_means": "mean_images",
    "cluster_failures": "clusters",
    "draw_activation_maps": "drawing.activations",
    "draw_class_distribution": "drawing.data_set",
    "draw_class_means": "drawing.data_set",
    "draw_confusion": "drawing.confusion",
    "draw_contact_sheet": "drawing.data_set",
    "draw_failure_clusters": "drawing.clusters",
    "draw_failures": "drawing.failures",
    "draw_filters": "drawing.filters",
    "draw_heat_maps": "drawing.heat_maps",
    "draw_maximal_activations": "drawing.filters",
    "draw_neighbours": "drawing.neighbours",
    "examples_of_classes": "class_examples",
    "filter_images": "filters",
    "find_failures": "failures",
    "grad_cam": "class_activation",
    "hardest": "failures",
    "input_gradient": "saliency",
    "integrated_gradients": "saliency",
    "least_confident_correct": "failures",
    "maximal_activations": "filters",
    "nearest_neighbours": "neighbours",
    "saliency_map": "saliency",
    "strongest_filters": "filters",
}

__all__ = sorted(_HOMES)


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{_HOMES[name]}"), name)


def __dir__() -> list[str]:
    return __all__
