"""Images beside the training images that resemble them most."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from torch import Tensor

from mlcore.interpretation.drawing.page import (
    BLUE,
    BODY_WIDTH,
    INK,
    ORANGE,
    SMALL_SIZE,
    SOFT,
    Page,
    arrow,
    shortened,
)
from mlcore.interpretation.drawing.pictures import as_pictures
from mlcore.interpretation.errors import InterpretationError
from mlcore.interpretation.neighbours import Neighbours

if TYPE_CHECKING:
    from matplotlib.figure import Figure
    from numpy.typing import NDArray

PICTURE = 0.92
ROW_HEIGHT = 1.44
FIRST_WIDTH = 1.75  # the query and the gap after it
SUBTITLE = (
    "Left the image and its true → predicted class, then its neighbours with class and distance. Blue, solid: of "
    "the true class. Orange, dashed: of the predicted one. Black, dotted: of another."
)


def draw_neighbours(
    queries: Tensor | NDArray[Any],
    true: Tensor,
    predicted: Tensor,
    neighbour_images: Tensor | NDArray[Any],
    neighbour_labels: Tensor,
    neighbours: Neighbours,
    classes: Sequence[str],
    *,
    title: str = "Mistakes and their nearest training images",
    subtitle: str | None = None,
) -> Figure:
    """A row for each query: the image with its true and predicted class, then its k neighbours with label and
    distance. A neighbour's frame and label say which side it is on: the true class or the predicted one.

    Args:
        queries: Q images.
        true: (Q,) their classes.
        predicted: (Q,) what the model said.
        neighbour_images: Q * k images, the neighbours of the first query first
            (``references[neighbours.indices.flatten()]``).
        neighbour_labels: (Q, k) their classes.
        neighbours: of `nearest_neighbours`; its distances are shown.
        classes: the names of all classes.
    """
    pictures, others = as_pictures(queries), as_pictures(neighbour_images)
    num, k = neighbours.indices.shape
    if len(pictures) != num or len(others) != num * k or neighbour_labels.shape != (num, k):
        raise InterpretationError(
            f"{num} queries with {k} neighbours each need {num} images, {num * k} neighbour images and labels "
            f"({num}, {k}); got {len(pictures)}, {len(others)} and {tuple(neighbour_labels.shape)}"
        )
    page = Page(num * ROW_HEIGHT, title, subtitle or SUBTITLE)
    for row in range(num):
        top, sides = row * ROW_HEIGHT, (int(true[row]), int(predicted[row]))
        page.picture(pictures[row], 0.2, top, PICTURE, frame=INK, thick=1.2)
        caption = arrow(classes, *sides, 14)
        page.text(0.2 + PICTURE / 2, top + PICTURE + 0.05, caption, weight="bold", across="center")
        _draw_row(page, top, others[row * k : (row + 1) * k], neighbour_labels[row], sides, classes)
        _write_distances(page, top, neighbours.distances[row].tolist())
    return page.figure


def _draw_row(
    page: Page,
    top: float,
    pictures: NDArray[Any],
    labels: Tensor,
    sides: tuple[int, int],
    classes: Sequence[str],
) -> None:
    """The neighbours of one query, with their classes."""
    step, size = _step_and_size(len(pictures))
    for column, (picture, label) in enumerate(zip(pictures, labels.tolist(), strict=True)):
        left = FIRST_WIDTH + column * step
        # The true class solid and blue, the predicted one dashed and orange, any other dotted.
        colour = BLUE if label == sides[0] else ORANGE if label == sides[1] else INK
        axes = page.picture(picture, left, top, size, frame=colour, thick=2)
        for spine in axes.spines.values():
            spine.set_linestyle("-" if label == sides[0] else "--" if label == sides[1] else ":")
        name = shortened(classes[label], int(11 * step))
        page.text(left + size / 2, top + size + 0.05, name, weight="bold", colour=colour, across="center")


def _write_distances(page: Page, top: float, distances: Sequence[float]) -> None:
    step, size = _step_and_size(len(distances))
    for column, distance in enumerate(distances):
        words = f"{distance:,.0f}" if distance >= 100 else f"{distance:.3g}"
        middle = FIRST_WIDTH + column * step + size / 2
        page.text(middle, top + size + 0.22, words, size=SMALL_SIZE, colour=SOFT, across="center")


def _step_and_size(k: int) -> tuple[float, float]:
    """From one neighbour to the next, and the side of a picture, in inches."""
    step = min(1.1, (BODY_WIDTH - FIRST_WIDTH) / k)
    return step, min(PICTURE, step * 0.9)
