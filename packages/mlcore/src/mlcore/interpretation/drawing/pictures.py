"""Images of any layout as arrays that can be drawn."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from torch import Tensor

from mlcore.interpretation.errors import InterpretationError

if TYPE_CHECKING:
    from numpy.typing import NDArray


def as_pictures(images: Tensor | NDArray[Any]) -> NDArray[Any]:
    """(N, H, W) grey or (N, H, W, 3) coloured float32 in [0, 1].

    Args:
        images: (N, H, W), (N, H, W, channels) or (N, channels, H, W) with 1 or 3 channels; bytes, or floats in
            [0, 1].

    Raises:
        InterpretationError: another shape, or values outside the range: normalised images, most likely.
    """
    import numpy as np

    array = images.detach().cpu().numpy() if isinstance(images, Tensor) else np.asarray(images)
    if array.ndim not in (3, 4):
        raise InterpretationError(f"images must be (N, H, W) or (N, H, W, channels); got {array.shape}")
    if array.ndim == 4 and array.shape[3] not in (1, 3) and array.shape[1] in (1, 3):
        array = array.transpose(0, 2, 3, 1)
    if array.ndim == 4 and array.shape[3] not in (1, 3):
        raise InterpretationError(f"images have 1 or 3 channels; got {array.shape}")
    if array.ndim == 4 and array.shape[3] == 1:
        array = array[..., 0]
    pictures: NDArray[Any] = array.astype(np.float32)
    if array.dtype == np.uint8:
        pictures = pictures / 255
    if pictures.size and not (pictures.min() >= -1e-3 and pictures.max() <= 1 + 1e-3):
        raise InterpretationError(
            f"images to be drawn are bytes or lie in [0, 1]; these reach from {pictures.min():.3g} to "
            f"{pictures.max():.3g}: draw them as they are before normalisation"
        )
    return pictures.clip(0, 1)


def mosaic(
    pictures: NDArray[Any], num_columns: int, gap: int = 1, fill: float = float("nan")
) -> NDArray[Any]:
    """(rows, columns[, 3]) one array of all pictures, row by row, `gap` pixels of `fill` between them."""
    import numpy as np

    num, height, width = pictures.shape[:3]
    num_rows = -(-num // num_columns)
    shape = (num_rows * (height + gap) - gap, num_columns * (width + gap) - gap, *pictures.shape[3:])
    joined = np.full(shape, fill, dtype=np.float32)
    for number, picture in enumerate(pictures):
        top, left = number // num_columns * (height + gap), number % num_columns * (width + gap)
        joined[top : top + height, left : left + width] = picture
    return joined
