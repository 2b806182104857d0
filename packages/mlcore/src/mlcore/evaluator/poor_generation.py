"""Poor generation, seen in the figures of an evaluation, with what to do about it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mlcore import advice

# The heuristic judge's marks of fluent text lie above 0.7; a model that only knows frequent words stays below 0.2.
_POOR_OVERALL = 0.2
_MUCH_REPETITION = 0.3


def generation_advice(evaluation: Mapping[str, Any]) -> str | None:
    """One line where samples are poor; None where they are good, or where there are none.

    Args:
        evaluation: the content of evaluation.json: `heuristic`, `metrics` and `baselines` are looked at.
    """
    means = (evaluation.get("heuristic") or {}).get("means") or {}
    if not means:
        return None
    loss = (evaluation.get("metrics") or {}).get("loss")
    pairs = ((evaluation.get("baselines") or {}).get("bigram") or {}).get("loss")
    signs = []
    if loss is not None and pairs is not None and loss > pairs:
        signs.append(f"its loss, {loss:.2f}, is above that of counted pairs, {pairs:.2f}: undertrained")
    if (means.get("repetition_rate") or 0.0) > _MUCH_REPETITION:
        signs.append(f"{means['repetition_rate']:.0%} of it repeats itself")
    if (overall := means.get("overall")) is not None and overall < _POOR_OVERALL:
        signs.append(f"heuristic mark {overall:.2f} of 1")
    return f"poor generation ({'; '.join(signs)}): {advice.POOR_GENERATION}" if signs else None
