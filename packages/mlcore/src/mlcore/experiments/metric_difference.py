"""How a metric of two runs differs, and whether that could be chance."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from mlcore.experiments.metric_names import is_higher_better
from mlcore.experiments.predictions import paired_correct
from mlcore.logger.number_format import format_number

if TYPE_CHECKING:
    from mlcore.experiments.run_groups import RunGroup
    from mlcore.experiments.run_record import RunRecord
    from mlcore.statistics.significance import SignificanceTest

# evaluation.json and predictions.json give the accuracy of the same examples: float32 sums may round otherwise.
_SAME_ACCURACY = 1e-6


@dataclass(frozen=True)
class DifferenceTest:
    """One test of the difference.

    Attributes:
        over: what it looked at: 10,000 test examples; 5 shared seeds.
        speaks_of: what its p-value is about.
        test: the test of B - A.
    """

    over: str
    speaks_of: str
    test: SignificanceTest

    def as_dict(self) -> dict[str, Any]:
        """The fields by name, ready for JSON."""
        return {"over": self.over, "speaks_of": self.speaks_of, **self.test.as_dict()}

    def __str__(self) -> str:
        return f"over {self.over}: {self.test}; it speaks of {self.speaks_of}"


@dataclass(frozen=True)
class MetricDifference:
    """One metric of two runs, B - A.

    Attributes:
        metric: its full name; None when the runs have none in common.
        first, second: its value in A and in B.
        higher_is_better: which way is better.
        tests: the tests that the runs allow, the sharpest first.
        reasons: why there is no p-value, or not one of another kind.
    """

    metric: str | None
    first: float | None
    second: float | None
    higher_is_better: bool
    tests: tuple[DifferenceTest, ...] = ()
    reasons: tuple[str, ...] = ()

    @property
    def difference(self) -> float | None:
        """B - A; None when one has no finite value."""
        if self.first is None or self.second is None or not math.isfinite(self.second - self.first):
            return None
        return self.second - self.first

    @property
    def p_value(self) -> float | None:
        """That of the first test; None without one."""
        return next((test.test.p_value for test in self.tests), None)

    def as_dict(self) -> dict[str, Any]:
        """The fields by name, ready for JSON."""
        return {
            "metric": self.metric,
            "first": self.first,
            "second": self.second,
            "difference": self.difference,
            "higher_is_better": self.higher_is_better,
            "p_value": self.p_value,
            "tests": [test.as_dict() for test in self.tests],
            "reasons": list(self.reasons),
        }

    def __str__(self) -> str:
        if self.metric is None or self.first is None or self.second is None:
            return "; ".join(self.reasons)
        values = f"{format_number(self.first, 5)} and {format_number(self.second, 5)}"
        if self.difference is None:
            change = "no difference of numbers that are not finite"
        else:
            is_better = (self.difference > 0) == self.higher_is_better
            side = "in favour of B" if is_better else "in favour of A"
            change = f"{self.difference:+.4g}, {side if self.difference else 'equal'}"
        p_text = self.tests[0].test.p_text if self.tests else "no p-value"
        return f"{self.metric}: {values} ({change}; {p_text})"


def metric_difference(
    first: RunRecord,
    second: RunRecord,
    first_group: RunGroup | None,
    second_group: RunGroup | None,
    metric: str,
) -> MetricDifference:
    """The difference of one metric (full name) with all the tests that the runs allow.

    Over the examples, when both runs left their predictions on the same ones: McNemar's exact test, for accuracies.
    Over seeds, when both were named as groups of several runs.
    """
    tests, reasons = [], []
    for found in (
        _over_examples(first, second, metric),
        _over_seeds(first_group, second_group, metric),
    ):
        if isinstance(found, str):
            reasons.append(found)
        else:
            tests.append(found)
    values = first.metrics.get(metric), second.metrics.get(metric)
    return MetricDifference(metric, *values, is_higher_better(metric), tuple(tests), tuple(reasons))


def _over_examples(first: RunRecord, second: RunRecord, metric: str) -> DifferenceTest | str:
    from mlcore.statistics.mcnemar import mcnemar_test

    split, _, name = metric.rpartition(".")
    if name != "accuracy" or not split or split not in {first.split, second.split}:
        return f"no test over examples: that is for the accuracy of an evaluation, not for {metric}"
    pairs = paired_correct(first.path, second.path, split)
    if isinstance(pairs, str):
        return f"no test over examples: {pairs}"
    for record, correct in zip((first, second), pairs, strict=True):
        written, counted = record.metrics.get(metric), sum(correct) / len(correct)
        if written is None or abs(written - counted) > _SAME_ACCURACY:
            return (
                f"no test over examples: the predictions of {record.folder} give {counted:.4f}, "
                f"its evaluation.json {'nothing' if written is None else f'{written:.4f}'}"
            )
    test = mcnemar_test(pairs[1], pairs[0])
    return DifferenceTest(f"{test.n:,} {split} examples", "these two trained models", test)


def _over_seeds(first: RunGroup | None, second: RunGroup | None, metric: str) -> DifferenceTest | str:
    from mlcore.statistics.model_statistics import ModelStatistics

    if first is None or second is None:
        return "no test over seeds: name both runs without their times to compare all seeds of each"
    values = {"A": first.values(metric), "B": second.values(metric)}
    sizes = [len(by_seed) for by_seed in values.values()]
    if min(sizes) < 2:
        return f"no test over seeds: A has {sizes[0]} and B {sizes[1]} seeds with {metric}, two each are the least"
    found = ModelStatistics(values, higher_is_better=is_higher_better(metric)).compare("B", "A")
    over = f"{found.test.n} shared seeds" if found.is_paired else f"{sizes[0]} and {sizes[1]} separate seeds"
    return DifferenceTest(over, "the two recipes, trained again", found.test)
