"""Two runs beside one another: every difference is planted, and found where it was planted."""

import json
import math
from pathlib import Path

import numpy as np
import pytest
from mlcore.errors import ConfigError, RunNotFoundError
from mlcore.experiments import compare_runs, find_divergence, read_predictions, write_predictions
from mlcore.experiments.flattening import differences, flatten, is_same
from mlcore.experiments.predictions import PredictionsError
from scipy import stats
from statsmodels.stats.contingency_tables import mcnemar


def by_key(found) -> dict:
    return {difference.key: (difference.first, difference.second) for difference in found}


def test_runs_of_one_seed_and_configuration_are_identical(make_run) -> None:
    first, second = make_run("fc"), make_run("fc")
    found = compare_runs(first, second)
    assert found.config == found.environment == ()
    assert found.divergence.exact is found.divergence.beyond_tolerance is None
    assert found.divergence.num_compared == 12
    assert found.metric.difference == 0
    assert "identical in all 12 common records" in str(found.divergence)
    assert found.notes == ()


def test_configuration_and_environment_differences_are_found_by_key(make_run, ledger) -> None:
    make_run("fc", seed=1)
    libraries = {"torch": "2.11.0", "numpy": "2.4.6", "scipy": "1.17"}
    git = {"commit": "b" * 40, "is_dirty": True}
    make_run(
        "cnn",
        seed=2,
        model={"type": "cnn", "hidden_sizes": [128]},
        training={"early_stopping": {"patience": 5}},
        environment={"libraries": libraries, "git": git, "cpu": "another", "command": ["x"]},
    )
    found = ledger.compare("fc", "cnn")
    assert by_key(found.config) == {
        "name": ("fc", "cnn"),
        "seed": (1, 2),
        "model.type": ("fc", "cnn"),
        "model.hidden_sizes": ([256, 128], [128]),
        "training.early_stopping": (None, None),
        "training.early_stopping.patience": (None, 5),
    }
    assert by_key(found.environment) == {
        "cpu": ("a processor", "another"),
        "libraries.torch": ("2.15.0", "2.11.0"),
        "libraries.scipy": (None, "1.17"),
        "git.commit": ("a" * 40, "b" * 40),
    }
    assert any("changes that its commit does not show" in note for note in found.notes)


def test_differences_of_plain_values() -> None:
    assert flatten({"a": {"b": {"c": 1}}, "d": {}, "e": [1]}) == {"a.b.c": 1, "d": {}, "e": [1]}
    assert is_same(1, 1.0)
    assert is_same(math.nan, math.nan)
    assert is_same([1, [2]], (1, (2,)))
    assert not is_same(True, 1)
    assert not is_same([1], [1, 2])
    assert not is_same(None, "null")
    only, changed = differences({"x": 1, "y": None}, {"y": 0, "z": 1})[:2]
    assert (only.key, only.only_in, str(only)) == ("x", "first", "x: 1 -> –")
    assert (changed.only_in, str(changed)) == (None, "y: null -> 0")


def test_the_first_diverging_step_is_where_it_was_planted(make_run) -> None:
    first = make_run("fc")
    second = make_run("fc", loss_change=lambda step: 0 if step < 4 else 1e-9 if step < 7 else 0.01)
    found = find_divergence(first, second, tolerance=1e-6)
    assert (found.exact.kind, found.exact.step, found.exact.metric) == ("step", 4, "loss")
    assert found.exact.second - found.exact.first == pytest.approx(1e-9, rel=1e-3)
    assert (found.beyond_tolerance.kind, found.beyond_tolerance.step) == ("step", 7)
    assert "first different at step 4" in str(found)
    assert "from step 7" in str(found)
    loose = find_divergence(first, second, tolerance=0.5)
    assert loose.exact == found.exact
    assert loose.beyond_tolerance is None
    assert "never by more than 0.5" in str(loose)


def append(run: Path, **record) -> None:
    with open(run / "metrics.jsonl", "a") as file:
        file.write(json.dumps(record) + "\n")


def test_streams_of_other_lengths_are_compared_as_far_as_both_go(make_run) -> None:
    first, second = make_run("fc"), make_run("fc")
    append(second, kind="step", step=11, loss=1.0)
    append(second, kind="epoch", step=11, epoch=1, train={"loss": 1.0})
    found = find_divergence(first, second)
    assert (found.num_compared, found.num_only_first, found.num_only_second) == (12, 0, 2)
    assert found.exact is None
    assert "2 records in the second alone" in str(found)
    # Metrics inside a section are found too.
    append(first, kind="step", step=11, loss=1.0, time_s=3)
    append(first, kind="epoch", step=11, epoch=1, train={"loss": 2.0})
    found = find_divergence(first, second)
    assert (found.exact.kind, found.exact.metric, found.exact.first, found.exact.second) == (
        "epoch",
        "train.loss",
        2.0,
        1.0,
    )


def test_of_two_records_of_one_step_each_is_compared_with_its_own_like(make_run) -> None:
    first, second = make_run("fc"), make_run("fc")
    for loss in (1.0, 2.0):
        append(first, kind="validation", step=11, loss=loss)
        append(second, kind="validation", step=11, loss=loss if loss > 1 else 1.5)
    found = find_divergence(first, second)
    assert found.num_compared == 14
    assert (found.exact.first, found.exact.second) == (1.0, 1.5)


def test_nan_is_like_nan_and_unlike_a_number(make_run) -> None:
    first, second = make_run("fc"), make_run("fc")
    for run in (first, second):
        append(run, kind="step", step=11, loss="NaN", status="nan_detected")
    assert find_divergence(first, second).exact is None
    append(first, kind="step", step=12, loss="NaN", status="x")
    append(second, kind="step", step=12, loss=1.0, status="y")
    found = find_divergence(first, second, tolerance=1e9)
    assert found.beyond_tolerance.step == 12
    assert found.exact.num_metrics == 2
    assert "(and 1 more)" in str(found.exact)


def test_streams_that_are_missing_or_damaged_are_said_to_be(make_run) -> None:
    first, second = make_run("fc"), make_run("fc")
    lines = (second / "metrics.jsonl").read_text().splitlines(keepends=True)
    (second / "metrics.jsonl").write_text("".join([*lines[:3], "damaged\n", *lines[3:]]))
    assert "metrics.jsonl:4: not a JSON record" in find_divergence(first, second).reason
    (second / "metrics.jsonl").unlink()
    assert find_divergence(first, second).reason == f"{second.name} has no metrics.jsonl"
    (second / "metrics.jsonl").write_text("")
    assert "no record of the same kind" in find_divergence(first, second).reason
    with pytest.raises(ConfigError, match="tolerance"):
        find_divergence(first, second, tolerance=math.nan)


def test_over_the_same_examples_the_p_value_is_mcnemars(make_run) -> None:
    first = make_run("fc", accuracy=0.8, predictions=True)
    second = make_run("cnn", accuracy=0.9, predictions=True)
    found = compare_runs(first, second)
    one, other = (read_predictions(run).correct for run in (first, second))
    table = [[0, 0], [0, 0]]
    for a, b in zip(one, other, strict=True):
        table[not a][not b] += 1
    assert found.metric.metric == "test.accuracy"
    assert found.metric.p_value == pytest.approx(mcnemar(table, exact=True).pvalue)
    assert found.metric.difference == pytest.approx(0.1)
    assert found.metric.tests[0].test.difference == pytest.approx(0.1)
    assert found.metric.tests[0].over == "200 test examples"
    assert "these two trained models" in str(found.metric.tests[0])
    assert "in favour of B" in str(found.metric)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"fingerprint": "0" * 64}, "different examples"),
        ({"split": "validation"}, "has no validation.accuracy|has no test.accuracy|splits"),
        ({"predictions": False}, "has no predictions.json"),
    ],
)
def test_predictions_of_other_examples_give_no_p_value(make_run, changes: dict, words: str) -> None:
    first = make_run("fc", accuracy=0.8, predictions=True)
    second = make_run("cnn", **{"accuracy": 0.9, "predictions": True, **changes})
    found = compare_runs(first, second, metric="test.accuracy")
    assert found.metric.p_value is None
    assert any(part in " ".join(found.metric.reasons) for part in words.split("|"))
    assert "no p-value" in str(found.metric) or found.metric.second is None


def test_predictions_that_contradict_the_evaluation_are_not_believed(make_run) -> None:
    first = make_run("fc", accuracy=0.8, predictions=True)
    second = make_run("cnn", accuracy=0.9, predictions=True)
    write_predictions(second, split="test", fingerprint="f" * 64, labels=[0] * 200, predictions=[0] * 200)
    write_predictions(first, split="test", fingerprint="f" * 64, labels=[0] * 200, predictions=[0] * 200)
    found = compare_runs(first, second)
    assert found.metric.tests == ()
    assert "give 1.0000, its evaluation.json 0.8000" in found.metric.reasons[0]


def test_a_single_run_each_has_no_p_value_and_the_words_why(make_run, ledger) -> None:
    first, second = make_run("fc", accuracy=0.8), make_run("cnn", accuracy=0.9)
    alone = ledger.compare(first, second)
    assert alone.metric.p_value is None
    assert any("name both runs without their times" in reason for reason in alone.metric.reasons)
    named = ledger.compare("fc", "cnn")
    assert any("A has 1 and B 1 seeds" in reason for reason in named.metric.reasons)
    assert "no p-value" in str(named.metric)


FC, CNN = (0.8, 0.82, 0.79, 0.81), (0.88, 0.91, 0.89, 0.88)


def test_names_of_several_runs_are_compared_over_their_seeds(make_run, ledger) -> None:
    for seed, (a, b) in enumerate(zip(FC, CNN, strict=True)):
        make_run("fc", seed=seed, accuracy=a)
        make_run("cnn", seed=seed, accuracy=b)
    found = ledger.compare("fc", "cnn")
    assert found.metric.p_value == pytest.approx(stats.ttest_rel(CNN, FC).pvalue)
    assert found.metric.tests[0].over == "4 shared seeds"
    assert found.metric.tests[0].test.difference > 0
    assert found.first.seed == found.second.seed == 3
    assert "seed" not in by_key(found.config)
    assert [len(group.records) for group in (found.first_group, found.second_group)] == [4, 4]


def test_seeds_that_are_not_shared_are_separate_samples(make_run, ledger) -> None:
    for seed, (a, b) in enumerate(zip(FC, CNN, strict=True)):
        make_run("fc", seed=seed, accuracy=a)
        make_run("cnn", seed=seed + 10, accuracy=b)
    found = ledger.compare("fc", "cnn")
    assert found.metric.p_value == pytest.approx(stats.ttest_ind(CNN, FC, equal_var=False).pvalue)
    assert found.metric.tests[0].over == "4 and 4 separate seeds"


def test_with_both_at_hand_both_tests_are_given_and_the_examples_come_first(make_run, ledger) -> None:
    for seed, (a, b) in enumerate(zip(FC, CNN, strict=True)):
        make_run("fc", seed=seed, accuracy=a, predictions=True)
        make_run("cnn", seed=seed, accuracy=b, predictions=True)
    found = ledger.compare("fc", "cnn")
    assert [test.test.test for test in found.metric.tests] == ["McNemar", "paired t"]
    assert found.metric.p_value == found.metric.tests[0].test.p_value
    assert "the two recipes, trained again" in str(found.metric.tests[1])


def test_of_a_name_with_several_configurations_the_newest_counts_and_it_says_so(make_run, ledger) -> None:
    make_run("fc", seed=1, training={"learning_rate": 1.0})
    for seed in (1, 2):
        make_run("fc", seed=seed, accuracy=0.8 + seed / 100)
        make_run("cnn", seed=seed, accuracy=0.9 + seed / 50)
    found = ledger.compare("fc", "cnn")
    assert "fc: 1 older runs of other configurations are left out" in found.notes
    assert len(found.first_group.records) == 2


def test_runs_without_an_end_can_be_compared_too(make_run, ledger) -> None:
    make_run("fc", status=None, accuracy=None)
    make_run("cnn", status="diverged", accuracy=None)
    found = ledger.compare("fc", "cnn")
    assert found.first_group is None
    assert any("is not complete: running" in note for note in found.notes)
    assert any("is not complete: diverged" in note for note in found.notes)
    assert found.metric.metric == "best.loss"
    assert found.divergence.num_compared == 12


def test_damaged_runs_are_compared_as_far_as_they_can_be_read(make_run) -> None:
    first, second = make_run("fc"), make_run("fc")
    for file in ("metrics.json", "evaluation.json", "environment.json"):
        (second / file).write_text("{")
    found = compare_runs(first, second)
    assert found.config == found.environment == ()
    assert any("not JSON" in note for note in found.notes)
    assert any("environments are not compared" in note for note in found.notes)
    assert found.metric.p_value is None
    assert "has no test.accuracy" in str(found.metric)
    json.dumps(found.as_dict())
    (first / "metrics.json").unlink()
    (first / "evaluation.json").unlink()
    assert "neither run has been measured" in str(compare_runs(first, second).metric)


def test_another_metric_can_be_asked_for_and_a_loss_is_better_low(make_run, ledger) -> None:
    for seed in (1, 2, 3):
        make_run("fc", seed=seed, accuracy=0.8 + seed / 100, predictions=True)
        make_run("cnn", seed=seed, accuracy=0.9 - seed / 100, predictions=True)
    found = ledger.compare("fc", "cnn", metric="loss")
    assert found.metric.metric == "test.loss"
    assert "in favour of B" in str(found.metric)
    assert [test.test.test for test in found.metric.tests] == ["paired t"]
    assert any("not for test.loss" in reason for reason in found.metric.reasons)
    with pytest.raises(ConfigError, match="did you mean"):
        ledger.compare("fc", "cnn", metric="los")


def test_a_name_that_no_run_has_is_an_error_with_the_nearest(make_run, ledger) -> None:
    make_run("baseline")
    with pytest.raises(RunNotFoundError, match="did you mean 'baseline'"):
        ledger.compare("basline", "baseline")
    same = ledger.compare("baseline", "baseline")
    assert "both names mean the same run" in same.notes


def test_a_comparison_is_plain_json(make_run, ledger) -> None:
    for seed in (1, 2):
        make_run("fc", seed=seed, accuracy=0.8 + seed / 100, predictions=True)
        make_run("cnn", seed=seed, accuracy=0.9, predictions=True, model={"type": "cnn"})
    stored = json.loads(json.dumps(ledger.compare("fc", "cnn").as_dict(), allow_nan=False))
    assert stored["metric"]["p_value"] == stored["metric"]["tests"][0]["p_value"]
    assert {"key": "model.type", "first": "fc", "second": "cnn", "only_in": None} in stored["config"]


def test_predictions_are_whole_or_refused(make_run) -> None:
    run = make_run("fc")
    with pytest.raises(PredictionsError, match=r"has no predictions\.json"):
        read_predictions(run)
    labels = np.array([1, 2, 3])
    path = write_predictions(
        run, split="test", fingerprint="f", labels=labels, predictions=np.array([1, 2, 0])
    )
    assert json.loads(path.read_text()) == {
        "split": "test",
        "fingerprint": "f",
        "labels": [1, 2, 3],
        "predictions": [1, 2, 0],
    }
    assert read_predictions(run).correct == [True, True, False]
    assert read_predictions(run).accuracy == pytest.approx(2 / 3)
    with pytest.raises(PredictionsError, match="3 labels for 1 predictions"):
        write_predictions(run, split="test", fingerprint="f", labels=labels, predictions=[1])
    for damage in (
        "",
        "[]",
        '{"split": 1}',
        '{"split": "a", "fingerprint": "b", "labels": [1], "predictions": [null]}',
    ):
        path.write_text(damage)
        with pytest.raises(PredictionsError, match="evaluate the run again"):
            read_predictions(run)
