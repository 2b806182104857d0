"""`ModelStatistics`: models measured over several seeds, compared with one another."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from mlcore.config.problems import suggestion
from mlcore.statistics.bootstrap import BootstrapInterval, bootstrap_interval
from mlcore.statistics.comparison import Comparison, ComparisonTable
from mlcore.statistics.corrections import holm
from mlcore.statistics.effect_sizes import hedges_g, paired_dz
from mlcore.statistics.equivalence import Equivalence, Margin, equivalence_test, paired_equivalence_test
from mlcore.statistics.mean_tests import paired_t_test, welch_test
from mlcore.statistics.sign_flip import sign_flip_test
from mlcore.statistics.significance import SignificanceTest
from mlcore.statistics.summary import Summary, summarize
from mlcore.statistics.values import StatisticsError, as_values, check_choice, check_share
from mlcore.statistics.wilcoxon import wilcoxon_test

Values = Sequence[float] | Mapping[Any, float]
PairedTest = Literal["t", "sign_flip", "wilcoxon"]
_PAIRED_TESTS: tuple[PairedTest, ...] = ("t", "sign_flip", "wilcoxon")


class ModelStatistics:
    """Results of several models, and what they show.

    >>> statistics = ModelStatistics({"fc": {42: 0.981, 7: 0.983, 8: 0.980}, "cnn": {42: 0.994, 7: 0.995, 8: 0.994}})
    >>> print(statistics.compare("cnn", "fc").verdict)
    better

    Args:
        values: by model, one value a seed: a mapping from seed to value, or a list. Values of the same seed are
            pairs, which cancels out what the seed does to both; lists are separate samples unless `seeds` says
            whose values they hold.
        seeds: the seeds of all lists, in their order.
        metric: what was measured, for tables.
        higher_is_better: True for accuracies, False for losses.

    Raises:
        StatisticsError: no models, values that are not numbers, or a list that has not one value a seed.
    """

    def __init__(
        self,
        values: Mapping[str, Values],
        *,
        seeds: Sequence[Hashable] | None = None,
        metric: str = "value",
        higher_is_better: bool = True,
    ) -> None:
        if not values:
            raise StatisticsError("no models: expected a mapping from the model's name to its values")
        self.metric, self.higher_is_better = metric, higher_is_better
        self._arrays: dict[str, NDArray[np.float64]] = {}
        self._seeds: dict[str, tuple[Hashable, ...] | None] = {}
        for model, given in values.items():
            if isinstance(given, Mapping):
                self._seeds[model], self._arrays[model] = tuple(given), as_values(list(given.values()), model)
            else:
                self._arrays[model] = as_values(given, model)
                self._seeds[model] = None if seeds is None else _checked(model, seeds, self._arrays[model])

    @property
    def models(self) -> tuple[str, ...]:
        """The models' names, in the order given."""
        return tuple(self._arrays)

    def values(self, model: str) -> tuple[float, ...]:
        """One model's values."""
        return tuple(self._array(model).tolist())

    def seeds(self, model: str) -> tuple[Hashable, ...] | None:
        """The seeds of one model's values; None when they are not known."""
        self._array(model)
        return self._seeds[model]

    def summary(self, model: str, *, confidence: float = 0.95) -> Summary:
        """Mean, standard deviation and t interval of one model."""
        return summarize(self._array(model), confidence=confidence)

    def summaries(self, *, confidence: float = 0.95) -> dict[str, Summary]:
        """`summary` of every model."""
        return {model: self.summary(model, confidence=confidence) for model in self.models}

    def bootstrap(self, model: str, **options: Any) -> BootstrapInterval:
        """Bootstrap interval of one model's mean, with the options of `bootstrap_interval`."""
        return bootstrap_interval(self._array(model), **options)

    def ranking(self) -> list[tuple[str, Summary]]:
        """The models by their means, best first; those without a mean last."""
        sign = -1 if self.higher_is_better else 1
        rows = self.summaries().items()
        return sorted(rows, key=lambda row: np.inf if row[1].mean is None else sign * row[1].mean)

    def compare(
        self,
        model: str,
        baseline: str,
        *,
        alpha: float = 0.05,
        confidence: float = 0.95,
        paired_test: PairedTest = "t",
    ) -> Comparison:
        """One model against another; for several against one baseline use `compare_all`.

        Args:
            paired_test: t, sign_flip (assumes nothing; needs six shared seeds to reach 0.05) or wilcoxon.

        Raises:
            StatisticsError: an unknown model or test, a share outside (0, 1).
        """
        check_share(alpha, "alpha")
        row = self._compared(model, baseline, confidence, paired_test)
        return self._judged(row, row.test.p_value, alpha)

    def compare_all(
        self,
        baseline: str,
        *,
        alpha: float = 0.05,
        confidence: float = 0.95,
        paired_test: PairedTest = "t",
    ) -> ComparisonTable:
        """Every other model against the baseline, the p-values adjusted by Holm for so many questions.

        Raises:
            StatisticsError: as for `compare`.
        """
        check_share(alpha, "alpha")
        others = [model for model in self.models if model != baseline]
        self._array(baseline)
        rows = [self._compared(model, baseline, confidence, paired_test) for model in others]
        adjusted = holm([row.test.p_value for row in rows])
        judged = tuple(self._judged(row, p, alpha) for row, p in zip(rows, adjusted, strict=True))
        summary = self.summary(baseline, confidence=confidence)
        return ComparisonTable(self.metric, baseline, summary, alpha, self.higher_is_better, judged)

    def compare_contrasts(
        self,
        contrasts: Sequence[tuple[str, str]],
        *,
        alpha: float = 0.05,
        confidence: float = 0.95,
        paired_test: PairedTest = "t",
    ) -> tuple[Comparison, ...]:
        """Chosen pairs (model, baseline), the p-values adjusted by Holm for just these questions.

        Choose them before the values are seen: contrasts picked afterwards are more questions than they count.

        Raises:
            StatisticsError: as for `compare`.
        """
        check_share(alpha, "alpha")
        rows = [self._compared(model, baseline, confidence, paired_test) for model, baseline in contrasts]
        adjusted = holm([row.test.p_value for row in rows])
        return tuple(self._judged(row, p, alpha) for row, p in zip(rows, adjusted, strict=True))

    def equivalence(self, model: str, baseline: str, *, margin: Margin, alpha: float = 0.05) -> Equivalence:
        """Whether two models differ by less than `margin`: over pairs where seeds are shared, else Welch."""
        pairs = self._pairs(model, baseline)
        if pairs is None:
            return equivalence_test(self._array(model), self._array(baseline), margin=margin, alpha=alpha)
        return paired_equivalence_test(*pairs, margin=margin, alpha=alpha)

    def as_dict(self) -> dict[str, Any]:
        """Values, seeds and summaries by model, ready for JSON."""
        models = {
            model: {
                "values": list(self.values(model)),
                "seeds": None if (seeds := self._seeds[model]) is None else list(seeds),
                "summary": self.summary(model).as_dict(),
            }
            for model in self.models
        }
        return {"metric": self.metric, "higher_is_better": self.higher_is_better, "models": models}

    def __str__(self) -> str:
        rows = "; ".join(f"{model} {summary}" for model, summary in self.ranking())
        return f"{self.metric} of {len(self.models)} models: {rows}"

    def _array(self, model: str) -> NDArray[np.float64]:
        if model not in self._arrays:
            known = ", ".join(self.models)
            raise StatisticsError(f"no model {model!r}{suggestion(model, self.models)} (there are {known})")
        return self._arrays[model]

    def _pairs(self, model: str, baseline: str) -> tuple[NDArray[np.float64], NDArray[np.float64]] | None:
        """The values of the shared seeds; None when fewer than two are shared."""
        first, second = self._by_seed(model), self._by_seed(baseline)
        shared = [seed for seed in first if seed in second]
        if len(shared) < 2:
            return None
        return np.array([first[seed] for seed in shared]), np.array([second[seed] for seed in shared])

    def _by_seed(self, model: str) -> Mapping[Hashable, float]:
        array, seeds = self._array(model), self._seeds[model]
        if seeds is None:
            return MappingProxyType({})
        return dict(zip(seeds, array.tolist(), strict=True))

    def _compared(self, model: str, baseline: str, confidence: float, paired_test: PairedTest) -> Comparison:
        check_choice(paired_test, _PAIRED_TESTS, "paired_test")
        first, second = self._array(model), self._array(baseline)
        pairs = self._pairs(model, baseline)
        flips = None if pairs is None else sign_flip_test(*pairs)
        if pairs is None or flips is None:
            test: SignificanceTest = welch_test(first, second, confidence=confidence)
            effect = hedges_g(first, second, confidence=confidence)
        else:
            effect = paired_dz(*pairs, confidence=confidence)
            test = flips if paired_test == "sign_flip" else wilcoxon_test(*pairs)
            if paired_test == "t":
                test = paired_t_test(*pairs, confidence=confidence)
        return Comparison(
            model=model,
            baseline=baseline,
            summary=summarize(first, confidence=confidence),
            baseline_summary=summarize(second, confidence=confidence),
            test=test,
            sign_flip=flips,
            effect=effect,
            note=self._note(model, baseline, None if pairs is None else len(pairs[0])),
        )

    def _note(self, model: str, baseline: str, num_pairs: int | None) -> str | None:
        n, m = len(self._array(model)), len(self._array(baseline))
        if num_pairs is not None:
            return None if num_pairs == n == m else f"paired over {num_pairs} shared seeds, of {n} and {m}"
        if self._seeds[model] is not None and self._seeds[baseline] is not None:
            return "too few shared seeds for pairs: separate samples"
        return None

    def _judged(self, row: Comparison, p_value: float | None, alpha: float) -> Comparison:
        """The row with its adjusted p-value and verdict."""
        if p_value is None or row.test.difference is None:
            why = "; ".join(part for part in (row.note, row.test.reason) if part)
            return replace(row, note=why or None)
        is_up = (row.test.difference > 0) == self.higher_is_better
        verdict = ("better" if is_up else "worse") if p_value < alpha else "no difference shown"
        return replace(row, p_adjusted=p_value, verdict=verdict)


def _checked(model: str, seeds: Sequence[Hashable], array: NDArray[np.float64]) -> tuple[Hashable, ...]:
    if len(seeds) != len(array) or len(set(seeds)) != len(seeds):
        raise StatisticsError(
            f"{model}: {len(array)} values for the seeds {list(seeds)}: one value a seed, each once"
        )
    return tuple(seeds)
