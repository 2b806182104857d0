"""The products of the recurrent fast path against plain ones."""

import pytest
import torch
from mlmodels.recurrent.products import sum_of_outer_products


@pytest.mark.parametrize("num_rows", [1, 511, 512, 513, 1300])
def test_a_sum_over_rows_in_pieces_is_the_whole_sum(num_rows: int) -> None:
    generator = torch.Generator().manual_seed(num_rows)
    a, b = (torch.randn(num_rows, n, generator=generator, dtype=torch.float64) for n in (5, 7))
    found = sum_of_outer_products(a, b, torch.full((5, 7), torch.nan, dtype=torch.float64))
    torch.testing.assert_close(found, torch.einsum("nm,nk->mk", a, b), rtol=1e-12, atol=1e-12)


def test_a_long_sum_in_bfloat16_is_rounded_once() -> None:
    generator = torch.Generator().manual_seed(3)
    a, b = (torch.rand(6400, n, generator=generator).bfloat16() for n in (5, 7))
    found = sum_of_outer_products(a, b, torch.empty(5, 7, dtype=torch.bfloat16))
    exact = torch.einsum("nm,nk->mk", a.double(), b.double())
    assert (
        (found.double() - exact).abs() <= exact / 256
    ).all()  # half a unit in bfloat16's last place is 1/512
