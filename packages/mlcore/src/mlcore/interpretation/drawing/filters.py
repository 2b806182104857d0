"""The weights of a layer as a grid of pictures, and the images that its filters answer to."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from torch import Tensor

from mlcore.interpretation.drawing.page import BODY_WIDTH, SMALL_SIZE, SOFT, Page, framed
from mlcore.interpretation.drawing.pictures import as_pictures, mosaic
from mlcore.interpretation.errors import InterpretationError
from mlcore.interpretation.filters import MaximalActivations

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from numpy.typing import NDArray

SIGNS = "Red weights are positive, blue ones negative, white is zero."
COLOURS = "Grey is zero; brighter is positive, darker negative, in each colour channel."
PICTURE, ROW_HEIGHT, NUMBER_WIDTH = 0.58, 0.64, 0.34


def draw_filters(
    filters: Tensor, *, title: str, subtitle: str | None = None, num_columns: int = 8, max_size: float = 1.05
) -> Figure:
    """A grid of filters, row by row in their order.

    Args:
        filters: (n, H, W) or (n, H, W, 3) in [-1, 1], of `filter_images`.
        title: what is seen: the layer, and how many of its filters.
        subtitle: None explains the colours.
        num_columns: for slices of a later convolution, its number of input channels.
        max_size: of one filter, inches.
    """
    import numpy as np

    array = _checked(filters)
    num_columns = min(num_columns, len(array))
    enlarged = np.kron(array, np.ones((1, 6, 6, *[1] * (array.ndim - 3)), dtype=np.float32))
    joined = mosaic(enlarged, num_columns, gap=max(1, round(enlarged.shape[2] * 0.07)))
    width = min(BODY_WIDTH, max_size * num_columns)
    height = width * joined.shape[0] / joined.shape[1]
    page = Page(height, title, subtitle or (SIGNS if array.ndim == 3 else COLOURS))
    axes = page.axes(0, 0, width, height)
    _show(axes, joined)
    axes.set_axis_off()
    return page.figure


def draw_maximal_activations(
    filters: Tensor | None,
    images: Tensor | NDArray[Any],
    strongest: MaximalActivations,
    *,
    numbers: Sequence[int] | None = None,
    title: str = "The images that each filter answers to most",
    subtitle: str | None = None,
) -> Figure:
    """A row for each filter, two rows side by side where there is room: its number, its weights, then its
    images, the strongest first.

    Args:
        filters: (F, H, W[, 3]) in [-1, 1], of `filter_images`; None for a layer whose weights are no pictures.
        images: F * num images, those of the first filter first (``images[strongest.positions.flatten()]``).
        strongest: of `maximal_activations`, or the rows of some filters.
        numbers: F, of the filters in their layer; None counts from 0.
    """
    pictures = as_pictures(images)
    num_filters, num = strongest.positions.shape
    weights = None if filters is None else _checked(filters)
    if len(pictures) != num_filters * num or (weights is not None and len(weights) != num_filters):
        raise InterpretationError(
            f"{num_filters} filters with {num} images each need {num_filters * num} images, got {len(pictures)}"
            + ("" if weights is None else f", and {num_filters} filter pictures, got {len(weights)}")
        )
    own = 0.0 if weights is None else PICTURE + 0.12
    block = NUMBER_WIDTH + own + num * PICTURE
    num_blocks = 2 if 2 * block + 0.4 <= BODY_WIDTH and num_filters > 1 else 1
    num_rows = -(-num_filters // num_blocks)
    page = Page(num_rows * ROW_HEIGHT, title, subtitle or _subtitle(weights))
    for number in range(num_filters):
        column, row = divmod(number, num_rows)
        left, top = column * (BODY_WIDTH / 2), row * ROW_HEIGHT
        page.text(
            left,
            top + PICTURE / 2,
            str(number if numbers is None else numbers[number]),
            size=SMALL_SIZE,
            colour=SOFT,
            middle=True,
        )
        left += NUMBER_WIDTH
        if weights is not None:
            axes = page.axes(left, top, PICTURE, PICTURE)
            _show(axes, weights[number])
            framed(axes)
        for place, picture in enumerate(pictures[number * num : (number + 1) * num]):
            page.picture(picture, left + own + place * PICTURE, top, PICTURE * 0.94)
    return page.figure


def _show(axes: Axes, array: NDArray[Any]) -> None:
    """Signed grey values red and blue, signed colours about grey; gaps, which are no numbers, stay white."""
    import numpy as np

    if array.ndim == 2:
        axes.imshow(array, cmap="RdBu_r", vmin=-1, vmax=1, interpolation="nearest")
    else:
        axes.imshow(np.nan_to_num((array + 1) / 2, nan=1.0), interpolation="nearest")


def _checked(filters: Tensor) -> NDArray[Any]:
    array = filters.detach().cpu().float().numpy()
    if array.ndim not in (3, 4) or (array.ndim == 4 and array.shape[3] != 3) or len(array) == 0:
        raise InterpretationError(f"filters must be (n, H, W) or (n, H, W, 3); got {array.shape}")
    if not abs(array).max() <= 1 + 1e-4:
        raise InterpretationError("filters must lie in [-1, 1]; filter_images brings weights there")
    return array


def _subtitle(weights: NDArray[Any] | None) -> str:
    if weights is None:
        return "A row for each filter: its number, then its images, the strongest first."
    return "A row for each filter: its number, its weights, then its images, the strongest first. " + (
        SIGNS if weights.ndim == 3 else COLOURS
    )
