"""Images and, beside each, what a method says about its pixels: Grad-CAM, saliency, attributions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from torch import Tensor

from mlcore.interpretation.drawing.page import BODY_WIDTH, Page, framed
from mlcore.interpretation.drawing.pictures import as_pictures
from mlcore.interpretation.errors import InterpretationError

if TYPE_CHECKING:
    from matplotlib.figure import Figure
    from numpy.typing import NDArray

NUM_COLUMNS = 6  # pictures side by side
WORDS = 0.42  # inches below a picture


def draw_heat_maps(
    images: Tensor | NDArray[Any],
    maps: Mapping[str, Tensor],
    captions: Sequence[str],
    *,
    title: str,
    subtitle: str | None = None,
) -> Figure:
    """Groups of pictures: an image, then each of its maps. Maps in [0, 1] are laid over the image in grey, from
    nothing to bright yellow; signed ones are drawn by themselves, blue against and red for, white being 0.

    Args:
        images: N images.
        maps: what stands below the maps -> (N, H, W) in [0, 1], or signed (each map is scaled to its magnitude).
        captions: N, what stands below the images.
        title: what is seen.
        subtitle: None explains the colours.
    """
    pictures = as_pictures(images)
    arrays = {name: _checked(name, values, pictures.shape[:3]) for name, values in maps.items()}
    if len(captions) != len(pictures):
        raise InterpretationError(f"{len(pictures)} images need as many captions; got {len(captions)}")
    per_group = 1 + len(arrays)
    groups_a_row = max(1, NUM_COLUMNS // per_group)
    space = 0.35 if groups_a_row > 1 else 0.0
    step = min(1.6, (BODY_WIDTH - space * (groups_a_row - 1)) / (per_group * groups_a_row))
    size, row_height = step * 0.93, step * 0.93 + WORDS
    num_rows = max(1, -(-len(pictures) // groups_a_row))
    page = Page(num_rows * row_height, title, subtitle or _subtitle(arrays))
    for number, picture in enumerate(pictures):
        row, group = divmod(number, groups_a_row)
        left, top = group * (per_group * step + space), row * row_height
        page.picture(picture, left, top, size)
        page.text(left + size / 2, top + size + 0.05, captions[number], weight="bold", across="center")
        for column, (name, values) in enumerate(arrays.items(), start=1):
            place = left + column * step
            _draw_map(page, picture, values[number], place, top, size)
            page.text(place + size / 2, top + size + 0.05, name, across="center")
    return page.figure


def _draw_map(
    page: Page, picture: NDArray[Any], values: NDArray[Any], left: float, top: float, size: float
) -> None:
    from matplotlib import colormaps

    axes = page.axes(left, top, size, size)
    framed(axes)
    if values.min() < 0:
        limit = abs(values).max()
        axes.imshow(values, cmap="RdBu_r", vmin=-limit, vmax=limit, interpolation="nearest")
        return
    grey = picture.mean(2) if picture.ndim == 3 else picture
    heat = colormaps["inferno"](values)[..., :3]
    strength = (0.85 * values**0.7)[..., None]
    axes.imshow((1 - strength) * (0.6 * grey[..., None]) + strength * heat, interpolation="nearest")


def _checked(name: str, values: Tensor, shape: tuple[int, ...]) -> NDArray[Any]:
    array = values.detach().cpu().float().numpy()
    if array.shape != shape:
        raise InterpretationError(f"the map {name!r} must be {shape} like the images; got {array.shape}")
    if not abs(array).max(initial=0) < float("inf") or (
        array.min(initial=0) >= 0 and array.max(initial=0) > 1 + 1e-3
    ):
        raise InterpretationError(f"the map {name!r} must lie in [0, 1] or be signed, and be finite")
    return array


def _subtitle(arrays: Mapping[str, NDArray[Any]]) -> str:
    signed = [values.min(initial=0) < 0 for values in arrays.values()]
    parts = [] if all(signed) else ["Brighter places count more."]
    return " ".join(parts + (["Red speaks for the class, blue against it."] if any(signed) else []))
