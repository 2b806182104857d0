"""Clusters of mistakes: a row of examples for each, and what is commonest in it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from torch import Tensor

from mlcore.interpretation.clusters import FailureCluster, FailureClusters
from mlcore.interpretation.drawing.page import (
    BODY_WIDTH,
    INK,
    RULE,
    SMALL_SIZE,
    SOFT,
    TEXT_SIZE,
    Page,
    arrow,
    shortened,
)
from mlcore.interpretation.drawing.pictures import as_pictures
from mlcore.interpretation.errors import InterpretationError

if TYPE_CHECKING:
    from matplotlib.figure import Figure
    from numpy.typing import NDArray

LABEL_WIDTH = 2.2
ROW_HEIGHT = 1.14
PICTURE = 0.7
CAPTION_SIZE = 7.5  # points; ten characters below a picture


def draw_failure_clusters(
    images: Tensor | NDArray[Any],
    clusters: FailureClusters,
    predicted: Tensor,
    true: Tensor,
    classes: Sequence[str],
    *,
    title: str | None = None,
    num_examples: int = 8,
) -> Figure:
    """A row for each cluster, the largest first: its size and commonest confusions, then its medoid and the
    mistakes nearest to it, each with its true and predicted class.

    Args:
        images: of all M mistakes, in the order of the features that were clustered.
        clusters: of `cluster_failures`.
        predicted: (M,) classes, as they were clustered.
        true: (M,) classes.
        classes: the names of all classes.
        title: None says how many mistakes and clusters there are.
        num_examples: pictures a row.
    """
    pictures = as_pictures(images)
    if len(pictures) != len(clusters.labels):
        raise InterpretationError(f"{len(clusters.labels)} mistakes need as many images; got {len(pictures)}")
    num = len(clusters.clusters)
    noun = "one cluster" if num == 1 else f"{num} clusters"
    headline = title or f"{len(pictures):,} mistakes in {noun} of similar errors"
    page = Page(num * ROW_HEIGHT, headline, _subtitle(clusters))
    for number, cluster in enumerate(clusters.clusters):
        top = number * ROW_HEIGHT
        _label(page, top, number, cluster, classes)
        step = (BODY_WIDTH - LABEL_WIDTH) / num_examples
        size = min(PICTURE, step * 0.92)
        for column, member in enumerate(cluster.members[:num_examples].tolist()):
            left = LABEL_WIDTH + column * step + (step - size) / 2
            medoid = column == 0
            page.picture(
                pictures[member], left, top, size, frame=INK if medoid else RULE, thick=2 if medoid else 0.8
            )
            caption = arrow(classes, int(true[member]), int(predicted[member]), int(13 * step))
            page.text(left + size / 2, top + size + 0.05, caption, size=CAPTION_SIZE, across="center")
    return page.figure


def _label(page: Page, top: float, number: int, cluster: FailureCluster, classes: Sequence[str]) -> None:
    noun = "mistake" if cluster.size == 1 else "mistakes"
    page.text(0, top, f"{number + 1}:  {cluster.size} {noun}", weight="bold", size=TEXT_SIZE + 1)
    lines = [
        f"{shortened(classes[pair.true], 12)} → {shortened(classes[pair.predicted], 12)}  × {pair.num_mistakes}"
        for pair in cluster.pairs[:3]
    ]
    others = sum(pair.num_mistakes for pair in cluster.pairs[3:])
    lines += [f"others  × {others}"] if others else []
    page.text(0, top + 0.2, "\n".join(lines), size=SMALL_SIZE, colour=SOFT)


def _subtitle(clusters: FailureClusters) -> str:
    quality = "" if clusters.silhouette is None else f" Mean silhouette {clusters.silhouette:.2f}."
    return (
        "By the model's own features. The framed picture is the cluster's most typical mistake, the others are "
        f"nearest to it; below each its true → predicted class.{quality}"
    )
