"""AdvancedEvaluator: everything a language project measures, behind one object."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from itertools import islice
from typing import Protocol

import torch
from torch import Tensor, nn

from mlcore.evaluator.coherence_report import CoherenceReport
from mlcore.evaluator.heuristic_judge import HeuristicJudge, HeuristicReport
from mlcore.evaluator.language_metrics import LanguageMetrics, LanguageMetricsSum
from mlcore.evaluator.protocols import LanguageModel, Tokenizer
from mlcore.evaluator.samples import Sample, generate_samples
from mlcore.evaluator.word_list import WordList


class Judge(Protocol):
    """Anything that scores samples and never raises; `ClaudeJudge` is one."""

    def score(self, samples: Sequence[Sample]) -> CoherenceReport: ...


class AdvancedEvaluator:
    """Measures a language model: loss and its relatives, samples, and two judges of the samples.

    Args:
        model: already on `device`. It is put into evaluation mode while it is used, and put back.
        tokenizer: the one the data were prepared with.
        judge: scores coherence; None: `score` reports "skipped: no judge".
        dictionary: words of the training text, for the heuristic judge.
    """

    def __init__(
        self,
        model: LanguageModel,
        tokenizer: Tokenizer,
        *,
        device: str | torch.device = "cpu",
        judge: Judge | None = None,
        dictionary: WordList | Iterable[str] | None = None,
    ) -> None:
        self.model = model
        self.tokenizer = tokenizer
        self.device = torch.device(device)
        self.judge = judge
        self.heuristic_judge = HeuristicJudge(dictionary)

    def evaluate(
        self, loader: Iterable[Sequence[Tensor]], *, max_batches: int | None = None
    ) -> LanguageMetrics:
        """Metrics over batches (inputs, targets), both int64 (B, T); targets of -100 do not count.

        The result does not depend on how the sequences are cut into batches.

        Raises:
            ValueError: no token to count, or a target outside the vocabulary of the model or of the
                tokenizer.
        """
        total = LanguageMetricsSum(self.tokenizer.byte_lengths())
        with evaluation_mode(self.model), torch.no_grad():
            for inputs, targets in islice(loader, max_batches):
                total.add(self.model.logits(inputs.to(self.device)), targets.to(self.device))
        return total.result()

    def generate_samples(
        self,
        prompts: Sequence[str],
        *,
        max_new_tokens: int = 100,
        temperature: float = 0.8,
        top_k: int | None = 50,
        top_p: float | None = None,
        repetition_penalty: float = 1.0,
        samples_per_prompt: int = 1,
        seed: int = 42,
    ) -> list[Sample]:
        """Continue every prompt; see `mlcore.evaluator.samples.generate_samples`."""
        with evaluation_mode(self.model):
            return generate_samples(
                self.model,
                self.tokenizer,
                prompts,
                device=self.device,
                max_new_tokens=max_new_tokens,
                temperature=temperature,
                top_k=top_k,
                top_p=top_p,
                repetition_penalty=repetition_penalty,
                samples_per_prompt=samples_per_prompt,
                seed=seed,
            )

    def score(self, samples: Sequence[Sample]) -> CoherenceReport:
        """The judge's scores; never raises, and says in its status what was not judged and why."""
        if self.judge is None:
            return CoherenceReport.skipped("no judge", num_asked=len(samples))
        return self.judge.score(samples)

    def heuristics(self, samples: Sequence[Sample]) -> HeuristicReport:
        """The offline judge's measurements, a column of their own."""
        return self.heuristic_judge.judge(samples)


@contextmanager
def evaluation_mode(model: object) -> Iterator[None]:
    """Evaluation mode for every submodule, each put back as it was."""
    modules = list(model.modules()) if isinstance(model, nn.Module) else []
    was_training = [module.training for module in modules]
    if modules:
        modules[0].eval()
    try:
        yield
    finally:
        for module, training in zip(modules, was_training, strict=True):
            module.training = training
