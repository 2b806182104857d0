"""What the layers of a model give out for one image."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from torch import Tensor

from mlcore.interpretation.drawing.page import BODY_WIDTH, SOFT, Page
from mlcore.interpretation.drawing.pictures import as_pictures, mosaic
from mlcore.interpretation.errors import InterpretationError

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from numpy.typing import NDArray

IMAGE_WIDTH = 1.5
MAPS_LEFT = 1.85
MAPS_WIDTH = BODY_WIDTH - MAPS_LEFT
HEADING, SPACE = 0.24, 0.22


def draw_activation_maps(
    image: Tensor | NDArray[Any],
    maps: Mapping[str, Tensor],
    *,
    caption: str = "",
    title: str = "What each layer gives out for this image",
    subtitle: str = "Brighter is larger, on one scale for each layer; dark is zero or below.",
    num_channels: int = 16,
) -> Figure:
    """The image, and beside it a band for each layer: of a convolution the channels with the largest mean, of a
    linear layer all units, row by row.

    Args:
        image: one image: (H, W), (H, W, channels) or (channels, H, W).
        maps: layer -> (C, h, w) or (features,): a row of what `activation_maps` returns.
        caption: what stands below the image.
        num_channels: channels of a convolution at most; 8 stand in a row.
    """
    bands = {name: _band(name, values, num_channels) for name, values in maps.items()}
    heights = [MAPS_WIDTH * band.shape[0] / band.shape[1] for band, _ in bands.values()]
    total = sum(heights) + len(heights) * (HEADING + SPACE) - SPACE
    page = Page(max(total, IMAGE_WIDTH + 0.3), title, subtitle)
    page.picture(as_pictures(image[None])[0], 0, HEADING, IMAGE_WIDTH)
    page.text(IMAGE_WIDTH / 2, HEADING + IMAGE_WIDTH + 0.06, caption, weight="bold", across="center")
    top = 0.0
    for (name, (band, words)), height in zip(bands.items(), heights, strict=True):
        page.text(MAPS_LEFT, top, name, weight="bold")
        page.text(BODY_WIDTH, top, words, colour=SOFT, across="right")
        _draw_band(page.axes(MAPS_LEFT, top + HEADING, MAPS_WIDTH, height), band)
        top += HEADING + height + SPACE
    return page.figure


def _band(name: str, values: Tensor, num_channels: int) -> tuple[NDArray[Any], str]:
    """One layer as an array to draw, and its description."""
    import numpy as np

    array = values.detach().cpu().float().numpy()
    if array.ndim == 3:
        strongest = np.argsort(-array.mean((1, 2)), kind="stable")[:num_channels]
        size = " × ".join(map(str, array.shape[1:]))
        words = f"{len(array)} channels of {size}" + (
            f", the {len(strongest)} strongest" if len(strongest) < len(array) else ""
        )
        # The gap grows with the maps, so that all bands look alike.
        gap = max(1, round(array.shape[2] * 0.06))
        return mosaic(array[strongest], 8, gap), words
    if array.ndim != 1:
        raise InterpretationError(f"layer {name!r}: (C, h, w) or (features,) of one image; got {array.shape}")
    num_columns = 32 if len(array) <= 256 else 64
    num_rows = -(-len(array) // num_columns)
    padded = np.full(num_rows * num_columns, np.nan, dtype=np.float32)
    padded[: len(array)] = array
    return padded.reshape(num_rows, num_columns), f"{len(array)} units"


def _draw_band(axes: Axes, band: NDArray[Any]) -> None:
    import numpy as np

    largest = float(np.nanmax(band, initial=0.0))
    axes.imshow(band, cmap="magma", vmin=0, vmax=largest or 1.0, interpolation="nearest", aspect="auto")
    axes.set_axis_off()
