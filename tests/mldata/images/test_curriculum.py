"""A curriculum: which images an epoch draws from, how often, in which order, and that all of it can be continued."""

import itertools
import math
from collections import Counter
from typing import Any

import numpy as np
import pytest
import torch
from mldata.errors import DataError
from mldata.images import ImageBatches, ImageDataset
from mldata.images.augmentation import AugmentationConfig, build_augmentation
from mldata.images.config import CurriculumConfig
from mldata.images.curriculum import Curriculum
from mldata.images.splits import seeded_order
from pydantic import ValidationError
from scipy import stats

COUNT = 90
LABELS = np.repeat([0, 1, 2], [60, 20, 10])
SCORES = np.random.default_rng(4).normal(size=COUNT)


def curriculum(scores: Any = SCORES, labels: Any = LABELS, seed: int = 7, **keys: Any) -> Curriculum:
    config = CurriculumConfig(**{"scores": "run", "start": 0.2, "epochs": 4, **keys})
    return Curriculum(config, scores, labels, seed)


def pictures() -> ImageDataset:
    chance = torch.Generator().manual_seed(1)
    images = torch.randint(0, 256, (COUNT, 6, 5, 1), dtype=torch.uint8, generator=chance)
    return ImageDataset(
        "r", "train", images, torch.from_numpy(LABELS), ("a", "b", "c"), torch.arange(COUNT) * 3
    )


def batches(ordered: Curriculum | None, **options: Any) -> ImageBatches:
    keys = {"batch_size": 8, "mean": 0.5, "std": 0.25, "shuffle": True, "seed": 7, **options}
    return ImageBatches(pictures(), curriculum=ordered, **keys)


@pytest.mark.parametrize(
    ("pacing", "shares"),
    [
        ("linear", [0.2, 0.4, 0.6, 0.8, 1.0, 1.0]),
        ("root", [*(math.sqrt(0.04 + 0.96 * part) for part in (0, 0.25, 0.5, 0.75)), 1.0, 1.0]),
        ("step", [0.2, 0.2, 0.2**0.5, 0.2**0.5, 1.0, 1.0]),
    ],
)
def test_the_share_grows_by_its_closed_form(pacing: str, shares: list[float]) -> None:
    ordered = curriculum(pacing=pacing, stages=2)
    assert [ordered.share(epoch) for epoch in range(6)] == pytest.approx(shares, abs=1e-12)
    assert [len(ordered.pool(epoch)) for epoch in range(6)] == [round(share * COUNT) for share in shares]


@pytest.mark.parametrize(("order", "sign"), [("curriculum", 1), ("anti", -1)])
def test_the_pool_holds_the_easiest_or_the_hardest_of_every_class(order: str, sign: int) -> None:
    pool = curriculum(order=order).pool(0)
    for label, count in ((0, 12), (1, 4), (2, 2)):  # a fifth of 60, 20 and 10
        mine = np.flatnonzero(label == LABELS)
        expected = mine[np.argsort(sign * SCORES[mine])][:count]
        assert set(expected) == {position for position in pool if LABELS[position] == label}
    unbalanced = curriculum(order=order, balanced=False).pool(0)
    assert set(unbalanced) == set(np.argsort(sign * SCORES)[:18])


def test_the_control_draws_from_any_images_whatever_the_scores_are() -> None:
    pool = curriculum(order="random", scores=SCORES).pool(1)
    assert set(pool) == set(curriculum(order="random", scores=-SCORES).pool(1))
    assert set(pool) != set(curriculum(order="random", seed=8).pool(1))
    assert set(curriculum(order="random").pool(0)) <= set(pool)
    assert abs(stats.spearmanr(curriculum(order="random").pool(9), np.arange(COUNT)).statistic) < 0.9


def test_an_epoch_is_as_long_as_ever_and_goes_through_its_pool_evenly_and_in_new_orders() -> None:
    ordered = curriculum()
    for epoch in range(4):
        order, pool = ordered.order(epoch), ordered.pool(epoch)
        assert len(order) == COUNT
        times = Counter(order.tolist())
        assert set(times) == set(pool.tolist())
        assert max(times.values()) - min(times.values()) <= 1
    first, second = ordered.order(0)[:18].tolist(), ordered.order(0)[18:36].tolist()
    assert sorted(first) == sorted(second)
    assert first != second
    assert ordered.order(0).tolist() == curriculum().order(0).tolist()
    assert ordered.order(0).tolist() != curriculum(seed=8).order(0).tolist()


def test_once_all_images_are_drawn_from_batches_are_those_without_a_curriculum() -> None:
    augmentation = build_augmentation(AugmentationConfig(translation=1, whole_pixels=True), seed=7)
    with_it, without = (batches(c, augmentation=augmentation) for c in (curriculum(), None))
    for loader in (with_it, without):
        loader.set_epoch(5)
    for (images, labels), (plain_images, plain_labels) in zip(with_it, without, strict=True):
        assert torch.equal(images, plain_images)
        assert torch.equal(labels, plain_labels)
    assert with_it.order(3).tolist() != seeded_order(COUNT, 7, 3).tolist()


def test_an_image_that_comes_twice_in_an_epoch_is_augmented_twice() -> None:
    seen: list[tuple[int, list[int]]] = []

    def watch(images: torch.Tensor, indices: torch.Tensor, epoch: int) -> torch.Tensor:
        seen.append((epoch, indices.tolist()))
        return images.permute(0, 3, 1, 2)

    loader = batches(curriculum(), batch_size=9, augmentation=watch)  # half a pool: no batch is of two passes
    loader.set_epoch(1)
    list(loader)
    shown = Counter((number, index) for number, indices in seen for index in indices)
    assert len(seen) == 10
    assert max(shown.values()) == 1
    assert len({number for number, _ in seen}) == 3  # 90 images in passes of 36
    assert min(number for number, _ in seen) == 1, (
        "the first pass draws as an epoch without a curriculum does"
    )


@pytest.mark.parametrize("stop", [0, 1, 5, 12])
def test_an_epoch_is_continued_with_the_very_same_batches(stop: int) -> None:
    augmentation = build_augmentation(AugmentationConfig(translation=2), seed=3)
    whole, first, second = (batches(curriculum(), augmentation=augmentation) for _ in range(3))
    whole.set_epoch(2)
    expected = list(whole)
    first.set_epoch(2)
    list(itertools.islice(first, stop))
    second.load_state_dict(first.state_dict())
    rest = list(second)
    assert len(rest) == len(expected) - stop
    for one, two in zip(rest, expected[stop:], strict=True):
        assert torch.equal(one[0], two[0])
        assert torch.equal(one[1], two[1])


def test_other_scores_or_another_pacing_are_no_continuation() -> None:
    state = batches(curriculum()).state_dict()
    batches(curriculum(scores=2 * SCORES + 1)).load_state_dict(state)  # the same ranking
    for other in (
        curriculum(scores=SCORES[::-1].copy()),
        curriculum(pacing="root"),
        curriculum(order="anti"),
    ):
        with pytest.raises(DataError, match=r"data\.curriculum"):
            batches(other).load_state_dict(state)


def test_two_ranks_share_the_batches_of_one() -> None:
    augmentation = build_augmentation(AugmentationConfig(translation=2), seed=3)
    options = {"augmentation": augmentation}
    alone = batches(curriculum(), batch_size=8, **options)
    ranks = [batches(curriculum(), batch_size=4, rank=r, world_size=2, **options) for r in (0, 1)]
    for (images, labels), *halves in zip(alone, *ranks, strict=True):
        assert torch.equal(torch.cat([half[0] for half in halves]), images)
        assert torch.equal(torch.cat([half[1] for half in halves]), labels)


def test_scores_that_do_not_fit_are_refused() -> None:
    with pytest.raises(DataError, match="89 scores"):
        curriculum(scores=SCORES[1:])
    with pytest.raises(DataError, match="89 of them finite"):
        curriculum(scores=np.where(np.arange(COUNT) == 3, np.nan, SCORES))
    with pytest.raises(ValidationError, match="needs scores"):
        CurriculumConfig(order="anti")
    assert CurriculumConfig(order="random").scores is None
