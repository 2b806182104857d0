"""LayerNorm of N rows of D features: y = (x - mean) / sqrt(variance + ε) · weight + bias.

A program holds whole rows in registers, as many as make a tile: a row is read once for its three passes (mean, squares,
result), and nothing normalised is kept: backward makes it again from x and two numbers a row. Compiled for an H100,
rows of up to 4,096 features stay in registers both ways (`tests/mlmodels/fast/test_compiled_kernels.py`).

N rows, D features, P parts that rows are summed in.
"""

import torch
import triton
import triton.language as tl
from torch import Tensor

from mlmodels.custom_transformer.fast.triton.column_sums import add_parts
from mlmodels.custom_transformer.fast.triton.options import OPTIONS
from mlmodels.custom_transformer.fast.triton.wide import to_wide
from mlmodels.custom_transformer.fast.workspace import Workspace

FORWARD_NUMBERS = 4096  # of one tile
BACKWARD_NUMBERS = (
    2048  # which holds the sums of two more tiles: 4,096 took 168 registers a thread, one program an SM
)
MAX_PARTS = 256  # bounds what backward writes beside its result: 2·D numbers a part


@triton.jit  # type: ignore[untyped-decorator]
def _forward(
    x: tl.tensor,
    weight: tl.tensor,
    bias: tl.tensor,
    y: tl.tensor,
    mean: tl.tensor,
    inverse_deviation: tl.tensor,
    num_rows: tl.tensor,
    num_features: tl.tensor,
    EPSILON: tl.constexpr,
    ROWS: tl.constexpr,
    COLUMNS: tl.constexpr,
) -> None:
    """Moves N·D wide numbers in, N·D stored ones and 2·N wide ones out."""
    rows = tl.program_id(0).to(tl.int64) * ROWS + tl.arange(0, ROWS)
    columns = tl.arange(0, COLUMNS)
    is_row, is_column = rows < num_rows, columns < num_features
    inside = is_row[:, None] & is_column[None, :]
    offsets = rows[:, None] * num_features + columns[None, :]
    values = tl.load(x + offsets, mask=inside, other=0.0)
    means = tl.sum(values, axis=1) / num_features
    centred = tl.where(inside, values - means[:, None], 0.0)
    variances = tl.sum(centred * centred, axis=1) / num_features
    inverse_deviations = 1.0 / tl.sqrt(variances + EPSILON)
    result = centred * inverse_deviations[:, None]
    if weight is not None:
        result *= tl.load(weight + columns, mask=is_column, other=0.0)[None, :]
    if bias is not None:
        result += tl.load(bias + columns, mask=is_column, other=0.0)[None, :]
    tl.store(y + offsets, result.to(y.dtype.element_ty), mask=inside)
    tl.store(mean + rows, means, mask=is_row)
    tl.store(inverse_deviation + rows, inverse_deviations, mask=is_row)


@triton.jit  # type: ignore[untyped-decorator]
def _backward(
    dy: tl.tensor,
    x: tl.tensor,
    weight: tl.tensor,
    mean: tl.tensor,
    inverse_deviation: tl.tensor,
    dx: tl.tensor,
    dweight_parts: tl.tensor,
    dbias_parts: tl.tensor,
    num_rows: tl.tensor,
    num_features: tl.tensor,
    tiles_of_part: tl.tensor,
    ROWS: tl.constexpr,
    COLUMNS: tl.constexpr,
) -> None:
    """dx += (g - mean(g) - normed · mean(g · normed)) / deviation with g = dy · weight; a part of dweight and dbias.

    Reads dy, x and dx and writes dx: 2 + 3 · 4 bytes a number at bfloat16. A program takes the rows of one part a tile
    after the other and keeps their sums in registers until the end: 2·D numbers are written for a part, not for a tile.
    """
    part = tl.program_id(0).to(tl.int64)
    columns = tl.arange(0, COLUMNS)
    is_column = columns < num_features
    dweights = tl.zeros((ROWS, COLUMNS), dtype=dx.dtype.element_ty)
    dbiases = tl.zeros((ROWS, COLUMNS), dtype=dx.dtype.element_ty)
    for tile in range(0, tiles_of_part):
        rows = (part * tiles_of_part + tile) * ROWS + tl.arange(0, ROWS)
        is_row = rows < num_rows
        inside = is_row[:, None] & is_column[None, :]
        offsets = rows[:, None] * num_features + columns[None, :]
        means = tl.load(mean + rows, mask=is_row, other=0.0)
        inverse_deviations = tl.load(inverse_deviation + rows, mask=is_row, other=0.0)
        centred = tl.load(x + offsets, mask=inside, other=0.0) - means[:, None]
        normed = tl.where(inside, centred * inverse_deviations[:, None], 0.0)
        dresult = to_wide(tl.load(dy + offsets, mask=inside, other=0.0))
        dnormed = dresult
        if weight is not None:
            dnormed *= tl.load(weight + columns, mask=is_column, other=0.0)[None, :]
        through_mean = tl.sum(dnormed, axis=1) / num_features
        through_variance = tl.sum(dnormed * normed, axis=1) / num_features
        change = dnormed - through_mean[:, None] - normed * through_variance[:, None]
        before = tl.load(dx + offsets, mask=inside, other=0.0)
        tl.store(dx + offsets, before + change * inverse_deviations[:, None], mask=inside)
        dweights += dresult * normed
        dbiases += dresult
    sums = part * num_features + columns
    if dweight_parts is not None:
        tl.store(dweight_parts + sums, tl.sum(dweights, axis=0), mask=is_column)
    if dbias_parts is not None:
        tl.store(dbias_parts + sums, tl.sum(dbiases, axis=0), mask=is_column)


def layer_norm(
    x_ND: Tensor,
    weight_D: Tensor | None,
    bias_D: Tensor | None,
    epsilon: float,
    y_ND: Tensor,
    mean_N: Tensor,
    inverse_deviation_N: Tensor,
) -> None:
    """y, mean and 1 / deviation; see `Kernels.layer_norm`."""
    num_rows, num_features = x_ND.shape
    rows, columns = _tile(num_features, FORWARD_NUMBERS)
    with torch.cuda.device_of(x_ND):
        _forward[(triton.cdiv(num_rows, rows),)](
            *(x_ND, weight_D, bias_D, y_ND, mean_N, inverse_deviation_N),
            *(num_rows, num_features),
            EPSILON=epsilon,
            ROWS=rows,
            COLUMNS=columns,
            num_warps=8,
            **OPTIONS,
        )


def layer_norm_gradient(
    dy_ND: Tensor,
    x_ND: Tensor,
    weight_D: Tensor | None,
    mean_N: Tensor,
    inverse_deviation_N: Tensor,
    dx_ND: Tensor,
    dweight_D: Tensor | None,
    dbias_D: Tensor | None,
    workspace: Workspace,
) -> None:
    """dx, dweight and dbias += their gradients; see `Kernels.layer_norm_gradient`."""
    num_rows, num_features = x_ND.shape
    rows, columns = _tile(num_features, BACKWARD_NUMBERS)
    num_tiles = triton.cdiv(num_rows, rows)
    tiles_of_part = triton.cdiv(num_tiles, MAX_PARTS)
    num_parts = triton.cdiv(num_tiles, tiles_of_part)
    parts_2PD = workspace.take("norm_parts", 2, num_parts, num_features, dtype=x_ND.dtype)
    totals = dweight_D, dbias_D
    with torch.cuda.device_of(x_ND):
        _backward[(num_parts,)](
            *(dy_ND, x_ND, weight_D, mean_N, inverse_deviation_N, dx_ND),
            *(None if total is None else part for total, part in zip(totals, parts_2PD, strict=True)),
            *(num_rows, num_features, tiles_of_part),
            ROWS=rows,
            COLUMNS=columns,
            num_warps=8,
            **OPTIONS,
        )
    for total_D, parts_PD in zip(totals, parts_2PD, strict=True):
        if total_D is not None:
            add_parts(parts_PD, total_D)


def _tile(num_features: int, numbers: int) -> tuple[int, int]:
    """Rows and columns, powers of two as Triton wants them."""
    columns = triton.next_power_of_2(num_features)
    return max(1, numbers // columns), columns
