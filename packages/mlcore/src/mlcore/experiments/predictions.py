"""predictions.json: what a classifier answered, example by example, so that two runs can be compared on each.

It holds the split, the fingerprint of the data set, and labels and predictions in the order of the data set.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from mlcore.errors import UserError

PREDICTIONS = "predictions.json"


class PredictionsError(UserError):
    """A run has no readable predictions."""

    exit_code = 3


@dataclass(frozen=True)
class Predictions:
    """The answers of one run; labels and predictions are (n,) class numbers."""

    split: str
    fingerprint: str
    labels: tuple[int, ...]
    predictions: tuple[int, ...]

    def __post_init__(self) -> None:
        if len(self.labels) != len(self.predictions):
            raise PredictionsError(f"{len(self.labels)} labels for {len(self.predictions)} predictions")

    @property
    def correct(self) -> list[bool]:
        """(n,) which examples were classified rightly."""
        return [label == answer for label, answer in zip(self.labels, self.predictions, strict=True)]

    @property
    def accuracy(self) -> float | None:
        """Share of the right ones; None without examples."""
        return sum(self.correct) / len(self.labels) if self.labels else None


def write_predictions(
    run: Path, *, split: str, fingerprint: str, labels: Sequence[int], predictions: Sequence[int]
) -> Path:
    """Write `run`/predictions.json, atomically, and return its path. Tensors and arrays will do.

    Raises:
        PredictionsError: not one prediction a label.
    """
    from mlcore.logger.plain_values import to_plain, write_json_atomic

    plain_labels, plain_answers = to_plain(labels), to_plain(predictions)
    Predictions(split, fingerprint, tuple(plain_labels), tuple(plain_answers))
    path = Path(run) / PREDICTIONS
    content = {
        "split": split,
        "fingerprint": fingerprint,
        "labels": plain_labels,
        "predictions": plain_answers,
    }
    write_json_atomic(path, content)
    return path


def read_predictions(run: Path) -> Predictions:
    """The predictions of a run folder.

    Raises:
        PredictionsError: there are none, or the file is damaged.
    """
    path = Path(run) / PREDICTIONS
    try:
        content = json.loads(path.read_bytes())
    except FileNotFoundError:
        raise PredictionsError(f"{path.parent.name} has no {PREDICTIONS}") from None
    except (OSError, ValueError, RecursionError) as error:
        raise PredictionsError(
            f"{path} is damaged ({type(error).__name__}); evaluate the run again"
        ) from None
    if not _is_whole(content):
        raise PredictionsError(f"{path} is damaged; evaluate the run again")
    return Predictions(
        content["split"], content["fingerprint"], tuple(content["labels"]), tuple(content["predictions"])
    )


def paired_correct(first: Path, second: Path, split: str) -> tuple[list[bool], list[bool]] | str:
    """Which of the same examples each of two runs got right; or why that cannot be said."""
    try:
        one, other = read_predictions(first), read_predictions(second)
    except PredictionsError as error:
        return str(error)
    if {one.split, other.split} != {split}:
        return f"{PREDICTIONS} is of the splits {one.split} and {other.split}, the metric of {split}"
    if one.fingerprint != other.fingerprint or one.labels != other.labels:
        return f"{PREDICTIONS} of both are of different examples"
    if not one.labels:
        return f"{PREDICTIONS} holds no examples"
    return one.correct, other.correct


def _is_whole(content: object) -> bool:
    if not isinstance(content, dict):
        return False
    lists = [content.get("labels"), content.get("predictions")]
    texts = [content.get("split"), content.get("fingerprint")]
    return (
        all(isinstance(text, str) for text in texts)
        and all(isinstance(items, list) and all(type(item) is int for item in items) for items in lists)
        and len(content["labels"]) == len(content["predictions"])
    )
