"""The charts of a run: loss, learning rate, gradient norm, throughput; and their numbers as a table."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from mlcore.logger.number_format import format_count, format_duration, format_loss, format_number
from mlcore.report.accuracy_curves import training_accuracy
from mlcore.report.classification_view import format_share, is_classification
from mlcore.report.line_chart import Chart
from mlcore.report.run_contents import RunContents
from mlcore.report.series import (
    Points,
    Series,
    points_of,
    raw_and_smooth,
    smoothed,
    smoothing_window,
    thin,
)

_MAX_TABLE_ROWS = 60
_EXTRA_COLUMNS = {
    "perplexity": "perplexity",
    "accuracy": "validation accuracy",
    "token_accuracy": "token accuracy",
    "bits_per_byte": "bits per byte",
}


def loss_chart(run: RunContents) -> Chart | None:
    """Training loss, raw and smoothed, and validation loss; reference lines of the baselines where known."""
    raw = points_of(run.steps, "loss")
    validation = points_of(run.validations, "loss")
    if not raw and not validation:
        return None
    series = (
        *raw_and_smooth(raw, "training"),
        *(
            [Series("validation", "validation", tuple(thin(validation)), dots=len(validation) <= 40)]
            * bool(validation)
        ),
    )
    return Chart(
        key="loss",
        title="Loss",
        description=_describe_loss(raw, validation),
        series=series,
        format_value=_short,
        references=_baseline_lines(run),
        marks=tuple(dict.fromkeys(skipped_steps(run))),
    )


def small_charts(run: RunContents) -> list[Chart]:
    """Learning rate, gradient norm and throughput, as far as they were logged."""
    item_name = str(run.summary.get("item_name", "tokens"))
    charts = []
    rate = points_of(run.steps, "lr")
    if rate:
        peak = max(y for _, y in rate)
        text = f"Begins at {rate[0][1]:.2e}, peaks at {peak:.2e}, ends at {rate[-1][1]:.2e}."
        rate_line = (Series("learning rate", "train", tuple(thin(rate))),)
        charts.append(Chart("lr", "Learning rate", text, rate_line, _scientific, from_zero=True))
    norm = points_of(run.steps, "grad_norm")
    skipped = skipped_steps(run)
    if norm:
        text = f"The median is {format_number(_median(norm), 3)}."
        if skipped:
            text += f" Red ticks: {len(skipped)} skipped step{'' if len(skipped) == 1 else 's'}."
        series = raw_and_smooth(norm, "gradient norm")
        marks = tuple(dict.fromkeys(skipped))
        charts.append(Chart("norm", "Gradient norm", text, series, _short, marks=marks, from_zero=True))
    speed = points_of(run.steps, "timing", "items_per_s")
    if speed:
        text = f"The median is {format_count(_median(speed))} {item_name} a second."
        series = raw_and_smooth(speed, f"{item_name}/s")
        title = f"{item_name.capitalize()} per second"
        charts.append(Chart("speed", title, text, series, format_count, from_zero=True))
    return charts


def _median(points: Points) -> float:
    return sorted(y for _, y in points)[len(points) // 2]


def skipped_steps(run: RunContents) -> list[float]:
    """Steps whose update was left out because loss or gradient was not finite; a step once for each update.

    A trainer may log them with a "status", or count them in "skipped": then the step is the next one logged.
    """
    skipped, before = [], 0
    for record in run.steps:
        count = record.get("skipped")
        if isinstance(count, int):
            skipped += [float(record["step"])] * max(0, count - before)
            before = max(before, count)
        elif _has_bad_status(record):
            skipped.append(float(record["step"]))
    return skipped


def _has_bad_status(record: dict[str, Any]) -> bool:
    loss = record.get("loss")
    return str(record.get("status", "ok")) != "ok" or (isinstance(loss, float) and not math.isfinite(loss))


def smoothing_note(run: RunContents) -> str:
    """What the caption says about the smoothing; empty where nothing is smoothed."""
    window = smoothing_window(len(points_of(run.steps, "loss")))
    return (
        ""
        if window == 1
        else f"The strong training line is a mean over about {window} logged steps around each point."
    )


def number_table(run: RunContents) -> tuple[list[str], list[list[str]]]:
    """Head and rows of the numbers behind the curves: at each validation, or at evenly spaced steps."""
    train = dict(smoothed(points_of(run.steps, "loss")))
    by_step = {record["step"]: record for record in run.steps}
    records: Sequence[dict[str, Any]] = run.validations or run.steps
    every = math.ceil(len(records) / _MAX_TABLE_ROWS) if records else 1
    shown = list(records[::every])
    if records and shown[-1] is not records[-1]:
        shown.append(records[-1])
    train_accuracy = dict(smoothed(training_accuracy(run)))
    extra = [name for name in _EXTRA_COLUMNS if any(name in record for record in run.validations)]
    head = ["step", "training loss", *["training accuracy"] * bool(train_accuracy)]
    if run.validations:
        head += ["validation loss", *(_EXTRA_COLUMNS[name] for name in extra)]
    head += ["learning rate", "time"]
    rows = []
    for record in shown:
        step = record["step"]
        cells = [f"{step:,}", _cell(_nearest(train, step), format_loss)]
        if train_accuracy:
            cells += [_cell(_nearest(train_accuracy, step), format_share)]
        if run.validations:
            cells += [_cell(record.get("loss"), format_loss)]
            shows = (format_share if name == "accuracy" else format_number for name in extra)
            cells += [_cell(record.get(name), show) for name, show in zip(extra, shows, strict=True)]
        near = by_step.get(step, {})
        cells += [_cell(near.get("lr"), _scientific)]
        timing = record.get("timing")
        cells += [_cell(timing.get("time_s") if isinstance(timing, dict) else None, format_duration)]
        rows.append(cells)
    return head, rows


def _cell(value: Any, show: Any) -> str:
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return str(show(value)) if is_number else "–"


def _nearest(values: dict[float, float], step: int) -> float | None:
    """The value at `step`, or at the last step before it (logging may be sparser than validation)."""
    if step in values:
        return values[step]
    before = [x for x in values if x <= step]
    return values[max(before)] if before else None


def _baseline_lines(run: RunContents) -> tuple[tuple[str, float], ...]:
    """Losses of the baselines of evaluation.json, as far as they are numbers of nats.

    A classifier's baselines are compared by accuracy: they stand in its chart.
    """
    baselines = run.evaluation.get("baselines")
    if not isinstance(baselines, dict) or is_classification(run.evaluation):
        return ()
    lines = []
    for name, entry in baselines.items():
        if name == "uniform":  # ln(vocabulary): every run passes it in its first steps
            continue
        loss = entry.get("loss") if isinstance(entry, dict) else entry
        if isinstance(loss, int | float) and not isinstance(loss, bool) and math.isfinite(loss):
            lines.append((str(name).replace("_", " "), float(loss)))
    return tuple(lines)


def _describe_loss(raw: Points, validation: Points) -> str:
    parts = []
    if raw:
        smooth = smoothed(raw)
        parts.append(
            f"Training loss goes from {format_loss(raw[0][1])} at step {raw[0][0]:,.0f} "
            f"to {format_loss(smooth[-1][1])} at step {raw[-1][0]:,.0f}."
        )
    if validation:
        step, best = min(validation, key=lambda point: point[1])
        if step == validation[-1][0]:
            parts.append(f"Validation loss ends at its lowest, {format_loss(best)}.")
        else:
            parts.append(
                f"Validation loss is lowest at step {step:,.0f} with {format_loss(best)} "
                f"and ends at {format_loss(validation[-1][1])}."
            )
    return " ".join(parts)


def _short(value: float) -> str:
    """Tick text: at most three significant digits and no zeros at the end."""
    return f"{value:,.3g}" if abs(value) < 1_000 else format_count(value)


def _scientific(value: float) -> str:
    if value == 0:
        return "0"
    mantissa, exponent = f"{value:.2e}".split("e")
    return f"{mantissa.rstrip('0').rstrip('.')}e{int(exponent)}"
