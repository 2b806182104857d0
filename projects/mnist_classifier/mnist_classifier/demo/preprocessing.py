"""Brings a drawing into the form in which MNIST's digits were made.

LeCun, Cortes and Burges (1998): the digit is scaled, with its proportions kept, to fit a box of 20×20 pixels, and put
into a field of 28×28 so that its centre of mass lies in the middle. In the files that means: the longer side has 20
pixels, the centre of mass is at row and column 14 ± 0.5 (counted from 0), and the brightest pixel is (almost) 255.
"""

import math

import torch
from torch import Tensor
from torch.nn import functional

FIELD_SIZE = 28
BOX_SIZE = 20
_MIDDLE = 14
_TIE = 1e-5  # a symmetric drawing lies exactly between two places; rounding errors must not choose


def to_network_image(drawing: Tensor) -> Tensor:
    """The 28×28 image of a drawing of any size.

    Args:
        drawing: uint8 (H, W); 0 is paper, 255 ink.

    Returns:
        float32 (1, 1, 28, 28) from 0 to 1, not normalised; all zero for an empty drawing.

    Raises:
        ValueError: another shape or type.
    """
    if drawing.dtype != torch.uint8 or drawing.ndim != 2:
        raise ValueError(f"a drawing is uint8 (H, W), got {drawing.dtype} {tuple(drawing.shape)}")
    field = torch.zeros(FIELD_SIZE, FIELD_SIZE, dtype=torch.float32)
    if not drawing.any():
        return field[None, None]
    box = _into_box(_cut_out(drawing.double()))
    top, left = (_place(box, dim) for dim in (0, 1))
    height, width = box.shape
    field[top : top + height, left : left + width] = box
    return field[None, None]


def _cut_out(drawing: Tensor) -> Tensor:
    """The smallest rectangle that holds all ink."""
    rows, columns = (drawing.any(dim).nonzero().flatten() for dim in (1, 0))
    return drawing[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]


def _into_box(ink: Tensor) -> Tensor:
    """Scaled so that the longer side has 20 pixels, each the mean of what it covers, the brightest 1."""
    scale = BOX_SIZE / max(ink.shape)
    size = [max(1, round(side * scale)) for side in ink.shape]
    scaled = functional.interpolate(ink[None, None], size=size, mode="bilinear", antialias=True)[0, 0]
    return scaled.clamp(min=0) / scaled.max()


def _place(box: Tensor, dim: int) -> int:
    """The first row (column) of the box in the field, for a centre of mass in [13.5, 14.5], inside the field."""
    mass = box.sum(1 - dim)
    centre = float((mass * torch.arange(len(mass))).sum() / mass.sum())
    return min(max(math.ceil(_MIDDLE - 0.5 - _TIE - centre), 0), FIELD_SIZE - len(mass))
