"""What the Claude judge found, with everything that is missing counted by its reason."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from mlcore.evaluator.judge_prompt import CRITERIA

OVERALL = "overall"


@dataclass(frozen=True)
class ScoreSummary:
    """Mean over the judged samples (each the mean of its verdicts), sd between samples, standard error sd /
    sqrt(n).

    None where undefined: no sample, or fewer than two for the spread.
    """

    num_samples: int
    mean: float | None
    sd: float | None
    standard_error: float | None


@dataclass(frozen=True)
class SampleScores:
    """The verdicts on one sample and the reasons of those that are missing.

    Each verdict holds grammar, coherence, creativity (1 to 5), overall (their mean), remark, cached.
    """

    verdicts: tuple[dict[str, Any], ...] = ()
    failures: tuple[str, ...] = ()


@dataclass(frozen=True)
class CoherenceReport:
    """Scores from 1 (worst) to 5 (best); a missing verdict is missing, never a number.

    Attributes:
        status: "18 of 20 judged (1 refusal, 1 timeout)" or "skipped: no key".
        num_asked, num_judged: samples, and those with at least one verdict.
        num_verdicts_asked, num_verdicts: samples times repeats, and verdicts received.
        scores: grammar, coherence, creativity and overall (the mean of the three).
        repeat_sd: sd between the verdicts on the same sample, pooled: the judge's own noise in the overall
            score.
        failures: reasons of the missing verdicts; retried: reasons of attempts that were tried again.
        num_cached: verdicts that came from the cache, num_cache_damaged: entries of it that could not be
            trusted.
        calls, input_tokens, output_tokens, seconds: what this scoring used.
        cost_dollars: what the answered calls cost at the configured prices; None without prices.
    """

    status: str
    model: str | None = None
    num_asked: int = 0
    num_judged: int = 0
    num_verdicts_asked: int = 0
    num_verdicts: int = 0
    scores: dict[str, ScoreSummary] = field(default_factory=dict)
    repeat_sd: float | None = None
    failures: dict[str, int] = field(default_factory=dict)
    retried: dict[str, int] = field(default_factory=dict)
    num_cached: int = 0
    num_cache_damaged: int = 0
    calls: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    seconds: float = 0.0
    cost_dollars: float | None = None
    per_sample: tuple[SampleScores, ...] = ()

    @classmethod
    def skipped(cls, reason: str, *, num_asked: int, model: str | None = None) -> CoherenceReport:
        """Nothing was judged, and why."""
        return cls(status=f"skipped: {reason}", model=model, num_asked=num_asked)

    @classmethod
    def of(cls, per_sample: Sequence[SampleScores], **spent: Any) -> CoherenceReport:
        """Summarise the samples' verdicts; `spent` fills the fields on calls, tokens, cost and cache."""
        failures = Counter(reason for sample in per_sample for reason in sample.failures)
        judged = [sample.verdicts for sample in per_sample if sample.verdicts]
        num_verdicts = sum(len(verdicts) for verdicts in judged)
        return cls(
            status=_status(len(judged), len(per_sample), failures),
            num_asked=len(per_sample),
            num_judged=len(judged),
            num_verdicts_asked=num_verdicts + failures.total(),
            num_verdicts=num_verdicts,
            scores={
                name: _summary([_mean([v[name] for v in vs]) for vs in judged])
                for name in (*CRITERIA, OVERALL)
            },
            repeat_sd=_pooled_sd([[verdict[OVERALL] for verdict in verdicts] for verdicts in judged]),
            failures=dict(failures.most_common()),
            per_sample=tuple(per_sample),
            **spent,
        )

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)


def _status(num_judged: int, num_asked: int, failures: Counter[str]) -> str:
    text = f"{num_judged} of {num_asked} judged"
    if not failures:
        return text
    listed = ", ".join(f"{count} {reason.replace('_', ' ')}" for reason, count in failures.most_common())
    verdicts = "1 verdict" if failures.total() == 1 else f"{failures.total()} verdicts"
    return f"{text} ({verdicts} missing: {listed})"


def _mean(values: Sequence[float]) -> float:
    return math.fsum(values) / len(values)


def _squares(values: Sequence[float]) -> float:
    mean = _mean(values)
    return math.fsum((value - mean) ** 2 for value in values)


def _summary(values: Sequence[float]) -> ScoreSummary:
    if not values:
        return ScoreSummary(0, None, None, None)
    if len(values) < 2:
        return ScoreSummary(1, values[0], None, None)
    sd = math.sqrt(_squares(values) / (len(values) - 1))
    return ScoreSummary(len(values), _mean(values), sd, sd / math.sqrt(len(values)))


def _pooled_sd(groups: Sequence[Sequence[float]]) -> float | None:
    degrees = sum(len(group) - 1 for group in groups)
    return math.sqrt(math.fsum(_squares(group) for group in groups) / degrees) if degrees else None
