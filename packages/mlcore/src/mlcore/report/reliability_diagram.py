"""The reliability diagram (Guo et al., On Calibration of Modern Neural Networks, 2017) as inline SVG."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from markupsafe import Markup

from mlcore.report.loose_values import as_interval, as_objects, is_number
from mlcore.report.scales import Scale

_WIDTH, _HEIGHT = 440, 400
_LEFT, _RIGHT, _TOP = 50, 10, 10
_PLOT_BOTTOM = 290  # under it the x axis, then the counts
_COUNTS_TOP, _COUNTS_BOTTOM = 345, 388
_MAX_LABELLED_BINS = 16


@dataclass(frozen=True)
class Bin:
    """A bin with samples: its range of confidence, their number, mean confidence and accuracy."""

    low: float
    high: float
    count: int
    confidence: float
    accuracy: float
    interval: tuple[float, float] | None


def filled_bins(value: Any) -> tuple[Bin, ...]:
    """The bins of evaluation.json that have samples and make sense."""
    bins = []
    for entry in as_objects(value):
        shares = [entry.get(key) for key in ("low", "high", "confidence", "accuracy")]
        count = entry.get("count")
        if is_number(count) and count > 0 and all(is_number(share) and 0 <= share <= 1 for share in shares):
            low, high, confidence, accuracy = (float(share) for share in shares if share is not None)
            interval = as_interval(entry.get("accuracy_interval"))
            bins.append(Bin(low, high, int(count), confidence, accuracy, interval))
    return tuple(bins)


def draw_reliability(bins: tuple[Bin, ...], description: str) -> Markup:
    """Accuracy over confidence with 95 % intervals, and under it how many samples each bin has."""
    x = Scale(0.0, 1.0, _LEFT, _WIDTH - _RIGHT)
    y = Scale(0.0, 1.0, _PLOT_BOTTOM, _TOP)
    parts = [
        Markup(
            '<svg class="reliability" viewBox="0 0 {} {}" role="img" aria-labelledby="reliability-t reliability-d">'
            '<title id="reliability-t">Reliability diagram</title><desc id="reliability-d">{}</desc>'
        ).format(_WIDTH, _HEIGHT, description),
        _axes(x, y),
        *(_bar(bin, x, y) for bin in bins),
        Markup('<line class="reference" x1="{}" y1="{}" x2="{}" y2="{}"/>').format(x(0), y(0), x(1), y(1)),
        *(_dot(bin, x, y) for bin in bins),
        _counts(bins, x),
        Markup("</svg>"),
    ]
    return Markup("").join(parts)


def _axes(x: Scale, y: Scale) -> Markup:
    parts = []
    for fifth in range(6):
        share = fifth / 5
        parts.append(
            Markup('<line class="grid" x1="{}" x2="{}" y1="{}" y2="{}"/>').format(
                x(0), x(1), _px(y(share)), _px(y(share))
            )
        )
        parts.append(
            Markup('<text class="tick" x="{}" y="{}" text-anchor="end" dy="4">{}</text>').format(
                _LEFT - 8, _px(y(share)), f"{share:.0%}"
            )
        )
        parts.append(
            Markup('<text class="tick" x="{}" y="{}" text-anchor="{}">{}</text>').format(
                _px(x(share)), _PLOT_BOTTOM + 18, "end" if fifth == 5 else "middle", f"{share:.0%}"
            )
        )
    parts.append(
        Markup(
            '<text class="tick" x="{}" y="{}" text-anchor="middle">confidence</text>'
            '<text class="tick" transform="translate(11 {}) rotate(-90)" text-anchor="middle">accuracy</text>'
        ).format((x(0) + x(1)) / 2, _PLOT_BOTTOM + 34, (y(0) + y(1)) / 2)
    )
    return Markup("").join(parts)


def _bar(bin: Bin, x: Scale, y: Scale) -> Markup:
    left, right, top = x(bin.low) + 1, x(bin.high) - 1, y(bin.accuracy)
    return Markup('<rect class="bin" x="{}" y="{}" width="{}" height="{}"/>').format(
        _px(left), _px(top), _px(max(0.5, right - left)), _px(y(0) - top)
    )


def _dot(bin: Bin, x: Scale, y: Scale) -> Markup:
    """The accuracy at the mean confidence, with its interval."""
    at = _px(x(bin.confidence))
    dot = Markup('<circle class="dot train" cx="{}" cy="{}" r="3.5"/>').format(at, _px(y(bin.accuracy)))
    if bin.interval is None:
        return dot
    low, high = (min(1.0, max(0.0, end)) for end in bin.interval)
    whisker = Markup('<line class="whisker" x1="{}" x2="{}" y1="{}" y2="{}"/>')
    return whisker.format(at, at, _px(y(low)), _px(y(high))) + dot


def _counts(bins: tuple[Bin, ...], x: Scale) -> Markup:
    """Bars on a logarithmic scale: most samples are in one bin, and the others matter too."""
    longest = max(math.log1p(bin.count) for bin in bins)
    parts = []
    for bin in bins:
        height = (_COUNTS_BOTTOM - _COUNTS_TOP) * math.log1p(bin.count) / longest
        left, right, top = x(bin.low) + 1, x(bin.high) - 1, _COUNTS_BOTTOM - height
        parts.append(
            Markup('<rect class="count" x="{}" y="{}" width="{}" height="{}"/>').format(
                _px(left), _px(top), _px(max(0.5, right - left)), _px(height)
            )
        )
        if len(bins) <= _MAX_LABELLED_BINS:
            parts.append(
                Markup('<text class="tick count-label" x="{}" y="{}" text-anchor="middle">{}</text>').format(
                    _px((left + right) / 2), _px(top - 3), _short(bin.count)
                )
            )
    return Markup("").join(parts)


def _short(count: int) -> str:
    """At most four characters: 950, 1.4k, 12k."""
    for limit, unit in ((1e6, "M"), (1e3, "k")):
        if count >= limit * 0.9995:
            scaled = count / limit
            return f"{scaled:.1f}{unit}" if scaled < 9.95 else f"{scaled:.0f}{unit}"
    return str(count)


def _px(value: float) -> str:
    return f"{value:.1f}".removesuffix(".0")
