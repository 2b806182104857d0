"""Statistics of experiments: summaries, intervals, tests of differences, effect sizes, equivalence, power.

`ModelStatistics` compares models over seeds; everything else is a function of plain lists of numbers. A result
that cannot be had (one value, no spread, a NaN among the values) is None with a `reason`, never a NaN and never
p = 0. Names are loaded on first use.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mlcore.statistics.bootstrap import BootstrapInterval as BootstrapInterval
    from mlcore.statistics.bootstrap import bootstrap_interval as bootstrap_interval
    from mlcore.statistics.comparison import Comparison as Comparison
    from mlcore.statistics.comparison import ComparisonTable as ComparisonTable
    from mlcore.statistics.corrections import benjamini_hochberg as benjamini_hochberg
    from mlcore.statistics.corrections import holm as holm
    from mlcore.statistics.effect_sizes import EffectSize as EffectSize
    from mlcore.statistics.effect_sizes import cohens_d as cohens_d
    from mlcore.statistics.effect_sizes import hedges_g as hedges_g
    from mlcore.statistics.effect_sizes import paired_dz as paired_dz
    from mlcore.statistics.equivalence import Equivalence as Equivalence
    from mlcore.statistics.equivalence import equivalence_test as equivalence_test
    from mlcore.statistics.equivalence import paired_equivalence_test as paired_equivalence_test
    from mlcore.statistics.mcnemar import McNemarTest as McNemarTest
    from mlcore.statistics.mcnemar import mcnemar_counts_test as mcnemar_counts_test
    from mlcore.statistics.mcnemar import mcnemar_test as mcnemar_test
    from mlcore.statistics.mean_tests import paired_t_test as paired_t_test
    from mlcore.statistics.mean_tests import welch_test as welch_test
    from mlcore.statistics.model_statistics import ModelStatistics as ModelStatistics
    from mlcore.statistics.power import detectable_effect as detectable_effect
    from mlcore.statistics.power import needed_pairs as needed_pairs
    from mlcore.statistics.power import paired_t_power as paired_t_power
    from mlcore.statistics.proportions import ProportionInterval as ProportionInterval
    from mlcore.statistics.proportions import clopper_pearson_interval as clopper_pearson_interval
    from mlcore.statistics.proportions import wilson_interval as wilson_interval
    from mlcore.statistics.sign_flip import sign_flip_test as sign_flip_test
    from mlcore.statistics.sign_flip import smallest_p_value as smallest_p_value
    from mlcore.statistics.significance import SignificanceTest as SignificanceTest
    from mlcore.statistics.summary import Summary as Summary
    from mlcore.statistics.summary import summarize as summarize
    from mlcore.statistics.values import StatisticsError as StatisticsError
    from mlcore.statistics.wilcoxon import wilcoxon_test as wilcoxon_test

_HOMES = {
    "BootstrapInterval": "bootstrap",
    "Comparison": "comparison",
    "ComparisonTable": "comparison",
    "EffectSize": "effect_sizes",
    "Equivalence": "equivalence",
    "McNemarTest": "mcnemar",
    "ModelStatistics": "model_statistics",
    "ProportionInterval": "proportions",
    "SignificanceTest": "significance",
    "StatisticsError": "values",
    "Summary": "summary",
    "benjamini_hochberg": "corrections",
    "bootstrap_interval": "bootstrap",
    "clopper_pearson_interval": "proportions",
    "cohens_d": "effect_sizes",
    "detectable_effect": "power",
    "equivalence_test": "equivalence",
    "hedges_g": "effect_sizes",
    "holm": "corrections",
    "mcnemar_counts_test": "mcnemar",
    "mcnemar_test": "mcnemar",
    "needed_pairs": "power",
    "paired_dz": "effect_sizes",
    "paired_equivalence_test": "equivalence",
    "paired_t_power": "power",
    "paired_t_test": "mean_tests",
    "sign_flip_test": "sign_flip",
    "smallest_p_value": "sign_flip",
    "summarize": "summary",
    "welch_test": "mean_tests",
    "wilcoxon_test": "wilcoxon",
    "wilson_interval": "proportions",
}

__all__ = sorted(_HOMES)


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{_HOMES[name]}"), name)


def __dir__() -> list[str]:
    return __all__
