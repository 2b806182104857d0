"""Neighbours and distances equal scikit-learn's brute force."""

import numpy as np
import pytest
import torch
from mlcore.interpretation import InterpretationError, nearest_neighbours
from sklearn.neighbors import NearestNeighbors
from torch import Tensor


@pytest.mark.parametrize("metric", ["euclidean", "cosine"])
@pytest.mark.parametrize("chunk_size", [37, 8192])
def test_neighbours_are_those_of_scikit_learn(metric: str, chunk_size: int) -> None:
    generator = torch.Generator().manual_seed(0)
    references = torch.randn(500, 20, generator=generator)
    queries = torch.randn(30, 20, generator=generator)
    oracle = NearestNeighbors(n_neighbors=6, metric=metric, algorithm="brute").fit(references.double())
    distances, indices = oracle.kneighbors(queries.double())
    found = nearest_neighbours(queries, references, 6, metric, chunk_size=chunk_size)
    assert found.indices.tolist() == indices.tolist()
    np.testing.assert_allclose(found.distances, distances, atol=1e-12)


def test_real_pixels_in_bytes_give_scikit_learns_neighbours(digits: tuple[Tensor, Tensor]) -> None:
    pixels = digits[0].flatten(1)
    oracle = NearestNeighbors(n_neighbors=5, algorithm="brute").fit(pixels[100:].double())
    distances, _ = oracle.kneighbors(pixels[:100].double())
    found = nearest_neighbours(pixels[:100], pixels[100:], 5)
    np.testing.assert_allclose(found.distances, distances, rtol=1e-9)
    assert (found.distances.diff(dim=1) >= 0).all()


def test_near_duplicates_far_from_the_origin_are_told_apart() -> None:
    offsets = torch.tensor([3e-3, 1e-3, 2e-3, 5e-3], dtype=torch.float64)
    references = 1000.0 + offsets[:, None] * torch.ones(4, 50, dtype=torch.float64)
    queries = torch.full((1, 50), 1000.0, dtype=torch.float64)
    found = nearest_neighbours(queries, references, 3)
    assert found.indices.tolist() == [[1, 2, 0]]
    np.testing.assert_allclose(found.distances[0], offsets[[1, 2, 0]] * 50**0.5, rtol=1e-8)


def test_more_queries_than_one_chunk_give_the_same_as_one_by_one() -> None:
    queries, references = torch.randn(1100, 4), torch.randn(50, 4)
    together = nearest_neighbours(queries, references, 2)
    for row in (0, 1023, 1024, 1099):
        alone = nearest_neighbours(queries[row : row + 1], references, 2)
        assert together.indices[row].tolist() == alone.indices[0].tolist()


def test_a_query_among_the_references_can_be_left_out() -> None:
    references = torch.randn(40, 5)
    rows = torch.arange(10, 20)
    with_itself = nearest_neighbours(references[rows], references, 4)
    assert with_itself.indices[:, 0].tolist() == rows.tolist()
    assert with_itself.distances[:, 0].tolist() == [0.0] * 10
    without = nearest_neighbours(references[rows], references, 3, exclude=rows, chunk_size=7)
    assert without.indices.tolist() == with_itself.indices[:, 1:].tolist()
    everything = nearest_neighbours(references[rows], references, 39, exclude=rows)
    assert not (everything.indices == rows[:, None]).any()
    assert everything.distances.isfinite().all()


def test_all_references_are_ranked_when_k_is_their_number() -> None:
    found = nearest_neighbours(torch.zeros(1, 2), torch.tensor([[3.0, 0], [1.0, 0], [2.0, 0]]), 3)
    assert found.indices.tolist() == [[1, 2, 0]]
    assert found.distances.tolist() == [[1.0, 2.0, 3.0]]


def test_equally_near_references_come_in_the_order_of_their_rows() -> None:
    references = torch.tensor([[2.0, 0.3]]).repeat(9, 1)
    references[4] = 0.1
    found = nearest_neighbours(torch.zeros(2, 2), references, 4, chunk_size=2)
    assert found.indices.tolist() == [[4, 0, 1, 2]] * 2


def test_a_row_of_zeros_is_at_cosine_distance_one_as_in_scikit_learn() -> None:
    references = torch.tensor([[1.0, 0.0], [0.0, 0.0], [-1.0, 0.0]])
    found = nearest_neighbours(torch.tensor([[5.0, 0.0], [0.0, 0.0]]), references, 3, "cosine")
    assert found.distances.tolist() == [[0.0, 1.0, 2.0], [1.0, 1.0, 1.0]]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"queries": torch.zeros(2, 3, 3)}, r"queries \(2, 3, 3\).*flatten"),
        ({"queries": torch.zeros(2, 4)}, r"queries \(2, 4\) and references \(5, 3\)"),
        ({"queries": torch.zeros(0, 3)}, "there are no queries"),
        ({"k": 6}, "k is 6; with 5 references it is 1 to 5"),
        ({"k": 5, "exclude": torch.zeros(2)}, "with 4 references"),
        ({"exclude": torch.zeros(3)}, r"exclude must be \(2,\)"),
        ({"metric": "manhattan"}, "'manhattan' is neither 'euclidean' nor 'cosine'"),
    ],
)
def test_arguments_that_do_not_fit_are_refused(change: dict, message: str) -> None:
    arguments = {"queries": torch.zeros(2, 3), "references": torch.zeros(5, 3), "k": 2, **change}
    with pytest.raises(InterpretationError, match=message):
        nearest_neighbours(**arguments)
