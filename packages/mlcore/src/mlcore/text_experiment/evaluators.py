"""The evaluator of an experiment, and the samples that are shown while it trains."""

from typing import Any

from mlcore.evaluator import AdvancedEvaluator, ClaudeJudge, WordList
from mlcore.evaluator.text_evaluation import write_samples
from mlcore.text_experiment.wiring import PreparedExperiment
from mlcore.trainer.base import BaseTrainer

WORD_LIST_CHARACTERS = 20_000_000  # enough for the heuristic judge's dictionary; more only costs time


def make_evaluator(prepared: PreparedExperiment, model: Any) -> AdvancedEvaluator:
    """Evaluator with the training text's words as dictionary, and the Claude judge where the config asks for it."""
    evaluation = prepared.config.evaluation
    return AdvancedEvaluator(
        model,
        prepared.text.tokenizer,
        device=prepared.device,
        judge=ClaudeJudge(evaluation.coherence) if evaluation.evaluate_coherence else None,
        dictionary=WordList.from_texts(prepared.text.train_text, max_characters=WORD_LIST_CHARACTERS),
    )


def samples_of(trainer: BaseTrainer, prepared: PreparedExperiment) -> list[dict[str, Any]]:
    """One sample for every prompt, as the logger shows and keeps it."""
    evaluator = AdvancedEvaluator(trainer.model, prepared.text.tokenizer, device=trainer.device)  # type: ignore[arg-type]
    config = prepared.config
    samples = write_samples(evaluator, config.evaluation, seed=config.seed, samples_per_prompt=1)
    return [sample.as_dict() for sample in samples]
