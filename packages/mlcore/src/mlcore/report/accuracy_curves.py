"""The accuracy of a classifier over its training, and the same as an error rate on a logarithmic scale."""

from __future__ import annotations

from dataclasses import dataclass, replace

from mlcore.report.classification_view import best_baseline, is_classification
from mlcore.report.line_chart import Chart
from mlcore.report.run_contents import RunContents
from mlcore.report.series import Points, Series, points_of, raw_and_smooth, smoothed, thin


@dataclass(frozen=True)
class AccuracyCharts:
    """Two looks at the same numbers: near 100 % only the error rate shows a difference."""

    accuracy: Chart
    error: Chart


def training_accuracy(run: RunContents) -> Points:
    """(step, accuracy) as logged with the steps; else the means of the epochs."""
    return points_of(run.steps, "accuracy") or points_of(run.epochs, "train", "accuracy")


def accuracy_charts(run: RunContents) -> AccuracyCharts | None:
    """Training accuracy, raw and smoothed, and validation accuracy; None where none was logged."""
    train, validation = training_accuracy(run), points_of(run.validations, "accuracy")
    if not train and not validation:
        return None
    text = _describe(train, validation)
    baseline = best_baseline(run.evaluation) if is_classification(run.evaluation) else None
    split = str(run.evaluation.get("split") or "")
    name = f"{baseline[0]}, {split}" if baseline and split else baseline[0] if baseline else ""
    references = ((name, baseline[1]),) if baseline else ()
    series_of_both = _series(train, validation)
    floor = _smallest_error([*train, *validation]) / 100
    accuracy = Chart(
        "accuracy",
        "Accuracy",
        text,
        series_of_both,
        _percent,
        references,
        format_reference=_exact,
        names_below=True,
    )
    error = Chart(
        "error",
        "Error rate",
        text,
        tuple(_mirrored(series, floor) for series in series_of_both),
        _percent,
        tuple((name, 1 - value) for name, value in references),
        format_reference=_exact,
    )
    return AccuracyCharts(accuracy, error)


def _series(train: Points, validation: Points) -> tuple[Series, ...]:
    if not validation:
        return raw_and_smooth(train, "training")
    line = Series("validation", "validation", tuple(thin(validation)), dots=len(validation) <= 40)
    return (*raw_and_smooth(train, "training"), line)


def _mirrored(series: Series, floor: float) -> Series:
    """Error rates instead of accuracies; what is under `floor` is the rounding of a mean over perfect batches."""
    errors = ((step, 1 - accuracy) for step, accuracy in series.points)
    return replace(series, points=tuple((step, error if error > floor else 0.0) for step, error in errors))


def _smallest_error(points: Points) -> float:
    return min((1 - accuracy for _, accuracy in points if accuracy < 1), default=0.0)


def _describe(train: Points, validation: Points) -> str:
    parts = []
    if train:
        parts.append(
            f"Training accuracy, of each batch before its update, ends at {smoothed(train)[-1][1]:.2%}."
        )
    if validation:
        step, best = max(validation, key=lambda point: point[1])
        if step == validation[-1][0]:
            parts.append(f"Validation accuracy ends at its highest, {best:.2%}.")
        else:
            parts.append(
                f"Validation accuracy is highest at step {step:,.0f} with {best:.2%} "
                f"and ends at {validation[-1][1]:.2%}."
            )
    return " ".join(parts)


def _percent(value: float) -> str:
    """Tick text: as many digits as it takes, and no zeros at the end."""
    return f"{100 * value:.3g}%"


def _exact(value: float) -> str:
    return f"{value:.2%}"
