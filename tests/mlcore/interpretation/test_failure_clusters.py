"""Planted groups of mistakes are found; summaries are those of a direct count."""

import warnings
from collections import Counter

import numpy as np
import pytest
import torch
from mlcore.interpretation import FailureClusters, InterpretationError, cluster_failures
from sklearn.metrics import adjusted_rand_score, silhouette_score
from torch import Tensor

SIZES = (40, 25, 15)


@pytest.fixture
def planted() -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Features (80, 64) in three shuffled groups, predicted and true classes that depend on the group, groups."""
    generator = torch.Generator().manual_seed(5)
    groups = torch.repeat_interleave(torch.arange(3), torch.tensor(SIZES))
    groups = groups[torch.randperm(80, generator=generator)]
    centres = 6 * torch.randn(3, 64, generator=generator)
    features = centres[groups] + torch.randn(80, 64, generator=generator)
    return features, groups + 1, (groups + torch.randint(2, (80,), generator=generator)) % 4, groups


@pytest.mark.parametrize("method", ["kmeans", "agglomerative"])
def test_planted_groups_and_their_number_are_found(planted: tuple[Tensor, ...], method: str) -> None:
    features, predicted, true, groups = planted
    found = cluster_failures(features, predicted, true, seed=1, method=method)
    assert adjusted_rand_score(groups, found.labels) == 1.0
    assert tuple(cluster.size for cluster in found.clusters) == SIZES
    assert found.plane.shape == (80, 2)


def test_the_silhouette_is_scikit_learns(planted: tuple[Tensor, ...]) -> None:
    features, predicted, true, _ = planted
    found = cluster_failures(features, predicted, true, num_components=64)
    assert found.silhouette == pytest.approx(silhouette_score(features.double(), found.labels), rel=1e-6)


def test_the_members_of_a_cluster_are_those_with_its_label(planted: tuple[Tensor, ...]) -> None:
    found = cluster_failures(*planted[:3])
    for number, cluster in enumerate(found.clusters):
        assert sorted(cluster.members.tolist()) == (found.labels == number).nonzero().squeeze(1).tolist()


def test_the_medoid_has_the_smallest_sum_of_distances_and_the_others_follow_by_distance(
    planted: tuple[Tensor, ...],
) -> None:
    features, predicted, true, _ = planted
    found = cluster_failures(features, predicted, true, num_components=64)
    for cluster in found.clusters:
        own = features[cluster.members].double()
        distances = torch.linalg.vector_norm(own[:, None] - own[None], dim=2)
        assert int(distances.sum(1).argmin()) == 0
        assert cluster.medoid == int(cluster.members[0])
        assert (distances[0].diff() >= -1e-9).all()


def test_the_pairs_of_a_cluster_are_a_direct_count(planted: tuple[Tensor, ...]) -> None:
    features, predicted, true, _ = planted
    cluster = cluster_failures(features, predicted, true).clusters[0]
    rows = cluster.members.tolist()
    counts = Counter((int(true[row]), int(predicted[row])) for row in rows)
    assert {(pair.true, pair.predicted): pair.num_mistakes for pair in cluster.pairs} == dict(counts)
    assert [pair.num_mistakes for pair in cluster.pairs] == sorted(counts.values(), reverse=True)


def test_a_cluster_is_described_by_its_commonest_pairs() -> None:
    true, predicted = torch.tensor([4, 4, 7]), torch.tensor([9, 9, 9])
    cluster = cluster_failures(torch.randn(3, 5), predicted, true).clusters[0]
    names = [str(number) for number in range(10)]
    assert cluster.describe(names) == "4 → 9 (2), 7 → 9 (1)"
    assert cluster.describe(names, num=1) == "4 → 9 (2), …"


@pytest.mark.parametrize("num", [1, 2, 3])
def test_a_handful_of_mistakes_is_one_cluster(num: int) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = cluster_failures(torch.randn(num, 7), torch.zeros(num).long(), torch.ones(num).long())
    assert_one_cluster(found, num)


@pytest.mark.parametrize("method", ["kmeans", "agglomerative"])
def test_identical_mistakes_are_one_cluster(method: str) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        features = torch.full((20, 7), 0.1)
        found = cluster_failures(features, torch.zeros(20).long(), torch.ones(20).long(), method=method)
    assert_one_cluster(found, 20)


def assert_one_cluster(found: FailureClusters, num: int) -> None:
    assert len(found.clusters) == 1
    assert found.clusters[0].size == num
    assert found.labels.tolist() == [0] * num
    assert found.silhouette is None
    assert found.plane.shape == (num, 2)


@pytest.mark.parametrize("method", ["kmeans", "agglomerative"])
def test_two_kinds_of_identical_mistakes_are_two_clusters(method: str) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        features = torch.tensor([[0.0], [1.0], [1.0], [0.0], [1.0]])
        found = cluster_failures(features, torch.zeros(5).long(), torch.ones(5).long(), method=method)
    assert found.labels.tolist() == [1, 0, 0, 1, 0]
    assert found.plane.shape == (5, 2)


def test_the_number_of_clusters_stays_within_its_bounds(planted: tuple[Tensor, ...]) -> None:
    assert len(cluster_failures(*planted[:3], num_clusters=(2, 2)).clusters) == 2
    assert len(cluster_failures(*planted[:3], num_clusters=(5, 6)).clusters) in (5, 6)


def test_the_same_seed_gives_the_same_clusters() -> None:
    features, classes = torch.randn(60, 12), torch.randint(5, (60,))
    first, second = (cluster_failures(features, classes, classes, seed=9) for _ in range(2))
    assert torch.equal(first.labels, second.labels)
    assert torch.equal(first.plane, second.plane)
    for one, other in zip(first.clusters, second.clusters, strict=True):
        assert torch.equal(one.members, other.members)


def test_many_mistakes_are_judged_by_a_sample_of_them() -> None:
    generator = torch.Generator().manual_seed(0)
    groups = torch.randint(3, (5000,), generator=generator)
    features = 20 * torch.eye(3)[groups] + torch.randn(5000, 3, generator=generator)
    found = cluster_failures(features, groups, groups, num_clusters=(2, 4))
    assert adjusted_rand_score(groups, found.labels) == 1.0
    assert found.silhouette == pytest.approx(silhouette_score(features, groups), abs=0.02)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"features": torch.zeros(4)}, r"features must be .*got \(4,\)"),
        ({"features": torch.zeros(0, 3)}, "features must be"),
        ({"true": torch.zeros(3)}, r"4 rows of features need as many classes; .* true \(3,\)"),
        ({"features": torch.full((4, 2), float("inf"))}, "not all finite"),
        ({"method": "dbscan"}, "'dbscan' is neither 'kmeans' nor 'agglomerative'"),
        ({"num_clusters": (1, 3)}, r"num_clusters is \(1, 3\)"),
    ],
)
def test_arguments_that_do_not_fit_are_refused(change: dict, message: str) -> None:
    zeros = torch.zeros(4, dtype=torch.int64)
    arguments = {"features": torch.from_numpy(np.eye(4)), "predicted": zeros, "true": zeros, **change}
    with pytest.raises(InterpretationError, match=message):
        cluster_failures(**arguments)
