"""Positions: sinusoids that are added (Vaswani et al., 2017), or rotations of queries and keys (Su et al., 2021).

B batch, H heads, T time, D features of the model, K features of a head.
"""

from typing import NamedTuple

import torch
from torch import Tensor


class Rotation(NamedTuple):
    """Cosines and sines (T, K) of the positions at hand."""

    cosines_TK: Tensor
    sines_TK: Tensor


def sinusoids(num_positions: int, num_features: int) -> Tensor:
    """(num_positions, num_features): sines in the even, cosines in the odd features, in torch's default dtype."""
    positions_T = torch.arange(num_positions, dtype=torch.float64)
    even = torch.arange(0, num_features, 2, dtype=torch.float64)
    angles = positions_T[:, None] / 10_000.0 ** (even / num_features)
    table = torch.empty(num_positions, num_features, dtype=torch.float64)
    table[:, 0::2] = angles.sin()
    table[:, 1::2] = angles.cos()[:, : num_features // 2]
    return table.to(torch.get_default_dtype())


def sinusoids_2d(num_rows: int, num_columns: int, num_features: int) -> Tensor:
    """(num_rows · num_columns, num_features), row by row, in torch's default dtype: a quarter of the features each is
    sine of the column, its cosine, sine of the row, its cosine (Beyer et al., "Better plain ViT baselines", 2022).

    Raises:
        ValueError: `num_features` is no multiple of 4.
    """
    if num_features % 4:
        raise ValueError(f"2-D sinusoids need a multiple of 4 features, not {num_features}")
    quarter = num_features // 4
    steps = torch.arange(quarter, dtype=torch.float64) / max(1, quarter - 1)
    frequencies = 10_000.0**-steps
    rows, columns = torch.meshgrid(
        torch.arange(num_rows, dtype=torch.float64),
        torch.arange(num_columns, dtype=torch.float64),
        indexing="ij",
    )
    angles = [place.flatten()[:, None] * frequencies for place in (columns, rows)]
    table = torch.cat([wave for angle in angles for wave in (angle.sin(), angle.cos())], dim=1)
    return table.to(torch.get_default_dtype())


def rotation_tables(num_positions: int, head_width: int, base: float) -> Rotation:
    """The angles of all positions; feature k is rotated together with feature k + K/2, as Llama does it."""
    frequencies = base ** (-torch.arange(0, head_width, 2, dtype=torch.float64) / head_width)
    angles = torch.arange(num_positions, dtype=torch.float64)[:, None] * frequencies
    both = torch.cat([angles, angles], dim=-1)
    dtype = torch.get_default_dtype()
    return Rotation(both.cos().to(dtype), both.sin().to(dtype))


def rotate(x_BHTK: Tensor, rotation: Rotation) -> Tensor:
    """Turn every pair of features by its position's angle; dot products then depend on distances alone."""
    first, second = x_BHTK.chunk(2, dim=-1)
    turned = torch.cat([-second, first], dim=-1)
    rotated = x_BHTK * rotation.cosines_TK + turned * rotation.sines_TK
    return rotated.to(x_BHTK.dtype)
