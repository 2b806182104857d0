"""The evaluation of a classifier: the model beside its baselines, and all that its confusion matrix tells."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from mlcore.logger.number_format import format_duration, format_loss, format_number
from mlcore.report.calibration_view import CalibrationView, calibration_view
from mlcore.report.class_table import ClassRow, PairRow, class_rows, pair_rows
from mlcore.report.confusion_view import ConfusionView, confusion_view
from mlcore.report.evaluation_view import Cell, ScoreRow
from mlcore.report.loose_values import as_interval, as_object, is_number
from mlcore.report.run_contents import RunContents

_MAX_CLASSES_AT_ONCE = 24


def format_share(value: float) -> str:
    """0.98315 as 98.32%."""
    return f"{value:.2%}"


_COLUMNS: tuple[tuple[str, str, Callable[[float], str]], ...] = (
    ("accuracy", "Accuracy", format_share),
    ("macro_f1", "Macro F1", format_share),
    ("loss", "Loss, nats", format_loss),
    ("brier_score", "Brier score", format_loss),
    ("expected_error", "Calibration error", format_share),
    ("fit_time_s", "Training time", format_duration),
)


@dataclass(frozen=True)
class ClassificationView:
    """All that the evaluation section of a classifier shows. `hint` warns of a split that was selected on."""

    checkpoint: str
    split: str
    size: str
    hint: str
    columns: tuple[str, ...]
    rows: tuple[ScoreRow, ...]
    interval_method: str
    most_frequent: str
    matrix: ConfusionView | None
    pairs: tuple[PairRow, ...]
    classes: tuple[ClassRow, ...]
    classes_shown: tuple[ClassRow, ...]
    macro: tuple[str, ...]
    calibration: CalibrationView | None


def is_classification(evaluation: dict[str, Any]) -> bool:
    """Whether evaluation.json is that of a classifier."""
    return "confusion" in as_object(evaluation.get("metrics"))


def classification_view(run: RunContents) -> ClassificationView | None:
    """The view of a classifier's evaluation.json; None when the run has none."""
    if not is_classification(run.evaluation):
        return None
    metrics = as_object(run.evaluation.get("metrics"))
    split = str(run.evaluation.get("split") or "")
    columns, rows = _scores(run, metrics)
    classes = class_rows(metrics)
    matrix = confusion_view(metrics)
    return ClassificationView(
        checkpoint=str(run.evaluation.get("checkpoint") or ""),
        split=split,
        size=_size(run, metrics),
        hint=_hint(split),
        columns=columns,
        rows=rows,
        interval_method=str(metrics.get("interval_method") or ""),
        most_frequent=matrix.most_frequent if matrix else "",
        matrix=matrix,
        pairs=pair_rows(metrics),
        classes=classes,
        classes_shown=_worst(classes),
        macro=tuple(_share_or_dash(metrics.get(f"macro_{name}")) for name in ("precision", "recall", "f1")),
        calibration=calibration_view(metrics),
    )


def best_baseline(evaluation: dict[str, Any]) -> tuple[str, float] | None:
    """Name and accuracy of the most accurate baseline."""
    scores = [
        (name, entry["accuracy"])
        for name, entry in _baselines(evaluation)
        if is_number(entry.get("accuracy"))
    ]
    return max(scores, key=lambda pair: pair[1], default=None)


def _baselines(evaluation: dict[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    """(name, scores) of every baseline; a bare number is its accuracy."""
    return [
        (str(name).replace("_", " "), entry if isinstance(entry, dict) else {"accuracy": entry})
        for name, entry in as_object(evaluation.get("baselines")).items()
    ]


def _scores(run: RunContents, metrics: dict[str, Any]) -> tuple[tuple[str, ...], tuple[ScoreRow, ...]]:
    """Titles of the columns that somebody has a number for, and the rows, the most accurate first."""
    baselines = _baselines(run.evaluation)
    model = dict(metrics)
    if any("fit_time_s" in entry for _, entry in baselines):
        model.setdefault("fit_time_s", run.summary.get("wall_s"))
    entries = [("this model", model, True), *((name, entry, False) for name, entry in baselines)]
    flat = [
        (name, {**as_object(entry.get("calibration")), **entry}, is_model)
        for name, entry, is_model in entries
    ]
    flat.sort(key=lambda item: -_accuracy(item[1]))
    used = [column for column in _COLUMNS if any(is_number(entry.get(column[0])) for _, entry, _ in flat)]
    most_wrong = max((1 - _accuracy(entry) for _, entry, _ in flat if _accuracy(entry) >= 0), default=0) or 1
    rows = tuple(
        ScoreRow(
            name=name,
            note=str(entry.get("method") or ""),
            is_model=is_model,
            share=max(0.0, min(1.0, (1 - _accuracy(entry)) / most_wrong)) if _accuracy(entry) >= 0 else 0.0,
            cells=tuple(_cell(entry, key, show) for key, _, show in used),
        )
        for name, entry, is_model in flat
    )
    return tuple(title for _, title, _ in used), rows


def _accuracy(entry: dict[str, Any]) -> float:
    """For sorting: -1 where it is not known."""
    value = entry.get("accuracy")
    return value if is_number(value) and 0 <= value <= 1 else -1.0


def _cell(entry: dict[str, Any], key: str, show: Callable[[float], str]) -> Cell:
    value = entry.get(key)
    if not is_number(value):
        return Cell("–")
    interval = as_interval(entry.get(f"{key}_interval"))
    return Cell(show(value), f"{show(interval[0])} – {show(interval[1])}" if interval else "")


def _size(run: RunContents, metrics: dict[str, Any]) -> str:
    count, wrong = metrics.get("num_samples"), None
    if not is_number(count):
        return ""
    name = str(run.summary.get("item_name") or "")
    # "tokens" is what a logger says that was told nothing.
    text = f"{format_number(count)} {'samples' if name in ('', 'tokens') else name}"
    if is_number(metrics.get("num_correct")):
        wrong = count - metrics["num_correct"]
    return text if wrong is None else f"{text}, {format_number(wrong)} of them wrong"


def _hint(split: str) -> str:
    if split == "test":
        return ""
    if split.startswith("val"):
        return "The checkpoint was chosen on this split, so these figures flatter it; the test split is the fair one."
    return "These are not figures of the test split." if split else ""


def _worst(classes: tuple[ClassRow, ...]) -> tuple[ClassRow, ...]:
    """All of them in their order, or the worst of very many."""
    if len(classes) <= _MAX_CLASSES_AT_ONCE:
        return classes
    return tuple(sorted(classes, key=lambda row: -row.shortfall)[:_MAX_CLASSES_AT_ONCE])


def _share_or_dash(value: Any) -> str:
    return format_share(value) if is_number(value) else "–"
