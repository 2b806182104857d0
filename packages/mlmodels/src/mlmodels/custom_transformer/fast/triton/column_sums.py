"""Sums over rows, in two stages: parts of a fixed number of rows, then the parts in their order.

Two stages instead of atomic additions, whose order, and with it the last bits, differ from run to run.

N rows, O columns, P parts.
"""

import torch
import triton
import triton.language as tl
from torch import Tensor

from mlmodels.custom_transformer.fast.triton.options import OPTIONS
from mlmodels.custom_transformer.fast.triton.wide import to_wide
from mlmodels.custom_transformer.fast.workspace import Workspace

PART_ROWS = 128
TILE_ROWS = 32
TILE_COLUMNS = 128


@triton.jit  # type: ignore[untyped-decorator]
def _sum_parts(
    dy: tl.tensor,
    slope: tl.tensor,
    parts: tl.tensor,
    num_rows: tl.tensor,
    num_columns: tl.tensor,
    PART_ROWS: tl.constexpr,
    ROWS: tl.constexpr,
    COLUMNS: tl.constexpr,
) -> None:
    """dy *= slope where there is one, and the sums of one part's rows of what is stored.

    Reads dy (and slope, and writes dy) once; the parts, one wide number for 128 rows, are under 2 % of that. A program
    owns 128 columns of 128 rows: neighbouring threads read neighbouring columns.
    """
    part = tl.program_id(1).to(tl.int64)
    columns = tl.program_id(0) * COLUMNS + tl.arange(0, COLUMNS)
    is_column = columns < num_columns
    sums = tl.zeros((ROWS, COLUMNS), dtype=parts.dtype.element_ty)
    for first in range(0, PART_ROWS, ROWS):
        rows = part * PART_ROWS + first + tl.arange(0, ROWS)
        inside = (rows < num_rows)[:, None] & is_column[None, :]
        offsets = rows[:, None] * num_columns + columns[None, :]
        values = tl.load(dy + offsets, mask=inside, other=0.0)
        if slope is not None:
            slopes = tl.load(slope + offsets, mask=inside, other=0.0)
            values = (to_wide(values) * to_wide(slopes)).to(dy.dtype.element_ty)
            tl.store(dy + offsets, values, mask=inside)
        sums += to_wide(values)
    tl.store(parts + part * num_columns + columns, tl.sum(sums, axis=0), mask=is_column)


@triton.jit  # type: ignore[untyped-decorator]
def _add_parts(
    parts: tl.tensor,
    totals: tl.tensor,
    num_parts: tl.tensor,
    num_columns: tl.tensor,
    ROWS: tl.constexpr,
    COLUMNS: tl.constexpr,
) -> None:
    """totals += the parts' sum. Reads each part once; few columns a program, because there are few numbers."""
    columns = tl.program_id(0) * COLUMNS + tl.arange(0, COLUMNS)
    is_column = columns < num_columns
    sums = tl.zeros((ROWS, COLUMNS), dtype=totals.dtype.element_ty)
    for first in range(0, num_parts, ROWS):
        rows = (first + tl.arange(0, ROWS)).to(tl.int64)
        inside = (rows < num_parts)[:, None] & is_column[None, :]
        sums += tl.load(parts + rows[:, None] * num_columns + columns[None, :], mask=inside, other=0.0)
    before = tl.load(totals + columns, mask=is_column, other=0.0)
    tl.store(totals + columns, before + tl.sum(sums, axis=0), mask=is_column)


def column_sums(dy_NO: Tensor, slope_NO: Tensor | None, sums_O: Tensor, workspace: Workspace) -> None:
    """sums += dy summed over its rows, after dy *= slope; see `Kernels.chain_and_sum`."""
    num_rows, num_columns = dy_NO.shape
    num_parts = triton.cdiv(num_rows, PART_ROWS)
    parts_PO = workspace.take("column_parts", num_parts, num_columns, dtype=sums_O.dtype)
    with torch.cuda.device_of(dy_NO):
        _sum_parts[(triton.cdiv(num_columns, TILE_COLUMNS), num_parts)](
            *(dy_NO, slope_NO, parts_PO, num_rows, num_columns),
            PART_ROWS=PART_ROWS,
            ROWS=TILE_ROWS,
            COLUMNS=TILE_COLUMNS,
            num_warps=4,
            **OPTIONS,
        )
    add_parts(parts_PO, sums_O)


def add_parts(parts_PO: Tensor, sums_O: Tensor) -> None:
    """sums += parts summed over their rows; all wide."""
    num_parts, num_columns = parts_PO.shape
    columns = 64
    with torch.cuda.device_of(parts_PO):
        _add_parts[(triton.cdiv(num_columns, columns),)](
            parts_PO, sums_O, num_parts, num_columns, ROWS=16, COLUMNS=columns, num_warps=4, **OPTIONS
        )
