"""The evaluation: the model beside its baselines, and its samples with two columns that are never mixed."""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass
from typing import Any

from mlcore.logger.number_format import format_loss, format_number
from mlcore.report.loose_values import as_interval, as_object, as_objects, is_number

_COLUMNS = (
    ("loss", "Loss, nats"),
    ("perplexity", "Perplexity"),
    ("bits_per_byte", "Bits per byte"),
    ("token_accuracy", "Accuracy"),
)
_HEURISTICS = (
    ("overall", "overall"),
    ("dictionary_rate", "known words"),
    ("familiar_pair_rate", "familiar pairs"),
    ("repetition_rate", "repetition"),
    ("distinct_2", "distinct pairs"),
    ("sentence_rate", "whole sentences"),
)


@dataclass(frozen=True)
class Cell:
    """A number with its 95 % interval."""

    value: str
    interval: str = ""


@dataclass(frozen=True)
class ScoreRow:
    """The model or a baseline; `share` places its loss on the little bar, 0 to 1."""

    name: str
    note: str
    is_model: bool
    share: float
    cells: tuple[Cell, ...]


@dataclass(frozen=True)
class Verdict:
    """A column about the samples: a status line and (name, number, spread) rows."""

    status: str
    by: str
    scores: tuple[tuple[str, str, str], ...]


@dataclass(frozen=True)
class JudgedSample:
    """One sample of the evaluation with what each judge says."""

    prompt: str
    text: str
    judge: tuple[tuple[str, str], ...]
    judge_note: str
    heuristic: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class EvaluationView:
    """All that the evaluation section shows."""

    checkpoint: str
    split: str
    size: str
    interval_method: str
    columns: tuple[str, ...]
    rows: tuple[ScoreRow, ...]
    coherence: Verdict | None
    heuristic: Verdict | None
    samples: tuple[JudgedSample, ...]


def evaluation_view(evaluation: dict[str, Any]) -> EvaluationView | None:
    """The view of evaluation.json; None when the run was not evaluated."""
    if not evaluation:
        return None
    metrics = as_object(evaluation.get("metrics"))
    entries = [("this model", metrics, True)]
    if one_gap := as_object(evaluation.get("one_gap")):
        note = {"method": "pseudo-perplexity: every other token of the window in sight"}
        entries.append(("this model, one gap at a time", {**one_gap, **note}, True))
    for name, entry in as_object(evaluation.get("baselines")).items():
        entries.append((str(name), entry if isinstance(entry, dict) else {"loss": entry}, False))
    used = [
        (key, title) for key, title in _COLUMNS if any(is_number(entry.get(key)) for _, entry, _ in entries)
    ]
    entries.sort(key=lambda item: item[1]["loss"] if is_number(item[1].get("loss")) else math.inf)
    top = max((entry["loss"] for _, entry, _ in entries if is_number(entry.get("loss"))), default=1.0) or 1.0
    rows = tuple(
        ScoreRow(
            name=name.replace("_", " "),
            note=str(entry.get("method") or ""),
            is_model=is_model,
            share=min(1.0, max(0.0, entry["loss"] / top)) if is_number(entry.get("loss")) else 0.0,
            cells=tuple(_cell(entry, key) for key, _ in used),
        )
        for name, entry, is_model in entries
    )
    coherence = evaluation.get("coherence")
    heuristic = evaluation.get("heuristic")
    return EvaluationView(
        checkpoint=str(evaluation.get("checkpoint") or ""),
        split=str(evaluation.get("split") or ""),
        size=_size(metrics),
        interval_method=str(metrics.get("interval_method") or ""),
        columns=tuple(title for _, title in used),
        rows=rows,
        coherence=_coherence(coherence) if isinstance(coherence, dict) else None,
        heuristic=_heuristic(heuristic) if isinstance(heuristic, dict) else None,
        samples=_samples(evaluation),
    )


def _cell(entry: dict[str, Any], key: str) -> Cell:
    value: Any = entry.get(key)
    if not is_number(value):
        return Cell("–")
    interval = as_interval(entry.get(f"{key}_interval"))
    text = f"{_show(key, interval[0])} – {_show(key, interval[1])}" if interval else ""
    return Cell(_show(key, value), text)


def _show(key: str, value: float) -> str:
    if key == "token_accuracy":
        return f"{value:.1%}" if value >= 0.01 or value == 0 else f"{value:.2%}"
    return format_loss(value) if key in ("loss", "bits_per_byte") else format_number(value)


def _size(metrics: dict[str, Any]) -> str:
    parts = [
        f"{metrics[key]:,} {name}"
        for key, name in (("num_sequences", "sequences"), ("num_tokens", "tokens"), ("num_bytes", "bytes"))
        if is_number(metrics.get(key))
    ]
    return ", ".join(parts)


def _coherence(report: dict[str, Any]) -> Verdict:
    scores = []
    for name, summary in as_object(report.get("scores")).items():
        summary = as_object(summary)
        if not is_number(summary.get("mean")):
            continue
        spread = (
            f"sd {summary['sd']:.2f}, n {summary.get('num_samples')}" if is_number(summary.get("sd")) else ""
        )
        scores.append((str(name), f"{summary['mean']:.2f}", spread))
    return Verdict(str(report.get("status") or ""), str(report.get("model") or ""), tuple(scores))


def _heuristic(report: dict[str, Any]) -> Verdict:
    means = as_object(report.get("means"))
    scores = []
    for key, name in _HEURISTICS:
        if is_number(means.get(key)):
            sd = report.get("overall_sd")
            spread = f"sd {sd:.2f}" if key == "overall" and is_number(sd) else ""
            scores.append((name, f"{means[key]:.2f}", spread))
    count = report.get("num_samples")
    return Verdict(f"{count} of {count} measured" if is_number(count) else "", "", tuple(scores))


def _samples(evaluation: dict[str, Any]) -> tuple[JudgedSample, ...]:
    samples = evaluation.get("samples")
    if not isinstance(samples, list):
        return ()
    verdicts = as_objects(as_object(evaluation.get("coherence")).get("per_sample"))
    measured = as_objects(as_object(evaluation.get("heuristic")).get("per_sample"))
    shown = []
    for number, sample in enumerate(samples):
        if not isinstance(sample, dict):
            continue
        prompt, text = str(sample.get("prompt", "")), str(sample.get("text", ""))
        judge, note = _judged(verdicts[number] if number < len(verdicts) else {})
        heuristic = measured[number] if number < len(measured) else {}
        shown.append(
            JudgedSample(
                prompt=prompt,
                text=text.removeprefix(prompt),
                judge=judge,
                judge_note=note,
                heuristic=tuple(
                    (name, f"{heuristic[key]:.2f}")
                    for key, name in _HEURISTICS
                    if is_number(heuristic.get(key))
                ),
            )
        )
    return tuple(shown)


def _judged(scores: dict[str, Any]) -> tuple[tuple[tuple[str, str], ...], str]:
    """Mean of the verdicts on one sample for each criterion, and a note: a remark, or why there is none."""
    verdicts = [verdict for verdict in scores.get("verdicts") or [] if isinstance(verdict, dict)]
    if not verdicts:
        reasons = Counter(str(reason).replace("_", " ") for reason in scores.get("failures") or [])
        listed = ", ".join(f"{count} {reason}" for reason, count in reasons.most_common())
        return (), f"no verdict: {listed}" if listed else ""
    means = []
    for name in ("overall", "grammar", "coherence", "creativity"):
        values = [verdict[name] for verdict in verdicts if is_number(verdict.get(name))]
        if values:
            means.append((name, f"{sum(values) / len(values):.1f}"))
    return tuple(means), str(verdicts[0].get("remark") or "")
