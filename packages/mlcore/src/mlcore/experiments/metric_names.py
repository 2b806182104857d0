"""Which metric a short name means, and whether more of it is better."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from mlcore.config.problems import nearest
from mlcore.errors import ConfigError

if TYPE_CHECKING:
    from mlcore.experiments.run_record import RunRecord

_EVALUATION = ("test.", "validation.", "evaluation.")
_TRAINING = ("best.", "final.val.", "final.train.", "")
_DEFAULTS = ("test.accuracy", "validation.accuracy", "test.loss", "validation.loss")
_GROWING = frozenset(("accuracy", "acc", "f1", "auc", "bleu", "recall", "precision"))


def resolve_metric(name: str, records: Sequence[RunRecord], *, in_all: bool = False) -> str:
    """The full name of the metric that `name` means in these runs.

    One name for all of them, so that figures of different splits are never mixed. `accuracy` is that of the
    evaluation, on the split that most of the runs have and else on the test split; of runs that were never evaluated
    it is `best.accuracy` or `final.val.accuracy`. `evaluation.accuracy` is that of the evaluation in any case.

    Args:
        in_all: prefer a metric that all the runs have, for a comparison of two.

    Raises:
        ConfigError: no run has it; names the nearest.
    """
    known = {key for record in records for key in record.metrics}
    if name in known:
        return name
    short = name.removeprefix("evaluation.")
    places = [_EVALUATION] if short != name else [_EVALUATION, _TRAINING]
    found = _chosen([[f"{place}{short}" for place in kind] for kind in places], records, in_all)
    if found is None:
        raise ConfigError(f"no run has the metric {name!r}{_hint(short, known)}")
    return found


def default_metric(records: Sequence[RunRecord], *, in_all: bool = False) -> str | None:
    """What to show when nothing was asked for: the evaluation's accuracy or loss, else the best monitored value."""
    monitors = dict.fromkeys(str(record.config.get("training.monitor", "loss")) for record in records)
    best = [*(f"best.{name}" for name in monitors), "best.loss"]
    return _chosen([_DEFAULTS, best], records, in_all)


def _chosen(kinds: Sequence[Sequence[str]], records: Sequence[RunRecord], in_all: bool) -> str | None:
    """Of the first kind of metrics that any run has, the one that most have; of equally many the first."""
    complete = [record for record in records if record.is_complete] or records
    counts = {name: sum(name in record.metrics for record in complete) for names in kinds for name in names}
    if in_all and complete:
        shared = next((name for name, count in counts.items() if count == len(complete)), None)
        if shared is not None:
            return shared
    for names in kinds:
        best = max(names, key=counts.__getitem__)
        if counts[best]:
            return best
    return None


def is_higher_better(metric: str) -> bool:
    """True for accuracies, f1 and their like, and for speeds (`items_per_s`); False for losses, errors, times."""
    last = metric.rsplit(".", 1)[-1].casefold()
    words = set(last.split("_"))
    if words & {"error", "loss"}:
        return False
    return bool(words & _GROWING) or last.endswith("_per_s")


def _hint(name: str, known: Iterable[str]) -> str:
    known = sorted(known)
    last_parts = {key.rsplit(".", 1)[-1]: key for key in reversed(known)}
    match = nearest(name, known) or last_parts.get(nearest(name, last_parts) or "")
    if match is not None:
        return f"; did you mean {match!r}?"
    return f" (there are {', '.join(known[:8])}{', …' if len(known) > 8 else ''})" if known else ""
