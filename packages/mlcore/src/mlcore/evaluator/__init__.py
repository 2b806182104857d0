"""Measure a language model: loss, perplexity, bits per byte, samples, baselines, and two judges of its text.

Names are loaded on first use, so that importing this package imports neither torch nor anthropic.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mlcore.evaluator.advanced_evaluator import AdvancedEvaluator as AdvancedEvaluator
    from mlcore.evaluator.baselines import Baseline as Baseline
    from mlcore.evaluator.baselines import ngram_baselines as ngram_baselines
    from mlcore.evaluator.baselines import unigram_entropy as unigram_entropy
    from mlcore.evaluator.classification import ClassificationMetrics as ClassificationMetrics
    from mlcore.evaluator.classification import classification_metrics as classification_metrics
    from mlcore.evaluator.classification_evaluation import ClassifierEvaluation as ClassifierEvaluation
    from mlcore.evaluator.classification_evaluation import evaluate_classifier as evaluate_classifier
    from mlcore.evaluator.classification_rows import ClassificationError as ClassificationError
    from mlcore.evaluator.classification_temperature import fit_temperature as fit_temperature
    from mlcore.evaluator.coherence import ClaudeJudge as ClaudeJudge
    from mlcore.evaluator.coherence_config import CoherenceConfig as CoherenceConfig
    from mlcore.evaluator.coherence_report import CoherenceReport as CoherenceReport
    from mlcore.evaluator.evaluation_file import read_evaluation as read_evaluation
    from mlcore.evaluator.evaluation_file import write_evaluation as write_evaluation
    from mlcore.evaluator.heuristic_judge import HeuristicJudge as HeuristicJudge
    from mlcore.evaluator.heuristic_judge import HeuristicReport as HeuristicReport
    from mlcore.evaluator.kneser_ney import KneserNey as KneserNey
    from mlcore.evaluator.language_metrics import LanguageMetrics as LanguageMetrics
    from mlcore.evaluator.poor_generation import generation_advice as generation_advice
    from mlcore.evaluator.samples import Sample as Sample
    from mlcore.evaluator.samples import generate_samples as generate_samples
    from mlcore.evaluator.word_list import WordList as WordList

_HOMES = {
    "AdvancedEvaluator": "advanced_evaluator",
    "Baseline": "baselines",
    "ClassificationError": "classification_rows",
    "ClassificationMetrics": "classification",
    "ClassifierEvaluation": "classification_evaluation",
    "ClaudeJudge": "coherence",
    "CoherenceConfig": "coherence_config",
    "CoherenceReport": "coherence_report",
    "HeuristicJudge": "heuristic_judge",
    "HeuristicReport": "heuristic_judge",
    "KneserNey": "kneser_ney",
    "LanguageMetrics": "language_metrics",
    "Sample": "samples",
    "WordList": "word_list",
    "classification_metrics": "classification",
    "evaluate_classifier": "classification_evaluation",
    "fit_temperature": "classification_temperature",
    "generate_samples": "samples",
    "generation_advice": "poor_generation",
    "ngram_baselines": "baselines",
    "read_evaluation": "evaluation_file",
    "unigram_entropy": "baselines",
    "write_evaluation": "evaluation_file",
}

__all__ = sorted(_HOMES)


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{_HOMES[name]}"), name)


def __dir__() -> list[str]:
    return __all__
