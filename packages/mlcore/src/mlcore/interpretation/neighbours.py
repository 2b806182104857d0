"""The nearest rows of a large table, exactly, in chunks."""

from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor
from torch.nn import functional

from mlcore.interpretation.errors import InterpretationError

Metric = Literal["euclidean", "cosine"]
NUM_SPARE = 8  # candidates beyond k: rounding in the search then cannot push out one of the k
NUM_QUERIES = 1024  # searched at one time


@dataclass(frozen=True, eq=False)
class Neighbours:
    """The k nearest references of each query, the nearest first, on the CPU.

    Attributes:
        indices: (Q, k) int64, rows of the references.
        distances: (Q, k) float64, in the metric asked for.
    """

    indices: Tensor
    distances: Tensor


def nearest_neighbours(
    queries: Tensor,
    references: Tensor,
    k: int,
    metric: Metric = "euclidean",
    *,
    exclude: Tensor | None = None,
    chunk_size: int = 8192,
) -> Neighbours:
    """Exact search without an index: products in float64, chunk by chunk, then the true distances of the
    candidates. Equally near references come in the order of their rows.

    Args:
        queries: (Q, D) numbers: pixels or features; images want ``.flatten(1)`` first.
        references: (N, D), on any device; the search runs on the device of the queries.
        k: at most N.
        metric: "euclidean", or "cosine": 1 - cosine of the angle; a row of zeros is at distance 1 of every row.
        exclude: (Q,) a reference for each query that does not count: itself, where queries are references too.
        chunk_size: references in float64 at one time.

    Raises:
        InterpretationError: shapes that do not fit, or fewer than k references.
    """
    _check(queries, references, k, metric, exclude)
    # MPS has no float64, and in float32 the distances of near duplicates are rounding error.
    device = torch.device("cpu") if queries.device.type == "mps" else queries.device
    indices, distances = [], []
    for first in range(0, len(queries), NUM_QUERIES):
        rows = _prepared(queries[first : first + NUM_QUERIES], metric, device)
        without = None if exclude is None else exclude[first : first + NUM_QUERIES].to(device).long()
        candidates = _candidates(rows, references, k + NUM_SPARE, metric, without, chunk_size)
        nearest, distance = _ranked(rows, references, candidates, metric, without)
        indices.append(nearest[:, :k].cpu())
        distances.append(distance[:, :k].cpu())
    return Neighbours(torch.cat(indices), torch.cat(distances))


def _prepared(rows: Tensor, metric: Metric, device: torch.device) -> Tensor:
    rows = rows.detach().to(device, torch.float64)
    return rows if metric == "euclidean" else functional.normalize(rows, dim=-1)


def _candidates(
    rows: Tensor, references: Tensor, num: int, metric: Metric, exclude: Tensor | None, chunk_size: int
) -> Tensor:
    """(Q, up to `num`) the references nearest by a quick formula, in the order of their rows."""
    best_keys = rows.new_empty(len(rows), 0)
    best_rows = torch.empty(len(rows), 0, dtype=torch.int64, device=rows.device)
    for start in range(0, len(references), chunk_size):
        chunk = _prepared(references[start : start + chunk_size], metric, rows.device)
        # |r - q|^2 without |q|^2, which is the same for all references; or minus the cosine.
        products = rows @ chunk.T
        keys = chunk.square().sum(1) - 2 * products if metric == "euclidean" else -products
        numbers = torch.arange(start, start + len(chunk), device=rows.device).expand(len(rows), -1)
        if exclude is not None:
            keys = keys.masked_fill(numbers == exclude[:, None], torch.inf)
        keys, numbers = torch.cat([best_keys, keys], 1), torch.cat([best_rows, numbers], 1)
        best_keys, places = keys.topk(min(num, keys.shape[1]), dim=1, largest=False)
        best_rows = numbers.gather(1, places)
    return best_rows.sort(dim=1).values


def _ranked(
    rows: Tensor, references: Tensor, candidates: Tensor, metric: Metric, exclude: Tensor | None
) -> tuple[Tensor, Tensor]:
    """The candidates and their true distances, the nearest first."""
    vectors = _prepared(references[candidates.to(references.device)], metric, rows.device)
    if metric == "euclidean":
        distances = (vectors - rows[:, None]).norm(dim=2)
    else:
        distances = (1 - (vectors * rows[:, None]).sum(2)).clamp_min(0)
    if exclude is not None:
        distances = distances.masked_fill(candidates == exclude[:, None], torch.inf)
    order = torch.argsort(distances, dim=1, stable=True)
    return candidates.gather(1, order), distances.gather(1, order)


def _check(queries: Tensor, references: Tensor, k: int, metric: Metric, exclude: Tensor | None) -> None:
    if metric not in ("euclidean", "cosine"):
        raise InterpretationError(f"metric {metric!r} is neither 'euclidean' nor 'cosine'")
    shapes = f"queries {tuple(queries.shape)} and references {tuple(references.shape)}"
    if queries.dim() != 2 or references.dim() != 2 or queries.shape[1] != references.shape[1]:
        raise InterpretationError(f"{shapes} must be (Q, D) and (N, D); images want .flatten(1) first")
    if len(queries) == 0:
        raise InterpretationError("there are no queries")
    available = len(references) - (exclude is not None)
    if not 1 <= k <= available:
        raise InterpretationError(f"k is {k}; with {available} references it is 1 to {available}")
    if exclude is not None and exclude.shape != queries.shape[:1]:
        raise InterpretationError(f"exclude must be ({len(queries)},); got {tuple(exclude.shape)}")
