"""Samples over time: one prompt, its continuations at successive steps side by side."""

from __future__ import annotations

from dataclasses import dataclass

from mlcore.logger.number_format import format_loss
from mlcore.report.run_contents import RunContents

_NUM_SIDE_BY_SIDE = 4
_MAX_CHARACTERS = 900


@dataclass(frozen=True)
class Moment:
    """What the model wrote at one step."""

    step: str
    note: str
    text: str


@dataclass(frozen=True)
class PromptHistory:
    """One prompt: `shown` moments side by side, and all of them."""

    prompt: str
    shown: tuple[Moment, ...]
    all: tuple[Moment, ...]


def sample_histories(run: RunContents) -> list[PromptHistory]:
    """Histories of all prompts, in order of appearance; a repeated prompt has one for each."""
    losses = {record["step"]: record.get("loss") for record in run.validations}
    moments: dict[tuple[str, int], list[tuple[int, Moment]]] = {}
    for step, samples in run.samples:
        seen: dict[str, int] = {}
        for sample in samples:
            prompt, text = str(sample.get("prompt", "")), str(sample.get("text", ""))
            seen[prompt] = seen.get(prompt, 0) + 1
            loss = losses.get(step)
            note = f"validation {format_loss(loss)}" if isinstance(loss, int | float) else ""
            moment = Moment(f"{step:,}", note, _clip(text.removeprefix(prompt)))
            moments.setdefault((prompt, seen[prompt]), []).append((step, moment))
    return [
        PromptHistory(prompt, _spread(history), tuple(moment for _, moment in history))
        for (prompt, _), history in moments.items()
    ]


def _spread(history: list[tuple[int, Moment]]) -> tuple[Moment, ...]:
    """A few moments, even on a logarithmic scale of steps (most is learnt early); first and last are in."""
    if len(history) <= _NUM_SIDE_BY_SIDE:
        return tuple(moment for _, moment in history)
    first, last = max(history[0][0], 1), max(history[-1][0], 2)
    chosen = {0, len(history) - 1}
    for number in range(1, _NUM_SIDE_BY_SIDE - 1):
        wanted = first * (last / first) ** (number / (_NUM_SIDE_BY_SIDE - 1))
        free = [index for index in range(len(history)) if index not in chosen]
        chosen.add(min(free, key=lambda index: abs(history[index][0] - wanted)))
    return tuple(history[index][1] for index in sorted(chosen))


def _clip(text: str) -> str:
    return text if len(text) <= _MAX_CHARACTERS else text[:_MAX_CHARACTERS].rstrip() + " …"
