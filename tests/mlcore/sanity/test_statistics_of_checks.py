"""The statistics behind the checks against scipy, closed forms, and repetition on data without a fault."""

from __future__ import annotations

import itertools

import pytest
import torch
from digits_subject import digits_subject, normalise, splits
from mlcore.sanity.checks.inputs import channel_statistics
from mlcore.sanity.checks.labels import compare_shares, equal_neighbours_z
from mlcore.sanity.checks.leakage import overlaps_of
from mlcore.sanity.checks.position_shift import alignment_of
from mlcore.sanity.checks.random_labels import chance_interval, shuffled_labels
from mlcore.sanity.checks.relabelling import (
    confusion_matrix,
    constant_shift,
    describe_relabelling,
    exchanged_classes,
    recognised_classes,
)
from mlcore.sanity.significance import binomial_tail, chi_squared_tail
from scipy import stats
from sklearn.metrics import confusion_matrix as sklearn_confusion_matrix
from sklearn.neighbors import NearestCentroid
from torch import Tensor


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


@pytest.mark.parametrize("trials", [1, 7, 350, 4096])
@pytest.mark.parametrize("probability", [0.001, 0.1, 0.5, 0.97])
def test_binomial_tails_are_scipys(trials: int, probability: float) -> None:
    for successes in {0, 1, trials // 3, trials // 2, trials}:
        expected = stats.binom.sf(successes - 1, trials, probability)
        assert binomial_tail(successes, trials, probability) == pytest.approx(expected, rel=1e-9, abs=1e-300)


def test_binomial_tails_at_the_edges() -> None:
    assert binomial_tail(0, 0, 0.5) == 1.0
    assert binomial_tail(1, 10, 0.0) == 0.0
    assert binomial_tail(10, 10, 1.0) == 1.0
    assert binomial_tail(11, 10, 0.5) == 0.0


@pytest.mark.parametrize("degrees", [1, 9, 99])
def test_chi_squared_tails_are_scipys(degrees: int) -> None:
    for statistic in (0.0, 1.0, 9.0, 80.0, 300.0):
        expected = stats.chi2.sf(statistic, degrees)
        assert chi_squared_tail(statistic, degrees) == pytest.approx(expected, rel=1e-8)


def test_the_comparison_of_shares_is_scipys_test_of_homogeneity() -> None:
    first, second = torch.tensor([30, 50, 20, 0]), torch.tensor([10, 70, 25, 0])
    distance, chance = compare_shares(first, second)
    expected = stats.chi2_contingency([first[:3].tolist(), second[:3].tolist()], correction=False)
    assert chance == pytest.approx(expected.pvalue, rel=1e-9)
    shares = [count / count.sum() for count in (first, second)]
    assert distance == pytest.approx(float((shares[0] - shares[1]).abs().sum()) / 2)


def test_equal_neighbours_of_shuffled_labels_have_a_standard_normal_z() -> None:
    labels = splits()["train"][1]
    values = [
        equal_neighbours_z(labels[torch.randperm(len(labels), generator=generator(i))]) for i in range(400)
    ]
    assert stats.kstest(values, "norm").pvalue > 1e-4
    assert equal_neighbours_z(labels.sort().values) > 50


def test_channel_statistics_are_torchs_means_and_deviations() -> None:
    images = torch.randn(40, 3, 6, 5, generator=generator()) * torch.tensor([1.0, 2.0, 3.0]).view(1, 3, 1, 1)
    for index, channel in enumerate(channel_statistics(images)):
        values = images[:, index].double()
        assert channel.mean == pytest.approx(float(values.mean()))
        assert channel.deviation == pytest.approx(float(values.std(correction=0)))
        assert channel.mean_error == pytest.approx(stats.sem(values.mean(dim=(1, 2))))
        ordered = values.flatten().sort().values  # without a thousandth at each end: one of 1,200
        assert channel.low == pytest.approx(float(ordered[1]))
        assert channel.high == pytest.approx(float(ordered[-2]))


def test_features_are_one_channel() -> None:
    assert len(channel_statistics(torch.randn(10, 7, generator=generator()))) == 1


# Relabelling


def noisy_answers(labels: Tensor, num_classes: int, right: float, seed: int = 0) -> Tensor:
    """The true class with probability ``right``, any class otherwise."""
    any_class = torch.randint(num_classes, labels.shape, generator=generator(seed))
    return torch.where(torch.rand(labels.shape, generator=generator(seed + 1)) < right, labels, any_class)


def some_labels(number: int, num_classes: int, seed: int = 5) -> Tensor:
    return torch.randint(num_classes, (number,), generator=generator(seed))


def test_the_confusion_matrix_is_sklearns() -> None:
    labels, answers = some_labels(300, 7), some_labels(300, 7, seed=6)
    expected = sklearn_confusion_matrix(labels, answers, labels=range(7))
    assert confusion_matrix(labels, answers, 7).tolist() == expected.tolist()


@pytest.mark.parametrize("num_classes", [3, 10, 100])
def test_every_constant_shift_is_found_with_its_sign(num_classes: int) -> None:
    labels = some_labels(1000, num_classes)
    answers = noisy_answers(labels, num_classes, 0.5)
    for shift in range(num_classes):
        confusion = confusion_matrix(labels, (answers + shift) % num_classes, num_classes)
        found = constant_shift(confusion)
        assert found % num_classes == shift
        assert -num_classes / 2 <= found <= num_classes / 2


@pytest.mark.parametrize("num_classes", [2, 3, 10, 100])
@pytest.mark.parametrize("right", [0.0, 0.05, 0.3, 0.9])
def test_no_relabelling_is_seen_where_there_is_none(num_classes: int, right: float) -> None:
    names = [str(number) for number in range(num_classes)]
    for seed in range(30):
        labels = some_labels(500, num_classes, seed)
        answers = noisy_answers(labels, num_classes, right, seed + 100)
        assert describe_relabelling(confusion_matrix(labels, answers, num_classes), names) is None


def test_one_class_that_is_always_taken_for_another_is_confusion_and_not_an_exchange() -> None:
    labels = some_labels(1000, 10)
    answers = torch.where(labels == 6, 0, labels)
    confusion = confusion_matrix(labels, answers, 10)
    assert exchanged_classes(confusion) == {}
    assert recognised_classes(confusion) == [number != 6 for number in range(10)]


def test_an_exchange_of_three_classes_is_named_class_by_class() -> None:
    labels = some_labels(1000, 10)
    target = torch.tensor([0, 2, 5, 3, 4, 1, 6, 7, 8, 9])
    confusion = confusion_matrix(labels, target[noisy_answers(labels, 10, 0.8)], 10)
    assert exchanged_classes(confusion) == {1: 2, 2: 5, 5: 1}
    advice = describe_relabelling(confusion, "abcdefghij")
    assert advice is not None
    assert "b → c, c → f, f → b" in advice


def test_the_exchange_is_the_best_of_all_permutations() -> None:
    labels = some_labels(400, 5)
    target = torch.tensor([3, 0, 2, 1, 4])
    confusion = confusion_matrix(labels, target[noisy_answers(labels, 5, 0.7)], 5)
    shares = confusion / confusion.sum(dim=1, keepdim=True)
    best = max(
        itertools.permutations(range(5)),
        key=lambda order: sum(float(shares[row, column]) for row, column in enumerate(order)),
    )
    assert exchanged_classes(confusion) == {row: column for row, column in enumerate(best) if row != column}


def test_two_classes_answered_the_wrong_way_round_are_an_exchange() -> None:
    labels = some_labels(200, 2)
    advice = describe_relabelling(confusion_matrix(labels, 1 - labels, 2), ["cat", "dog"])
    assert advice is not None
    assert "classes cat and dog are exchanged" in advice


# Positions


@pytest.mark.parametrize("shift", [-3, -1, 0, 1, 2])
def test_the_offset_between_inputs_and_labels_is_found(shift: int) -> None:
    images, labels = splits()["train"]
    found = alignment_of((normalise(images), labels.roll(shift)), 10)
    assert found.offset == shift
    assert found.accuracy > 0.8


def test_the_rule_of_the_nearest_class_mean_is_sklearns() -> None:
    images, labels = splits()["validation"]
    flat = normalise(images).flatten(1).numpy()
    rule = NearestCentroid().fit(flat[0::2], labels.numpy()[0::2])
    expected = (rule.predict(flat[1::2]) == labels.numpy()[1::2]).mean()
    assert alignment_of((normalise(images), labels), 10).accuracy == pytest.approx(expected, abs=1 / 175)


def test_labels_without_relation_have_no_offset() -> None:
    images, labels = splits()["train"]
    for seed in range(40):
        order = torch.randperm(len(labels), generator=generator(seed))
        assert alignment_of((images, labels[order]), 10).offset is None


def test_data_sorted_by_class_are_not_taken_for_shifted() -> None:
    images, labels = splits()["train"]
    order = labels.argsort(stable=True)
    assert alignment_of((images[order], labels[order]), 10).offset == 0


# Random labels


def test_shuffled_labels_keep_the_inputs_and_the_counts() -> None:
    images, labels = splits()["train"]
    same, shuffled = shuffled_labels((images, labels), seed=3)
    assert same is images
    assert shuffled.bincount().tolist() == labels.bincount().tolist()
    assert (shuffled == labels).float().mean() < 0.2


def test_the_middle_of_the_interval_is_the_agreement_of_independent_answers() -> None:
    predicted, labels = torch.tensor([0, 0, 1, 2]), torch.tensor([0, 1, 1, 1])
    low, high = chance_interval(predicted, labels, 100)
    assert (low + high) / 2 == pytest.approx(0.5 * 0.25 + 0.25 * 0.75)


def test_a_rule_that_answers_with_what_random_labels_favour_stays_inside_the_interval() -> None:
    """Nearest neighbours of random labels: a class that looks alike gets like answers."""
    from sklearn.neighbors import KNeighborsClassifier

    images, labels = splits()["train"]
    held_out, true = splits()["validation"]
    flat, asked = images.flatten(1)[:512].numpy(), held_out.flatten(1).numpy()
    outside = 0
    for seed in range(100):
        _, shuffled = shuffled_labels((images[:512], labels[:512]), seed)
        answers = torch.from_numpy(KNeighborsClassifier(5).fit(flat, shuffled.numpy()).predict(asked))
        low, high = chance_interval(answers, true, 512)
        outside += not low <= float((answers == true).float().mean()) <= high
    assert outside == 0


def test_the_interval_excludes_what_a_model_knows_that_was_shown_the_labels() -> None:
    labels = splits()["validation"][1]
    low, high = chance_interval(noisy_answers(labels, 10, 0.5), labels, 512)
    assert low <= 0.1 <= high < 0.5


# Overlaps


def test_overlaps_count_the_smaller_split() -> None:
    found = overlaps_of({"train": list("abcdefgh"), "test": list("hxyz"), "empty": []})
    assert [(one["smaller"], one["larger"], one["number"], one["share"]) for one in found] == [
        ("test", "train", 1, 0.25),
        ("empty", "train", 0, 0.0),
        ("empty", "test", 0, 0.0),
    ]


def test_a_subject_has_names_for_its_classes_or_their_numbers() -> None:
    assert digits_subject().class_name(3) == "3"
    assert digits_subject(classes=["nought", "one"]).class_name(1) == "one"
