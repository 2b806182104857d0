"""Encoded pictures (PNG, JPEG and whatever else Pillow reads) as arrays of bytes."""

import io
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mldata.errors import DataError

ENDINGS = (".png", ".jpg", ".jpeg", ".bmp", ".webp", ".ppm")


def decode_all(encoded: Sequence[bytes | Path], where: str) -> NDArray[np.uint8]:
    """(N, H, W, C): all pictures, grey if all of them are, else in colour.

    Raises:
        DataError: one cannot be read, or is of another size than the first.
    """
    pictures = [_decode(entry, f"{where}, picture {number}") for number, entry in enumerate(encoded)]
    if not pictures:
        raise DataError(f"{where} holds no picture")
    in_colour = any(picture.ndim == 3 for picture in pictures)
    first = pictures[0].shape[:2]
    for number, picture in enumerate(pictures):
        if picture.shape[:2] != first:
            name = entry_name(encoded, number) or f"picture {number}"
            raise DataError(
                f"{where}: {name} is {picture.shape[1]} × {picture.shape[0]} pixels, the first is "
                f"{first[1]} × {first[0]}; all must have one size"
            )
    return np.stack(list(_with_channels(pictures, in_colour)))


def entry_name(encoded: Sequence[bytes | Path], number: int) -> str:
    """A file's name; nothing for bytes."""
    entry = encoded[number]
    return entry.name if isinstance(entry, Path) else ""


def _decode(entry: bytes | Path, what: str) -> NDArray[np.uint8]:
    """(H, W) or (H, W, 3)."""
    from PIL import Image, UnidentifiedImageError

    try:
        with Image.open(io.BytesIO(entry) if isinstance(entry, bytes) else entry) as picture:
            return np.asarray(picture.convert("L" if picture.mode in ("1", "L", "I;16") else "RGB"))
    except (OSError, UnidentifiedImageError, ValueError, Image.DecompressionBombError) as error:
        raise DataError(f"{what} cannot be read: {' '.join(str(error).split())[:150]}") from None


def _with_channels(pictures: Iterable[NDArray[np.uint8]], in_colour: bool) -> Iterable[NDArray[np.uint8]]:
    for picture in pictures:
        if not in_colour:
            yield picture[:, :, None]
        else:
            yield picture if picture.ndim == 3 else np.repeat(picture[:, :, None], 3, axis=2)
