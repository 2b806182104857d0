"""Our matrix product against torch's, in any strides, sizes and numbers of threads."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from mlmodels.native import products
from torch import Tensor

SIZES = st.one_of(st.integers(1, 40), st.sampled_from([95, 96, 97, 191, 193, 255, 257, 300]))
WIDTHS = [(torch.float32, torch.float32), (torch.float64, torch.float64)]
if products.has_tiles():
    WIDTHS += [(torch.bfloat16, torch.float32), (torch.bfloat16, torch.bfloat16)]
TOLERANCE = {torch.float32: 2e-6, torch.float64: 5e-15, torch.bfloat16: 4e-3}
needs_tiles = pytest.mark.skipif(not products.has_tiles(), reason="this processor has no tile registers")


def matrix(rows: int, columns: int, dtype: torch.dtype, seed: int, *, transposed: bool) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    shape = (columns, rows) if transposed else (rows, columns)
    values = torch.randn(shape, generator=generator, dtype=torch.float64).to(dtype)
    return values.T if transposed else values


@settings(max_examples=150, deadline=None)
@given(
    rows=SIZES,
    columns=SIZES,
    depth=SIZES,
    a_transposed=st.booleans(),
    b_transposed=st.booleans(),
    add=st.booleans(),
    bias=st.booleans(),
    dtypes=st.sampled_from(WIDTHS),
)
def test_the_product_equals_torchs(
    rows: int,
    columns: int,
    depth: int,
    a_transposed: bool,
    b_transposed: bool,
    add: bool,
    bias: bool,
    dtypes: tuple[torch.dtype, torch.dtype],
) -> None:
    dtype, out_dtype = dtypes
    a = matrix(rows, depth, dtype, 1, transposed=a_transposed)
    b = matrix(depth, columns, dtype, 2, transposed=b_transposed)
    out = matrix(rows, columns, out_dtype, 3, transposed=False)
    bias_dtype = torch.float64 if dtype == torch.float64 else torch.float32
    row = matrix(1, columns, bias_dtype, 4, transposed=False)[0]
    expected = a.double() @ b.double() + (out.double() if add else 0.0) + (row.double() if bias else 0.0)
    products.multiply(a, b, out, bias_N=row if bias else None, add=add)
    scale = (a.double().abs() @ b.double().abs()).max() + 5.0
    assert (out.double() - expected).abs().max() <= TOLERANCE[out_dtype] * scale


@pytest.mark.parametrize("shape", [(4096, 256, 64), (30, 1000, 2100), (768, 1512, 256)])
@pytest.mark.parametrize("dtypes", WIDTHS)
def test_the_bits_do_not_depend_on_the_number_of_threads(
    shape: tuple[int, int, int], dtypes: tuple[torch.dtype, torch.dtype]
) -> None:
    rows, depth, columns = shape
    a = matrix(rows, depth, dtypes[0], 1, transposed=True)
    b = matrix(depth, columns, dtypes[0], 2, transposed=False)
    results, threads = [], torch.get_num_threads()
    try:
        for num_threads in (1, 2, 3, 7):
            torch.set_num_threads(num_threads)
            out = torch.empty(rows, columns, dtype=dtypes[1])
            products.multiply(a, b, out)
            results.append(out)
    finally:
        torch.set_num_threads(threads)
    assert all(torch.equal(out, results[0]) for out in results[1:])


def test_nothing_outside_the_result_is_written() -> None:
    page = torch.full((20, 50), 7.0)
    products.multiply(torch.ones(13, 5), torch.ones(5, 21), page[3:16, 9:30])
    expected = torch.full((20, 50), 7.0)
    expected[3:16, 9:30] = 5.0
    assert torch.equal(page, expected)


def test_nan_and_infinity_reach_the_result() -> None:
    a, b = torch.ones(8, 8), torch.ones(8, 8)
    a[2, 3], b[1, 4] = torch.nan, torch.inf
    out = torch.empty(8, 8)
    products.multiply(a, b, out)
    assert torch.equal(out.isnan(), (a @ b).isnan())
    assert torch.equal(out.isinf(), (a @ b).isinf())


def test_a_result_of_the_wrong_shape_is_our_mistake() -> None:
    with pytest.raises(AssertionError, match="into"):
        products.multiply(torch.ones(3, 4), torch.ones(4, 5), torch.empty(3, 6))


@needs_tiles
def test_a_deep_product_of_bfloat16_is_rounded_once() -> None:
    # 3,000 ones one after the other would stop growing at 256 if the sum itself were bfloat16
    out = torch.empty(40, 40, dtype=torch.bfloat16)
    ones = torch.ones(40, 3000, dtype=torch.bfloat16)
    products.multiply(ones, ones.T, out)
    assert torch.equal(out, torch.full((40, 40), 3000.0).bfloat16())


@needs_tiles
@pytest.mark.parametrize("out_dtype", [torch.float32, torch.bfloat16])
def test_nothing_outside_a_result_of_tiles_is_written(out_dtype: torch.dtype) -> None:
    page = torch.full((60, 90), 7.0, dtype=out_dtype)
    ones = torch.ones(70, 70, dtype=torch.bfloat16)
    products.multiply(ones[:45, :5], ones[:5, :50], page[3:48, 9:59])
    expected = torch.full((60, 90), 7.0, dtype=out_dtype)
    expected[3:48, 9:59] = 5.0
    assert torch.equal(page, expected)


def test_torch_is_asked_first_for_products_of_bfloat16() -> None:
    assert not products.is_worthwhile(torch.bfloat16)
