"""Mistakes of one kind together: principal components of the features, then clusters of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

import torch
from torch import Tensor

from mlcore.interpretation.errors import InterpretationError

if TYPE_CHECKING:
    from numpy.typing import NDArray

Method = Literal["kmeans", "agglomerative"]
LEAST_TO_CLUSTER = 4
SILHOUETTE_SAMPLE = 2000  # the silhouette takes time and memory quadratic in the number of mistakes


class ConfusedPair(NamedTuple):
    """How often one class was taken for another."""

    true: int
    predicted: int
    num_mistakes: int


@dataclass(frozen=True, eq=False)
class FailureCluster:
    """Mistakes whose features are alike.

    Attributes:
        members: (size,) int64, rows of the features; the medoid first, then by distance from it.
        pairs: every (true, predicted) among them with its count, the commonest first.
    """

    members: Tensor
    pairs: tuple[ConfusedPair, ...]

    @property
    def size(self) -> int:
        """How many mistakes it holds."""
        return len(self.members)

    @property
    def medoid(self) -> int:
        """The row of the mistake with the smallest sum of distances to the others: the typical one."""
        return int(self.members[0])

    def describe(self, classes: Sequence[str], num: int = 3) -> str:
        """Its commonest pairs in words: "4 → 9 (12), 7 → 9 (3)"; an ellipsis where more follow."""
        shown = [
            f"{classes[pair.true]} → {classes[pair.predicted]} ({pair.num_mistakes})"
            for pair in self.pairs[:num]
        ]
        return ", ".join(shown) + (", …" if len(self.pairs) > num else "")


@dataclass(frozen=True, eq=False)
class FailureClusters:
    """All mistakes in clusters, the largest cluster first.

    Attributes:
        clusters: their order is the number in `labels`.
        labels: (M,) int64.
        silhouette: mean silhouette of this clustering (Rousseeuw, 1987), -1 to 1; below about 0.25 the clusters
            are a way to sort the mistakes rather than a finding. None for a single cluster.
        plane: (M, 2) float64, the first two principal components, for a scatter plot.
    """

    clusters: tuple[FailureCluster, ...]
    labels: Tensor
    silhouette: float | None
    plane: Tensor


def cluster_failures(
    features: Tensor,
    predicted: Tensor,
    true: Tensor,
    seed: int = 0,
    *,
    method: Method = "kmeans",
    num_clusters: tuple[int, int] = (2, 8),
    num_components: int = 10,
) -> FailureClusters:
    """Clusters of mistakes by what the model saw in them. Their number is the one with the best silhouette;
    fewer than four mistakes, or mistakes with the same features, are one cluster.

    Args:
        features: (M, D) of the mistakes only, for example the activations before the last layer.
        predicted: (M,) classes.
        true: (M,) classes.
        seed: of k-means; the same arguments give the same clusters.
        method: "kmeans", or "agglomerative" with Ward's criterion, which takes memory quadratic in M.
        num_clusters: the least and the largest number of clusters to try.
        num_components: principal components to keep at most; distances in all D dimensions tell little.

    Raises:
        InterpretationError: shapes that do not fit, no mistakes, features that are no numbers.
    """
    _check(features, predicted, true, method, num_clusters)
    points = _principal_components(features, max(num_components, 2))
    num_distinct = _num_distinct(points)
    best, silhouette = torch.zeros(len(points), dtype=torch.int64).numpy(), None
    if len(points) >= LEAST_TO_CLUSTER:
        least, most = num_clusters[0], min(num_clusters[1], num_distinct, len(points) - 1)
        for candidate in _clusterings(points, range(least, most + 1), method, seed):
            score = _silhouette(points, candidate, seed)
            if score > (silhouette or 0.0):
                best, silhouette = candidate, score
    clusters = _summaries(points, best, predicted.cpu(), true.cpu())
    labels = torch.empty(len(points), dtype=torch.int64)
    for number, cluster in enumerate(clusters):
        labels[cluster.members] = number
    return FailureClusters(clusters, labels, silhouette, torch.from_numpy(_plane(points)))


def _principal_components(features: Tensor, num_components: int) -> NDArray[Any]:
    """(M, up to num_components) float64 coordinates along the directions of largest variance."""
    from sklearn.decomposition import PCA

    rows = features.detach().cpu().double().numpy()
    if len(rows) < 2:
        return rows[:, :num_components] * 0
    pca = PCA(n_components=min(num_components, *rows.shape), svd_solver="full")
    centred = rows - rows.mean(0)
    if not centred.any():  # the shares of a variance of zero would be 0 / 0
        return centred[:, :num_components]
    return pca.fit_transform(centred)


def _num_distinct(points: NDArray[Any]) -> int:
    """How many points differ by more than rounding."""
    import numpy as np

    scale = float(np.abs(points).max(initial=0.0)) or 1.0
    return len(np.unique(np.round(points / scale, 9), axis=0))


def _clusterings(points: NDArray[Any], numbers: range, method: Method, seed: int) -> Iterator[NDArray[Any]]:
    """(M,) labels for each number of clusters."""
    from sklearn.cluster import AgglomerativeClustering, KMeans

    for number in numbers:
        if method == "kmeans":
            yield KMeans(number, n_init=10, random_state=seed).fit_predict(points)
        else:
            yield AgglomerativeClustering(number, linkage="ward").fit_predict(points)


def _silhouette(points: NDArray[Any], labels: NDArray[Any], seed: int) -> float:
    import numpy as np
    from sklearn.metrics import silhouette_score

    if len(points) > SILHOUETTE_SAMPLE:
        sample = np.random.default_rng(seed).choice(len(points), SILHOUETTE_SAMPLE, replace=False)
        points, labels = points[sample], labels[sample]
    num_labels = len(np.unique(labels))
    return float(silhouette_score(points, labels)) if 2 <= num_labels < len(points) else -1.0


def _summaries(
    points: NDArray[Any], labels: NDArray[Any], predicted: Tensor, true: Tensor
) -> tuple[FailureCluster, ...]:
    """The clusters, the largest first, equal ones by their first member."""
    import numpy as np

    groups = [np.flatnonzero(labels == label) for label in np.unique(labels)]
    clusters = []
    for rows in sorted(groups, key=lambda rows: (-len(rows), rows[0])):
        members = torch.from_numpy(_from_the_medoid(points, rows))
        counts = Counter(zip(true[members].tolist(), predicted[members].tolist(), strict=True))
        ordered = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
        clusters.append(FailureCluster(members, tuple(ConfusedPair(*pair, count) for pair, count in ordered)))
    return tuple(clusters)


def _from_the_medoid(points: NDArray[Any], rows: NDArray[Any]) -> NDArray[Any]:
    """The rows of one cluster, the medoid first, the others by their distance from it."""
    import numpy as np
    from scipy.spatial.distance import cdist

    own = points[rows]
    sums = np.concatenate([cdist(part, own).sum(1) for part in np.array_split(own, 1 + len(own) // 1000)])
    medoid = int(sums.argmin())
    distances = cdist(own[[medoid]], own)[0]
    distances[medoid] = -1.0  # before a duplicate of itself
    return rows[np.argsort(distances, kind="stable")]


def _plane(points: NDArray[Any]) -> NDArray[Any]:
    """(M, 2): the first two coordinates, with zeros where there are fewer."""
    import numpy as np

    return np.pad(points[:, :2], ((0, 0), (0, max(0, 2 - points.shape[1]))))


def _check(
    features: Tensor, predicted: Tensor, true: Tensor, method: Method, num_clusters: tuple[int, int]
) -> None:
    if features.dim() != 2 or 0 in features.shape:
        raise InterpretationError(f"features must be (mistakes, features); got {tuple(features.shape)}")
    if predicted.shape != features.shape[:1] or true.shape != features.shape[:1]:
        raise InterpretationError(
            f"{len(features)} rows of features need as many classes; predicted has {tuple(predicted.shape)}, "
            f"true {tuple(true.shape)}"
        )
    if not bool(features.isfinite().all()):
        raise InterpretationError("the features are not all finite")
    if method not in ("kmeans", "agglomerative"):
        raise InterpretationError(f"method {method!r} is neither 'kmeans' nor 'agglomerative'")
    if not 2 <= num_clusters[0] <= num_clusters[1]:
        raise InterpretationError(f"num_clusters is {num_clusters}; it is (least, most), from 2 on")
